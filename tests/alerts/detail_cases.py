"""The histories of alerts on single parts of the service."""

from tests.alerts.resumable_cases import RESUMABLE
from tests.alerts.rule_case import AT, UP, Case

DETAILS = (
    Case(
        "AuditVerifyFailed",
        {f"audit_verify_intact{{{AT}}}": "_x6 0x20 1x60"},
        pending="6m",
        fires="10m",
        resolved="30m",
        silent={f"audit_verify_intact{{{AT}}}": "_x20 1x60"},
    ),
    Case(
        "AuditVerifyOverdue",
        # Verified at second 1, expected every day: 49 hours later it is overdue.
        {f"audit_verify_last_success_timestamp_seconds{{{AT}}}": "1x51 190000x20"},
        pending="49h",
        fires="51h",
        resolved="54h",
        silent={
            f"audit_verify_last_success_timestamp_seconds{{{AT}}}": "0x40 140000x30",
            f"process_start_time_seconds{{{AT}}}": "1x70",
            'process_start_time_seconds{job="node",instance="a:9100"}': "1x70",
        },
        interval="1h",
        evaluated="1h",
        until="70h",
    ),
    Case(
        "AuditSealingStalled",
        {f"audit_unsealed_seconds{{{AT}}}": "0x4 301+60x20 0x30"},
        pending="5m",
        fires="7m",
        resolved="30m",
        silent={f"audit_unsealed_seconds{{{AT}}}": "0x4 15+60x4 2x170"},
    ),
    Case(
        "JournalGrowing",
        {f"audit_journal_oldest_pending_seconds{{{AT}}}": "0x4 61+60x20 0x30"},
        pending="9m",
        fires="12m",
        resolved="30m",
        silent={f"audit_journal_oldest_pending_seconds{{{AT}}}": "0x4 61+60x3 2x170"},
    ),
    Case(
        "JournalLinesRejected",
        {
            f'audit_journal_rejected_total{{reason="forged",{AT}}}': "0x4 3x200",
            f'audit_journal_rejected_total{{reason="missing",{AT}}}': "0x204",
        },
        pending="5m30s",
        fires="8m",
        resolved="80m",
        silent={f'audit_journal_rejected_total{{reason="forged",{AT}}}': "0x200"},
    ),
    Case(
        "JournalNotWritable",
        {f"audit_journal_writable{{{AT}}}": "1x8 0x20 1x30"},
        pending="2m30s",
        fires="3m",
        resolved="10m",
        silent={f"audit_journal_writable{{{AT}}}": "1x8 0 1x170"},
        interval="15s",
        until="30m",
    ),
    Case(
        "PeriodicJobsStopped",
        {f"periodic_jobs_running{{{AT}}}": "1x8 0x20 1x30"},
        pending="8m30s",
        fires="11m",
        resolved="30m",
        silent={f"periodic_jobs_running{{{AT}}}": "1x180"},
    ),
    Case(
        "DatabaseNotWritable",
        {f"database_writable{{{AT}}}": "1x8 0x20 1x30"},
        pending="2m30s",
        fires="3m",
        resolved="10m",
        silent={f"database_writable{{{AT}}}": "1x8 0 1x170"},
        interval="15s",
        until="30m",
    ),
    Case(
        "BackupOverdue",
        {f"backup_last_success_timestamp_seconds{{{AT}}}": "1x51 190000x20"},
        pending="48h",
        fires="50h",
        resolved="54h",
        silent={
            f"backup_last_success_timestamp_seconds{{{AT}}}": "0x70",
            f"process_start_time_seconds{{{AT}}}": "1x70",
        },
        interval="1h",
        evaluated="1h",
        until="70h",
    ),
    Case(
        "ScrubMismatch",
        {f"storage_damaged_blobs{{{AT}}}": "0x5 2x20 0x30"},
        pending="6m",
        fires="8m",
        resolved="30m",
        silent={f"storage_damaged_blobs{{{AT}}}": "_x5 0x60"},
    ),
    Case(
        "DiskFullIn24Hours",
        # 100 GB that lose 100 MB a minute are gone in 17 hours.
        {f"storage_free_bytes{{{AT}}}": "100000000000-100000000x90 91000000000x420"},
        pending="20m",
        fires="80m",
        resolved="8h20m",
        silent={f"storage_free_bytes{{{AT}}}": "100000000000-10000000x180"},
        until="3h",
    ),
    Case(
        "ScannerDown",
        {
            'filewallball_health_status{service="virus_scan_service",'
            'job="filewallball-health",instance="a:8000"}': "1x4 0.5x20 1x30"
        },
        pending="9m",
        fires="12m",
        resolved="30m",
        silent={
            'filewallball_health_status{service="redis",'
            'job="filewallball-health",instance="a:8000"}': "0.5x180",
        },
    ),
    Case(
        "LimiterDegraded",
        {f"rate_limit_degraded_workers{{{AT}}}": "0x4 2x20 0x30"},
        pending="9m",
        fires="12m",
        resolved="30m",
        silent={f"rate_limit_degraded_workers{{{AT}}}": "0x4 2x3 0x170"},
    ),
    Case(
        "ExpectedSenderSilent",
        {
            f'client_last_upload_age_seconds{{client_ip="10.0.0.1",{AT}}}': "0+60x70 0+60x20",
            f'client_expected_within_seconds{{client_ip="10.0.0.1",{AT}}}': "3600x100",
        },
        pending="61m",
        fires="65m",
        resolved="75m",
        silent={
            f'client_last_upload_age_seconds{{client_ip="10.0.0.1",{AT}}}': "0+60x50 0+60x50 0+60x50",
            f'client_expected_within_seconds{{client_ip="10.0.0.1",{AT}}}': "3600x180",
        },
    ),
    Case(
        "QuotaNearlyUsed",
        {
            f'user_quota_used_ratio{{user_id="7",{AT}}}': "0.5x4 0.8x20 0.79x30",
            # Another host says the same of the same user.
            'user_quota_used_ratio{user_id="7",job="filewallball",instance="b:8000"}': "0.5x4 0.8x20 0.79x30",
            f'user_quota_used_ratio{{user_id="8",{AT}}}': "0.5x4 1x20 _x30",
        },
        pending="9m",
        fires="12m",
        resolved="40m",
        # Users without a quota have no share, whatever they do.
        silent={
            f'user_quota_used_ratio{{user_id="7",{AT}}}': "0.79x20 0.9x3 0.79x160",
            f'user_operations{{user_id="9",outcome="all",{AT}}}': "0+1000x180",
            f'user_transferred_bytes{{user_id="9",{AT}}}': "0+1000000x180",
        },
        count=2,
    ),
    Case(
        "SmsFailing",
        {f'alert_messages_total{{outcome="failed",{AT}}}': "0x4 0+1x3 3x60"},
        pending="4m",
        fires="8m",
        resolved="40m",
        silent={
            f'alert_messages_total{{outcome="failed",{AT}}}': "5x180",
            f'alert_messages_total{{outcome="sent",{AT}}}': "0+1x180",
        },
    ),
    Case(
        "TracesLost",
        {f'trace_spans_total{{outcome="dropped",{AT}}}': "0x4 0+512x3 1536x60"},
        pending="8m",
        fires="12m",
        resolved="40m",
        silent={
            f'trace_spans_total{{outcome="dropped",{AT}}}': "512x180",
            f'trace_spans_total{{outcome="exported",{AT}}}': "0+100x180",
        },
    ),
    *RESUMABLE,
    Case(
        "ScrapeMissing",
        {UP: "1x4 _x20 1x30"},
        pending="8m",
        fires="16m",
        resolved="26m",
        # Down is not missing.
        silent={UP: "0x180"},
    ),
    Case(
        "RuleFailure",
        {
            'prometheus_rule_evaluation_failures_total{rule_group="g",job="prometheus",instance="a:9090"}': (
                "0x4 0+1x3 3x60"
            )
        },
        pending="4m",
        fires="7m",
        resolved="20m",
        silent={
            'prometheus_rule_evaluation_failures_total{rule_group="g",job="prometheus",instance="a:9090"}': (
                "7x180"
            )
        },
    ),
    Case(
        "NotificationsFailing",
        {'alertmanager_notifications_failed_total{integration="email",job="alertmanager"}': "0x4 0+1x3 3x60"},
        pending="4m",
        fires="7m",
        resolved="40m",
        silent={
            'alertmanager_notifications_failed_total{integration="email",job="alertmanager"}': "7x180",
            'alertmanager_notifications_failed_total{integration="webhook",job="alertmanager"}': "0x9 0+1x3 3x60",
            UP: "1x8 0x5 1x60",
        },
    ),
)
