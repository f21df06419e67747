"""The alert rules and the notification channels: the one source that everything about alerts is rendered from."""

from dataclasses import dataclass
from typing import Any

ALERT_RULES: dict[str, dict[str, Any]] = {
    "high_error_rate": {
        "condition": "error_rate > 5%",
        "duration": "5m",
        "severity": "warning",
        "notification": ["email", "slack"],
    },
    "storage_full": {
        "condition": "storage_utilization > 90%",
        "duration": "1m",
        "severity": "critical",
        "notification": ["email", "slack", "sms"],
    },
    "service_down": {
        "condition": "health_check_failed",
        "duration": "30s",
        "severity": "critical",
        "notification": ["email", "slack", "sms", "pagerduty"],
    },
    "suspicious_activity": {
        "condition": "failed_auth > 10 in 5m",
        "duration": "5m",
        "severity": "warning",
        "notification": ["email", "slack"],
    },
}

NOTIFICATION_CHANNELS: dict[str, dict[str, Any]] = {
    "email": {
        "enabled": True,
        "recipients": ["admin@example.com", "ops@example.com"],
        "smtp_server": "smtp.example.com",
        "smtp_port": 587,
    },
    "slack": {
        "enabled": True,
        "webhook_url": "https://hooks.slack.com/services/...",
        "channel": "#alerts",
    },
    "sms": {
        "enabled": True,
        "provider": "twilio",
        "phone_numbers": ["+1234567890"],
    },
    "pagerduty": {
        "enabled": True,
    },
}

WARNING, CRITICAL, NONE = "warning", "critical", "none"
TOLD = ("email", "slack")
WOKEN = ("email", "slack", "sms")
PAGED = ("email", "slack", "sms", "pagerduty")


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert: when it fires, how long that must last, how bad it is, what it says, and which channels it takes."""

    name: str
    expr: str
    hold: str
    severity: str
    summary: str
    description: str
    channels: tuple[str, ...] = TOLD

    @property
    def section(self) -> str:
        """Its section in the runbook."""
        return self.name.lower()


# As the monitoring guide writes them.
GUIDE_RULES = (
    Rule(
        "HighErrorRate",
        "rate(errors_total[5m]) > 0.05",
        "5m",
        WARNING,
        "High error rate detected",
        "Error rate is {{ $value }} errors per second",
    ),
    Rule(
        "StorageFull",
        "storage_utilization_percent > 90",
        "1m",
        CRITICAL,
        "Storage is nearly full",
        "Storage utilization is {{ $value }}%",
        WOKEN,
    ),
    Rule(
        "ServiceDown",
        "up == 0",
        "30s",
        CRITICAL,
        "Service is down",
        "FileWallBall service is not responding",
        PAGED,
    ),
    Rule(
        "HighResponseTime",
        "histogram_quantile(0.95, rate(file_upload_duration_seconds_bucket[5m])) > 5",
        "5m",
        WARNING,
        "High response time",
        "95th percentile response time is {{ $value }}s",
    ),
)


def _on(condition: str, name: str, expr: str, summary: str, description: str) -> Rule:
    """The Prometheus rule of one entry of ALERT_RULES, with that entry's duration, severity and channels."""
    entry = ALERT_RULES[condition]
    return Rule(
        name,
        expr,
        entry["duration"],
        entry["severity"],
        summary,
        description,
        tuple(entry["notification"]),
    )


CONDITION_RULES = {
    "high_error_rate": _on(
        "high_error_rate",
        "ErrorPercentageHigh",
        '100 * sum by (instance) (rate(operations_total{status="failed"}[5m]))'
        " / sum by (instance) (rate(operations_total[5m])) > 5",
        "Too many operations fail",
        "{{ $value | printf `%.1f` }} % of the operations of {{ $labels.instance }} failed in the last 5 minutes",
    ),
    "storage_full": _on(
        "storage_full",
        "StorageUtilizationHigh",
        "max by (instance) (storage_utilization_percent) > 90",
        "Storage utilization is above 90 %",
        "{{ $value | printf `%.1f` }} % of the storage of {{ $labels.instance }} is used",
    ),
    "service_down": _on(
        "service_down",
        "HealthCheckFailed",
        'up{job="filewallball-health"} == 0 and on (instance) up{job="filewallball"} == 1',
        "The health check fails",
        "{{ $labels.instance }} answers, but its database, storage or journal does not work",
    ),
    "suspicious_activity": _on(
        "suspicious_activity",
        "FailedAuthentications",
        "sum by (instance) (increase(authentication_failures_total"
        '{failure_type=~"malformed|unknown|expired|revoked"}[5m])) > 10',
        "Many failed authentications",
        "{{ $value | printf `%.0f` }} wrong credentials were sent to {{ $labels.instance }} in 5 minutes",
    ),
}
