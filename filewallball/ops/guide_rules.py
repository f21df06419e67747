"""The alert rules and the notification channels: the one source that everything about alerts is rendered from."""

from dataclasses import dataclass

from filewallball.ops.request_failures import FAULTS, SUCCESSES
from filewallball.settings.guide import ALERT_RULES

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
        """The rule's section in the runbook."""
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


# On an idle service one failure may be a large share.
_LEAST_FAULTS = 3

CONDITION_RULES = {
    "high_error_rate": _on(
        "high_error_rate",
        "ErrorPercentageHigh",
        f"100 * ({FAULTS.name} > {_LEAST_FAULTS}) / ({FAULTS.name} + {SUCCESSES.name}) > 5",
        "Too many operations fail",
        "{{ $value | printf `%.1f` }} % of what {{ $labels.instance }} was asked for in the last 5 minutes "
        "failed by its own fault",
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
