"""The settings of what watches the service: Prometheus, Alertmanager, Grafana and the channels that alerts take."""

from dataclasses import dataclass
from datetime import timedelta

from marshmallow.validate import OneOf, Range

from filewallball.settings.guide import NOTIFICATION_CHANNELS
from filewallball.settings.kinds import setting

_EMAIL, _SLACK, _SMS = (NOTIFICATION_CHANNELS[name] for name in ("email", "slack", "sms"))
_SECRETS = "/etc/filewallball/secrets"
_PORT = Range(1, 65535)

SLO_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Bounds of the histogram that the objective is measured by."""
_SLO_TEXTS = "50ms, 100ms, 250ms, 500ms, 1s, 2.5s, 5s or 10s"


@dataclass(frozen=True, kw_only=True)
class MonitoringSettings:
    """The settings of `filewallball ops render` and the alert routes.

    Each secret comes from its variable, else from the file that its `…_FILE` names.
    """

    prometheus_enabled: bool = setting("bool", "true", "Serve /metrics")
    prometheus_port: int = setting("int", "9090", "Port of Prometheus on its host", validate=_PORT)
    prometheus_url: str = setting(
        "base_url", "", "Prometheus as people and Grafana reach it; empty = http://localhost:PROMETHEUS_PORT"
    )
    prometheus_targets: tuple[str, ...] = setting(
        "targets", "", "Where Prometheus finds the service, `host:port`; empty = localhost:PORT"
    )
    prometheus_node_targets: tuple[str, ...] = setting(
        "targets", "localhost:9100", "Where Prometheus finds node_exporter; `off` = nowhere"
    )
    prometheus_token_file: str = setting(
        "absolute", "", "File with a monitor's token, for a Prometheus outside MONITORING_NETWORKS"
    )
    alertmanager_url: str = setting(
        "base_url", "http://localhost:9093", "Alertmanager as Prometheus and this service reach it"
    )
    alertmanager_external_url: str = setting(
        "base_url", "", "Alertmanager as people reach it; messages link to it; empty = no link"
    )
    grafana_enabled: bool = setting("bool", "true", "Render the provisioning of Grafana")
    grafana_port: int = setting("int", "3000", "Port of Grafana on its host", validate=_PORT)
    slo_availability: float = setting(
        "percent",
        "99.9",
        "Objective: share of operations, in percent, that do not fail by the service's fault",
    )
    slo_upload_commit: float = setting(
        "percent", "99", "Objective: share of uploads, in percent, that are stored within SLO_UPLOAD_WITHIN"
    )
    slo_upload_within: timedelta = setting(
        "duration",
        "1s",
        f"From an upload's last byte: {_SLO_TEXTS}",
        validate=OneOf(
            [timedelta(seconds=each) for each in SLO_SECONDS],
            error=f"must be {_SLO_TEXTS}.",
        ),
    )
    grafana_url: str = setting(
        "shown_url", "", "Grafana as people reach it; the console links to its panels; empty = no link"
    )
    alert_runbook_url: str = setting(
        "str",
        "",
        "The runbook as those who get an alert reach it; a `#section` is appended; empty = /runbook of PUBLIC_URL",
    )
    alert_host: str = setting(
        "str", "", "Name of this place in alerts; empty = the host of PUBLIC_URL, else this machine's name"
    )
    alert_email_enabled: bool = setting("bool", "true", "Send alerts by e-mail")
    alert_email_recipients: tuple[str, ...] = setting(
        "addresses", ",".join(_EMAIL["recipients"]), "Who gets alerts by e-mail"
    )
    alert_email_from: str = setting("str", "filewallball@example.com", "Sender of the e-mails")
    alert_email_smtp_server: str = setting("str", _EMAIL["smtp_server"], "Mail server that takes the e-mails")
    alert_email_smtp_port: int = setting("int", str(_EMAIL["smtp_port"]), "Its port", validate=_PORT)
    alert_email_tls: bool = setting("bool", "true", "Insist on STARTTLS")
    alert_email_username: str = setting("str", "", "Name to log in with at the mail server; empty = no login")
    alert_email_password: str = setting("password", "", "Its password; empty = read from the file")
    alert_email_password_file: str = setting(
        "absolute", f"{_SECRETS}/smtp-password", "File with that password"
    )
    alert_slack_enabled: bool = setting("bool", "true", "Send alerts to Slack")
    alert_slack_webhook: str = setting(
        "secret_url", "", "Slack's incoming webhook, a secret; empty = read from the file"
    )
    alert_slack_webhook_file: str = setting("absolute", f"{_SECRETS}/slack-webhook", "File with that webhook")
    alert_slack_channel: str = setting("str", _SLACK["channel"], "Channel to post to")
    alert_pagerduty_enabled: bool = setting("bool", "true", "Send a dead service to PagerDuty")
    alert_pagerduty_routing_key: str = setting(
        "password", "", "Integration key (Events API v2); empty = read from the file"
    )
    alert_pagerduty_routing_key_file: str = setting(
        "absolute", f"{_SECRETS}/pagerduty-routing-key", "File with that key"
    )
    alert_pagerduty_url: str = setting(
        "web_url", "https://events.pagerduty.com/v2/enqueue", "PagerDuty's Events API"
    )
    alert_sms_enabled: bool = setting("bool", "true", "Send critical alerts by SMS")
    alert_sms_provider: str = setting("str", _SMS["provider"], "SMS provider", validate=OneOf(("twilio",)))
    alert_sms_phone_numbers: tuple[str, ...] = setting(
        "phones", ",".join(_SMS["phone_numbers"]), "Who gets alerts by SMS"
    )
    alert_sms_from: str = setting("str", "", "Sender's number or short code at the provider")
    alert_sms_account_sid: str = setting("str", "", "Account at the provider")
    alert_sms_auth_token: str = setting("password", "", "Its token; empty = read from the file")
    alert_sms_auth_token_file: str = setting("absolute", f"{_SECRETS}/sms-auth-token", "File with that token")
    alert_sms_url: str = setting(
        "secret_url", "", "Any Apprise URL to send SMS through instead of the provider, a secret"
    )
    alert_webhook_secret: str = setting(
        "secret", "", "What Alertmanager shows at /api/v1/alerts/webhook; empty = read from the file"
    )
    alert_webhook_secret_file: str = setting(
        "absolute", f"{_SECRETS}/alert-webhook", "File with that secret; missing = the webhook is closed"
    )
    alert_webhook_url: tuple[str, ...] = setting(
        "web_urls",
        "",
        "That route as Alertmanager reaches it, of each instance that takes alerts, separated by commas; "
        "empty = http://localhost:PORT/api/v1/alerts/webhook",
    )
    alert_sms_outside_url: str = setting(
        "secret_url",
        "",
        "A webhook outside this service that takes what Alertmanager posts, and sends SMS when the service cannot",
    )
    alert_deadman_url: str = setting(
        "secret_url",
        "",
        "Called every minute while alerting works: an outside watch that misses it raises alarm",
    )
    alert_retention: timedelta = setting("duration", "90d", "How long ended alerts are listed")
