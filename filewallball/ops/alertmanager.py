"""The configuration of Alertmanager: which alert takes which channels, what silences what, how channels are reached."""

from typing import Any

from filewallball.ops.alert_rules import WATCHDOG, rules
from filewallball.ops.guide_rules import PAGED, TOLD, WOKEN
from filewallball.ops.rendering import yaml_text
from filewallball.settings.service import Settings

CHANNELS = PAGED
CHANNEL_TEST = "ChannelTest"
"""The alert that `filewallball alerts test` raises; its label `channel` says which one takes it."""

_DEADMAN = "deadman"
_START = '{{ .StartsAt.UTC.Format "2006-01-02T15:04:05.000Z07:00" }}'
_ALERT = (
    "{{ .Annotations.summary }} ({{ .Labels.alertname }}, {{ .Status }}, since " + _START + ")\n"
    "{{ .Annotations.description }}\n"
    "{{ range .Labels.SortedPairs }}{{ .Name }}={{ .Value }} {{ end }}\n"
    "{{ .Annotations.runbook_url }}\n"
)
_TEXT = "{{ range .Alerts }}" + _ALERT + "{{ end }}"


def configuration(settings: Settings) -> str:
    """`alertmanager.yml`. Holds those secrets that the environment gives as values; files are only named."""
    return yaml_text(
        {
            "global": _global(settings),
            "route": _routes(settings),
            "inhibit_rules": _INHIBITIONS,
            "receivers": _receivers(settings),
        }
    )


def receiver_of(channels: tuple[str, ...]) -> str:
    """The name of the receiver that takes these channels: `email-slack-sms`."""
    return "-".join(channels)


def wants_sms(receiver: str) -> bool:
    """True if a receiver's name has SMS among its channels."""
    return "sms" in receiver.split("-")


def _global(settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resolve_timeout": "5m",
        "smtp_from": settings.alert_email_from,
        "smtp_smarthost": f"{settings.alert_email_smtp_server}:{settings.alert_email_smtp_port}",
        "smtp_require_tls": settings.alert_email_tls,
        "pagerduty_url": settings.alert_pagerduty_url,
    }
    if settings.alert_email_username:
        found["smtp_auth_username"] = settings.alert_email_username
        found |= _secret(
            "smtp_auth_password", settings.alert_email_password, settings.alert_email_password_file
        )
    return found


def _routes(settings: Settings) -> dict[str, Any]:
    tests = [
        {
            "matchers": [f'alertname="{CHANNEL_TEST}"', f'channel="{channel}"'],
            "receiver": channel,
            "group_by": ["..."],
            "group_wait": "0s",
        }
        for channel in CHANNELS
    ]
    by_channels = {
        channels: [rule.name for rule in rules(settings) if rule.channels == channels]
        for channels in (PAGED, WOKEN)
    }
    return {
        "receiver": receiver_of(TOLD),
        "group_by": ["alertname", "instance"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "4h",
        "routes": [
            {
                "matchers": [f'alertname="{WATCHDOG}"'],
                "receiver": _DEADMAN,
                "group_wait": "0s",
                "group_interval": "1m",
                "repeat_interval": "1m",
            },
            *tests,
            # The monitoring's own programs are not what people are woken for.
            {
                "matchers": ['alertname="ServiceDown"', 'job!~"filewallball.*"'],
                "receiver": receiver_of(TOLD),
            },
            *(
                {"matchers": [f'alertname=~"{"|".join(names)}"'], "receiver": receiver_of(channels)}
                for channels, names in by_channels.items()
            ),
            # For rules that somebody adds.
            {"matchers": ['severity="critical"'], "receiver": receiver_of(WOKEN)},
        ],
    }


def _silences(source: str, target: str) -> dict[str, Any]:
    return {
        "source_matchers": source.split(", "),
        "target_matchers": target.split(", "),
        "equal": ["instance"],
    }


_INHIBITIONS = [
    _silences('alertname="HealthCheckFailed"', 'alertname="ServiceDown", job="filewallball-health"'),
    _silences(
        'alertname="ServiceDown", job="filewallball"', 'alertname="ServiceDown", job="filewallball-health"'
    ),
    _silences('alertname="StorageFull"', 'alertname=~"StorageUtilizationHigh|DiskFullIn24Hours"'),
]


def _receivers(settings: Settings) -> list[dict[str, Any]]:
    sets = [TOLD, WOKEN, PAGED, *((channel,) for channel in CHANNELS)]
    return [
        {"name": receiver_of(channels)}
        | _configs(channels, settings)
        | {"webhook_configs": [_webhook(settings)]}
        for channels in sets
    ] + [_deadman(settings)]


def _configs(channels: tuple[str, ...], settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "email" in channels and settings.alert_email_enabled:
        recipients = ", ".join(settings.alert_email_recipients)
        found["email_configs"] = [{"to": recipients, "send_resolved": True, "html": "", "text": _TEXT}]
    if "slack" in channels and settings.alert_slack_enabled:
        found["slack_configs"] = [_slack(settings)]
    if "pagerduty" in channels and settings.alert_pagerduty_enabled:
        found["pagerduty_configs"] = [_pagerduty(settings)]
    return found


def _slack(settings: Settings) -> dict[str, Any]:
    return {
        "channel": settings.alert_slack_channel,
        "send_resolved": True,
        "text": _TEXT,
    } | _secret("api_url", settings.alert_slack_webhook, settings.alert_slack_webhook_file)


def _pagerduty(settings: Settings) -> dict[str, Any]:
    key = _secret(
        "routing_key", settings.alert_pagerduty_routing_key, settings.alert_pagerduty_routing_key_file
    )
    return key | {"send_resolved": True, "severity": "critical", "details": {"alerts": _TEXT}}


def _webhook(settings: Settings) -> dict[str, Any]:
    """Every alert goes to the service, which lists them and sends the SMS of those whose receiver has it."""
    access = _secret("credentials", settings.alert_webhook_secret, settings.alert_webhook_secret_file)
    url = settings.alert_webhook_url or f"http://localhost:{settings.port}/api/v1/alerts/webhook"
    return {"url": url, "send_resolved": True, "http_config": {"authorization": access}}


def _deadman(settings: Settings) -> dict[str, Any]:
    if not settings.alert_deadman_url:
        return {"name": _DEADMAN}
    return {
        "name": _DEADMAN,
        "webhook_configs": [{"url": settings.alert_deadman_url, "send_resolved": False}],
    }


def _secret(name: str, value: str, path: str) -> dict[str, str]:
    return {name: value} if value else {f"{name}_file": path}
