"""Audit & Integrity: is the record whole, are the stored bytes, and could both be brought back?"""

from filewallball.ops.dashboards.dashboard import Dashboard, Row
from filewallball.ops.dashboards.panels import GREEN, YES_NO, Look, gauge, of_service, stat, timeseries

_DAY = 86400
_INTACT = {"0": ("none", GREEN), "null": ("not checked yet", "text")}

_STATE = Row(
    "State",
    (
        stat(
            "Audit log found intact",
            of_service("time() - min(audit_verify_last_success_timestamp_seconds{@})"),
            about="Time since the whole log was last verified; decades mean never.",
            look=Look("s", yellow=1.5 * _DAY, red=2 * _DAY),
            runbook="auditverifyoverdue",
        ),
        stat(
            "Failed verifications",
            of_service("sum(audit_verify_failures_total{@})"),
            about="Somebody or something changed the log: `filewallball audit verify` names the first bad block.",
            look=Look(red=1),
            runbook="auditverifyfailed",
        ),
        stat(
            "Journal takes lines",
            of_service("min(audit_journal_writable{@})"),
            about="What cannot be recorded is not done: every operation is answered 503 while it does not.",
            look=Look(names=YES_NO, red=0, yellow=1, low_is_bad=True),
            runbook="journalnotwritable",
        ),
        stat(
            "Damaged contents",
            of_service("max(storage_damaged_blobs{@})"),
            about="Found by the scrub: stored bytes that are no longer those that were uploaded.",
            look=Look(names=_INTACT, red=1),
            runbook="scrubmismatch",
        ),
        stat(
            "Age of the last backup",
            of_service("time() - max(backup_last_success_timestamp_seconds{@})"),
            about="On this host; decades mean never.",
            look=Look("s", yellow=1.5 * _DAY, red=2 * _DAY),
            runbook="backupoverdue",
        ),
        stat(
            "Operations aborted",
            of_service("sum(operations_recovered_total{@})"),
            about="Left open by workers that died, closed as failed in the audit log.",
            look=Look(yellow=1),
        ),
    ),
)
_RECORD = Row(
    "Record",
    (
        timeseries(
            "Waiting in the journal",
            of_service("sum(audit_journal_pending_events{@})", "events"),
            about="Ended operations that are not in the database yet.",
            look=Look(yellow=1000, red=10000),
            runbook="journalgrowing",
        ),
        timeseries(
            "Oldest event waiting",
            of_service("max(audit_journal_oldest_pending_seconds{@})", "age"),
            about="A second or two is usual; more means that the database does not take rows.",
            look=Look("s", yellow=30, red=300),
            runbook="journalgrowing",
        ),
        timeseries(
            "Rows not sealed",
            of_service("max(audit_unsealed_rows{@})", "rows"),
            about="Sealed every two seconds; more and more of them are a digest that cannot seal.",
            look=Look(yellow=1000),
            runbook="auditsealingstalled",
        ),
        timeseries(
            "Recorded",
            of_service("sum by (status) (rate(operations_total{@}[$window]))", "{{status}}"),
            about="Operations a second by outcome, as the audit log has them.",
            look=Look("ops"),
            stack=True,
        ),
    ),
)
_BYTES = Row(
    "Stored bytes",
    (
        gauge(
            "Damaged",
            of_service("max(storage_damaged_blobs{@})"),
            about="The same upload again heals a content; else it comes from a backup.",
            look=Look(names=_INTACT, red=1, most=10),
            runbook="scrubmismatch",
        ),
        timeseries(
            "Space",
            of_service("sum(storage_size_bytes{@}) - sum(storage_free_bytes{@})", "used"),
            of_service("sum(storage_size_bytes{@})", "size"),
            about="The file system that holds the files, whatever else lies on it.",
            look=Look("bytes"),
            runbook="storagefull",
            width=9,
        ),
        timeseries(
            "Files that came and went",
            of_service(
                'sum(increase(operations_total{action="file:upload",status="success",@}[$window]))',
                "uploaded",
            ),
            of_service(
                'sum(increase(operations_total{action="file:delete",status="success",@}[$window]))', "deleted"
            ),
            of_service(
                'sum(increase(operations_total{action="file:expire",status="success",@}[$window]))', "expired"
            ),
            about="In each window.",
            width=9,
        ),
        timeseries(
            "Upkeep",
            *(
                of_service(
                    f'sum by (status) (increase(operations_total{{action="{action}",@}}[$__range]))',
                    f"{action} {{{{status}}}}",
                )
                for action in ("audit:verify", "file:scrub", "backup:create", "audit:prune")
            ),
            about="Verifications, contents found damaged, backups and prunings in the time shown.",
            runbook="backupoverdue",
        ),
        timeseries(
            "Uploads cut off",
            of_service("sum(increase(file_uploads_aborted_total{@}[$window]))", "client went away"),
            of_service(
                'sum(increase(errors_total{error_type="digest_mismatch",@}[$window])) or vector(0)',
                "digest differed",
            ),
            about="Nothing of them is kept.",
        ),
    ),
)

INTEGRITY = Dashboard(
    "filewallball-integrity",
    "FileWallBall Audit & Integrity",
    "The audit log, its journal and seals; stored bytes, scrub and backups.",
    (_STATE, _RECORD, _BYTES),
)
