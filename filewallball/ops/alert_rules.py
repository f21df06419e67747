"""Every alert rule of one deployment: the guide's, the conditions of ALERT_RULES, and what an operator must know."""

from datetime import timedelta

from filewallball.ops import objectives
from filewallball.ops.guide_rules import (
    CONDITION_RULES,
    CRITICAL,
    GUIDE_RULES,
    NONE,
    PAGED,
    WARNING,
    WOKEN,
    Rule,
)
from filewallball.ops.request_failures import FAULTS, SUCCESSES, Record
from filewallball.ops.resumable_rules import resumable_rules
from filewallball.ops.shared_records import SHARED, SHARED_GROUP
from filewallball.settings.service import Settings

WATCHDOG = "Watchdog"
_HOUR = 3600
_USUAL_BACKUP_AGE = timedelta(days=2)
_SERVICE = 'job="filewallball"'


def groups(settings: Settings) -> dict[str, tuple[Rule, ...]]:
    """The rules by the name of their group."""
    return {
        "filewallball": GUIDE_RULES,
        "filewallball-conditions": tuple(CONDITION_RULES.values()),
        "filewallball-objectives": objectives.rules(settings),
        "filewallball-audit": _audit(settings),
        "filewallball-storage": _storage(settings),
        "filewallball-parts": _PARTS,
        "filewallball-uploads": resumable_rules(settings),
        "filewallball-monitoring": _MONITORING,
    }


def record_groups(settings: Settings) -> dict[str, tuple[Record, ...]]:
    """The series that Prometheus computes for alert rules and panels, by the name of their group."""
    return {
        "filewallball-records": (FAULTS, SUCCESSES, *objectives.records(settings)),
        SHARED_GROUP: tuple(each.record for each in SHARED),
    }


def records(settings: Settings) -> tuple[Record, ...]:
    """All of these, of every group."""
    return tuple(record for group in record_groups(settings).values() for record in group)


def rules(settings: Settings) -> tuple[Rule, ...]:
    """All alert rules, of every group."""
    return tuple(rule for group in groups(settings).values() for rule in group)


def verified_within(settings: Settings) -> int:
    """The seconds within which the audit log should have been found intact."""
    return round(settings.audit_verify_interval.total_seconds()) * 2 + _HOUR


def backup_within(settings: Settings) -> int:
    """The seconds within which a backup should have been taken."""
    return round((settings.backup_max_age or _USUAL_BACKUP_AGE).total_seconds())


def _audit(settings: Settings) -> tuple[Rule, ...]:
    since = f"(audit_verify_last_success_timestamp_seconds > 0 or process_start_time_seconds{{{_SERVICE}}})"
    return (
        Rule(
            "AuditVerifyFailed",
            "audit_verify_intact == 0",
            "1m",
            CRITICAL,
            "The audit log is not intact",
            "The last verification on {{ $labels.instance }} found rows changed, removed, added or out of order",
            WOKEN,
        ),
        Rule(
            "AuditVerifyOverdue",
            f"time() - {since} > {verified_within(settings)}",
            "5m",
            WARNING,
            "The audit log was not verified for too long",
            "The log of {{ $labels.instance }} was last found intact {{ $value | humanizeDuration }} ago",
        ),
        Rule(
            "AuditSealingStalled",
            "audit_unsealed_seconds > 300",
            "1m",
            CRITICAL,
            "The audit log is not sealed any more",
            "The first unsealed row that {{ $labels.instance }} sees has waited for {{ $value | humanizeDuration }}",
            WOKEN,
        ),
        *_JOURNAL,
    )


_JOURNAL = (
    Rule(
        "JournalGrowing",
        "audit_journal_oldest_pending_seconds > 60",
        "5m",
        WARNING,
        "Audit events wait for the database",
        "The oldest event of {{ $labels.instance }} has waited for {{ $value | humanizeDuration }}",
    ),
    Rule(
        "JournalLinesRejected",
        "sum without (reason) (increase(audit_journal_rejected_total[1h])) > 0",
        "1m",
        CRITICAL,
        "Lines of the journal were rejected",
        "{{ $labels.instance }} found lines in its journal that it did not write, or misses some",
        WOKEN,
    ),
    Rule(
        "JournalNotWritable",
        "audit_journal_writable == 0",
        "30s",
        CRITICAL,
        "The journal takes no lines",
        "{{ $labels.instance }} answers 503 to every operation until its journal can be written again",
        PAGED,
    ),
)


