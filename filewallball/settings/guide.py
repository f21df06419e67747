"""The alert rules and notification channels as the monitoring guide gives them (seed, alerting)."""

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
