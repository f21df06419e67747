"""The histories of alerts on resumable uploads and idempotency keys."""

from tests.alerts.rule_case import AT, Case

_OTHER = 'job="filewallball",instance="b:8000"'

RESUMABLE = (
    Case(
        "UploadsNotEnded",
        # UPLOAD_EXPIRES is a day; nothing is older than 25 hours.
        {f"resumable_upload_oldest_seconds{{{AT}}}": "0+3600x30 0x30"},
        pending="26h",
        fires="27h",
        resolved="32h",
        silent={f"resumable_upload_oldest_seconds{{{AT}}}": "0+3600x25 0+3600x25"},
        interval="1h",
        evaluated="1h",
        until="50h",
    ),
    Case(
        "UploadsAbandoned",
        {f"resumable_uploads_expired_total{{{AT}}}": "0x5 0+1x30 30x180"},
        pending="20m",
        fires="40m",
        resolved="3h",
        silent={f"resumable_uploads_expired_total{{{AT}}}": "100+1x8 108x20 108+1x8 116x20 116+1x8 124x100"},
    ),
    Case(
        "UploadsBreakingOff",
        {
            f"resumable_uploads_unfinished{{{AT}}}": "2x200",
            f"resumable_uploads_resumed_total{{{AT}}}": "0x5 0+2x40 80x100",
        },
        pending="14m",
        fires="40m",
        resolved="90m",
        # A hundred phones, each in a tunnel now and then.
        silent={
            f"resumable_uploads_unfinished{{{AT}}}": "100x180",
            f"resumable_uploads_resumed_total{{{AT}}}": "0+10x180",
        },
        until="2h",
    ),
    Case(
        "IdempotencyKeysHeld",
        {
            f"idempotency_keys_in_use{{{AT}}}": "0x5 9x40 1x40",
            f"active_connections{{{AT}}}": "3x100",
            f"active_connections{{{_OTHER}}}": "3x100",
        },
        pending="12m",
        fires="20m",
        resolved="50m",
        # Those that both hosts hold, and those of a worker that was killed.
        silent={
            f"idempotency_keys_in_use{{{AT}}}": "6x30 40x2 6x180",
            f"active_connections{{{AT}}}": "3x180",
            f"active_connections{{{_OTHER}}}": "3x180",
        },
    ),
)
