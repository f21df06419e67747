"""Audit & Integrity: is the record whole, are the stored bytes, and could both be brought back?"""

from filewallball.ops.dashboards.dashboard import Dashboard, Row
from filewallball.ops.dashboards.panels import GREEN, STEP, YES_NO, Look, of_service, stat, timeseries
from filewallball.ops.shared_records import ERRORS

_MISMATCHES = 'error_type="digest_mismatch",@'
_INTACT = {"0": ("none", GREEN), "null": ("not checked yet", "text")}

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
            of_service("sum by (status) (rate(operations_total{@}[$__rate_interval]))", "{{status}}"),
            about="Operations a second by outcome, as the audit log has them.",
            look=Look("ops"),
            stack=True,
        ),
    ),
)
_BYTES = Row(
    "Stored bytes",
    (
        timeseries(
            "Space",
            of_service("sum(storage_size_bytes{@}) - sum(storage_free_bytes{@})", "used"),
            of_service("sum(storage_size_bytes{@})", "size"),
            about="The file system that holds the files, whatever else lies on it.",
            look=Look("bytes"),
            runbook="storagefull",
        ),
        timeseries(
            "Files that came and went",
            of_service(
                'sum(increase(operations_total{action="file:upload",status="success",@}[$__rate_interval]))',
                "uploaded",
            ),
            of_service(
                'sum(increase(operations_total{action="file:delete",status="success",@}[$__rate_interval]))',
                "deleted",
            ),
            of_service(
                'sum(increase(operations_total{action="file:expire",status="success",@}[$__rate_interval]))',
                "expired",
            ),
            about="At each point, since the one before.",
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
            of_service("sum(increase(file_uploads_aborted_total{@}[$__rate_interval]))", "client went away"),
            of_service(
                f"sum {ERRORS.increase(STEP, _MISMATCHES)} or vector(0)",
                "digest differed",
            ),
            about="Nothing of them is kept.",
        ),
    ),
)


def integrity(verified_within: float, backup_within: float) -> Dashboard:
    """The dashboard, where the log should be verified and a backup be taken within so many seconds."""
    return Dashboard(
        "filewallball-integrity",
        "FileWallBall Audit & Integrity",
        "The audit log, its journal and seals; stored bytes, scrub and backups.",
        (_state(verified_within, backup_within), _RECORD, _BYTES),
    )


def _age(moment: str) -> str:
    """The longest time since a moment on any host; nothing where it is 0 on one of them."""
    return f"max(time() - {moment}) unless min({moment}) == 0"


def _state(verified_within: float, backup_within: float) -> Row:
    return Row(
        "State",
        (
            stat(
                "Audit log found intact",
                of_service(_age("audit_verify_last_success_timestamp_seconds{@}")),
                about="Time since the whole log was last verified; «never» if a host has not seen that.",
                look=Look("s", yellow=0.75 * verified_within, red=verified_within, absent="never"),
                runbook="auditverifyoverdue",
            ),
            stat(
                "Failed verifications",
                of_service("sum(increase(audit_verify_failures_total{@}[$__range]))"),
                about="In the time shown. Somebody or something changed the log: `filewallball audit verify` names the "
                "first bad block.",
                look=Look(red=1, decimals=0),
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
                of_service(_age("backup_last_success_timestamp_seconds{@}")),
                about="On the host whose last one is the oldest; «never» if one of them took none.",
                look=Look("s", yellow=0.75 * backup_within, red=backup_within, absent="never"),
                runbook="backupoverdue",
            ),
        ),
    )