def _storage(settings: Settings) -> tuple[Rule, ...]:
    return (
        Rule(
            "PeriodicJobsStopped",
            "periodic_jobs_running == 0",
            "1m",
            WARNING,
            "Nobody does the periodic jobs",
            "On {{ $labels.instance }} nothing is shipped to the audit log, sealed or swept",
        ),
        Rule(
            "DatabaseNotWritable",
            "database_writable == 0",
            "30s",
            CRITICAL,
            "The database keeps no changes",
            "The database of {{ $labels.instance }} is full or read-only: uploads and deletions are refused",
            PAGED,
        ),
        Rule(
            "BackupOverdue",
            # Without BACKUP_MAX_AGE a host that never took a backup is not expected to.
            f"time() - {_last_backup(settings)} > {backup_within(settings)}",
            "10m",
            WARNING,
            "The backup is overdue",
            "The last backup of {{ $labels.instance }} is {{ $value | humanizeDuration }} old",
        ),
        Rule(
            "ScrubMismatch",
            "storage_damaged_blobs > 0",
            "1m",
            CRITICAL,
            "Stored files are damaged",
            "{{ $value }} stored contents of {{ $labels.instance }} are no longer what was uploaded",
            WOKEN,
        ),
        Rule(
            "DiskFullIn24Hours",
            "predict_linear(storage_free_bytes[6h], 86400) < 0",
            "30m",
            WARNING,
            "The disk will be full within a day",
            "At the pace of the last 6 hours {{ $labels.instance }} runs out of space within 24 hours",
        ),
    )


def _last_backup(settings: Settings) -> str:
    if settings.backup_max_age is None:
        return "(backup_last_success_timestamp_seconds > 0)"
    return f"(backup_last_success_timestamp_seconds > 0 or process_start_time_seconds{{{_SERVICE}}})"


_PARTS = (
    Rule(
        "ScannerDown",
        'filewallball_health_status{service="virus_scan_service"} < 1',
        "5m",
        WARNING,
        "The virus scanner does not work",
        "{{ $labels.instance }} cannot scan uploads, or its signatures are old",
    ),
    Rule(
        "LimiterDegraded",
        "rate_limit_degraded_workers > 0",
        "5m",
        WARNING,
        "Rate limits are counted apart",
        "{{ $value }} workers of {{ $labels.instance }} count limits for their host alone: Redis does not answer",
    ),
    Rule(
        "ExpectedSenderSilent",
        "client_last_upload_age_seconds > client_expected_within_seconds",
        "1m",
        WARNING,
        "An expected client sends nothing",
        "{{ $labels.client_ip }} has uploaded nothing for {{ $value | humanizeDuration }}",
    ),
    Rule(
        "QuotaNearlyUsed",
        # Every host tells of the same users.
        "max by (job, user_id) (user_quota_used_ratio) >= 0.8",
        "5m",
        WARNING,
        "A user's quota is nearly used",
        "The user with id {{ $labels.user_id }} has used {{ $value | humanizePercentage }} of a quota",
    ),
    Rule(
        "SmsFailing",
        'increase(alert_messages_total{outcome="failed"}[15m]) > 0',
        "0s",
        WARNING,
        "An SMS could not be sent",
        "{{ $labels.instance }} could not hand an alert to the SMS provider and tries again",
    ),
    Rule(
        "TracesLost",
        'increase(trace_spans_total{outcome="dropped"}[15m]) > 0',
        "5m",
        WARNING,
        "Traces of requests are lost",
        "In 15 minutes {{ $value | printf `%.0f` }} spans of {{ $labels.instance }} were lost",
    ),
)

_MONITORING = (
    Rule(
        "ScrapeMissing",
        f"absent(up{{{_SERVICE}}})",
        "5m",
        CRITICAL,
        "The service is not scraped",
        "Prometheus has no target named filewallball, so no other alert can fire",
        WOKEN,
    ),
    Rule(
        "RuleFailure",
        "increase(prometheus_rule_evaluation_failures_total[5m]) > 0",
        "0s",
        WARNING,
        "Alert rules fail",
        "Prometheus could not evaluate {{ $labels.rule_group }}",
    ),
    Rule(
        "NotificationsFailing",
        # The webhook is this service: while it is down, ServiceDown says so.
        'increase(alertmanager_notifications_failed_total{integration!="webhook"}[15m]) > 0'
        ' or (increase(alertmanager_notifications_failed_total{integration="webhook"}[15m]) > 0'
        f" unless on () min_over_time(up{{{_SERVICE}}}[20m]) == 0)",
        "0s",
        WARNING,
        "Alerts do not arrive",
        "Alertmanager could not deliver through {{ $labels.integration }}",
    ),
    Rule(
        WATCHDOG,
        "vector(1)",
        "0s",
        NONE,
        "Alerting works",
        "Always fires: whoever expects it knows that alerting is broken when it stops",
        (),
    ),
)
