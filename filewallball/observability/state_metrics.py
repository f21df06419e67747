"""The metrics of the state that a host is in."""

from filewallball.observability import vocabulary as words
from filewallball.observability.labels import Label
from filewallball.observability.metric import COUNTER, GAUGE, Metric, one_of
from filewallball.recording.rejects import REASONS as _REJECTIONS

_EXPECTED = Label("client_ip", words.MAX_EXPECTED, "clients declared with `expected_within`")
_BUSIEST = f"ids of the {words.MAX_USERS} users with the highest values"

STATE = (
    Metric("process_start_time_seconds", GAUGE, "When the service started, Unix time", scraped=True),
    Metric(
        "counters_start_time_seconds",
        GAUGE,
        "When the counters began at 0, Unix time: at a start, but not at an upgrade (USR2)",
        scraped=True,
    ),
    Metric(
        "storage_utilization_percent",
        GAUGE,
        "Used share of the file system that holds the files, as df says it",
        scraped=True,
    ),
    Metric("storage_free_bytes", GAUGE, "Space left on that file system", scraped=True),
    Metric("storage_size_bytes", GAUGE, "Size of that file system", scraped=True),
    Metric(
        "storage_damaged_blobs",
        GAUGE,
        "Stored contents that are no longer what was uploaded; NaN until first checked",
        scraped=True,
    ),
    Metric(
        "backup_last_success_timestamp_seconds",
        GAUGE,
        "When this host last took a backup, Unix time; 0 = never",
        scraped=True,
    ),
    Metric("audit_journal_pending_events", GAUGE, "Ended operations not yet in the database", scraped=True),
    Metric("audit_journal_oldest_pending_seconds", GAUGE, "Age of the oldest of those", scraped=True),
    Metric(
        "audit_journal_rejected_total",
        COUNTER,
        "Lines of the journal that were not taken: forged, repeated or unstorable, or that are missing",
        (one_of("reason", *_REJECTIONS),),
        preset=tuple((reason,) for reason in _REJECTIONS),
    ),
    Metric("audit_unsealed_rows", GAUGE, "Rows of the audit log that no block seals yet", scraped=True),
    Metric(
        "audit_unsealed_seconds",
        GAUGE,
        "How long the first of those has been seen to wait: sealing stands still where it grows",
        scraped=True,
    ),
    Metric(
        "audit_verify_last_success_timestamp_seconds",
        GAUGE,
        "When the whole audit log was last found intact, Unix time; 0 = never",
        scraped=True,
    ),
    Metric(
        "audit_verify_intact",
        GAUGE,
        "1 if the last verification found the audit log intact, 0 if not; NaN before the first",
        scraped=True,
    ),
    Metric("audit_verify_failures_total", COUNTER, "Verifications that did not find the audit log intact"),
    Metric(
        "client_last_upload_age_seconds",
        GAUGE,
        "Seconds since the last successful upload of a client that is expected to upload, or since it was declared",
        (_EXPECTED,),
        scraped=True,
    ),
    Metric("client_expected_within_seconds", GAUGE, "How often it should upload", (_EXPECTED,), scraped=True),
    Metric(
        "user_transferred_bytes",
        GAUGE,
        "Bytes of files that a user sent and was sent today (UTC)",
        (Label("user_id", words.MAX_USERS, _BUSIEST),),
        scraped=True,
    ),
    Metric(
        "user_operations",
        GAUGE,
        "Operations of a user today (UTC), and those of them that failed",
        (
            Label("user_id", words.MAX_USERS, f"{_BUSIEST} of each outcome"),
            one_of("outcome", "all", "failed"),
        ),
        scraped=True,
    ),
    Metric(
        "user_quota_used_ratio",
        GAUGE,
        "Used share of a user's quota of bytes or files, whichever is fuller",
        (Label("user_id", words.MAX_USERS, f"{_BUSIEST}, of users who have a quota"),),
        scraped=True,
    ),
    Metric(
        "audit_journal_writable",
        GAUGE,
        "1 if the journal takes lines; without it nothing is served",
        scraped=True,
    ),
    Metric(
        "periodic_jobs_running",
        GAUGE,
        "1 if a process of this host does the periodic jobs: shipping, sealing, sweeping; 0 if none does",
        scraped=True,
    ),
    Metric(
        "database_writable",
        GAUGE,
        "1 if the database keeps changes, 0 if it is full, read-only or cannot write its files",
        scraped=True,
    ),
    Metric(
        "alert_messages_total",
        COUNTER,
        "Attempts to send an alert by SMS",
        (one_of("outcome", "sent", "failed"),),
        preset=(("sent",), ("failed",)),
    ),
    Metric("database_connections_open", GAUGE, "Database connections that workers keep"),
    Metric("database_connections_in_use", GAUGE, "Database connections at work now"),
)
