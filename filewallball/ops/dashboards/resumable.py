"""Resumable uploads and idempotency keys: how many are under way, and how they fare."""

from filewallball.ops.dashboards.dashboard import Row
from filewallball.ops.dashboards.panels import Look, of_service, timeseries

RESUMABLE = Row(
    "Resumable uploads",
    (
        timeseries(
            "Unfinished uploads",
            of_service("max(resumable_uploads_unfinished{@})", "under way"),
            about="Resumable uploads that were begun and are neither a file nor over. Their announced lengths count "
            "towards quotas, their bytes lie on the disk.",
            runbook="uploadsabandoned",
        ),
        timeseries(
            "Age of the oldest upload",
            of_service("max(resumable_upload_oldest_seconds{@})", "oldest"),
            about="Since the oldest unfinished upload was begun; UPLOAD_EXPIRES is its latest end. 0 without any.",
            look=Look("s"),
            runbook="uploadsnotended",
        ),
        timeseries(
            "Interrupted uploads",
            of_service("sum(increase(resumable_uploads_resumed_total{@}[$__rate_interval]))", "resumed"),
            of_service("sum(increase(resumable_uploads_expired_total{@}[$__rate_interval]))", "expired"),
            about="Uploads that went on after they were broken off, and those that were not finished in time. "
            "Many that go on are clients on poor networks, or something on the way that cuts connections.",
            runbook="uploadsbreakingoff",
            width=8,
        ),
        timeseries(
            "Bytes of resumable uploads",
            of_service("sum(rate(resumable_upload_bytes_total{@}[$__rate_interval]))", "received"),
            about="As they arrive, of uploads that will be finished or not.",
            look=Look("Bps"),
            width=8,
        ),
        timeseries(
            "Idempotency keys in use",
            of_service("max(idempotency_keys_in_use{@})", "in use"),
            about="Keys that a request holds now. Those of a process that was killed are freed within a minute.",
            runbook="idempotencykeysheld",
            width=8,
        ),
    ),
)
