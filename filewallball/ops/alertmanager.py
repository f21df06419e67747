"""The configuration of Alertmanager: which alert takes which channels, what silences what, how channels are reached."""

from collections.abc import Iterator
from typing import Any

from filewallball.ops.alert_rules import WATCHDOG, rules
from filewallball.ops.guide_rules import PAGED, TOLD, WOKEN
from filewallball.ops.rendering import yaml_text
from filewallball.settings.service import Settings

CHANNELS = PAGED
CHANNEL_TEST = "ChannelTest"
"""The alert that `filewallball alerts test` raises; its label `channel` says which one takes it."""

_DEADMAN = "deadman"
_HEALTH_JOB = "filewallball-health"
_START = '{{ .StartsAt.UTC.Format "2006-01-02T15:04:05.000Z07:00" }}'
_ALERT = (
    "{{ .Annotations.summary }} ({{ .Labels.alertname }}, {{ .Status }}, since " + _START + ")\n"
    "{{ .Annotations.description }}\n"
    "{{ range .Labels.SortedPairs }}{{ .Name }}={{ .Value }} {{ end }}\n"
    "{{ .Annotations.runbook_url }}\n"
)
_SUBJECT = (
    "[{{ .Status | toUpper }}] {{ .CommonLabels.alertname }}"
    "{{ with .CommonLabels.host }} {{ . }}{{ end }}{{ with .CommonLabels.instance }} ({{ . }}){{ end }}:"
    " {{ .CommonAnnotations.summary }}"
)
# One page a service and job: what joins a group waits for the group's interval.
_GROUP_BY = ["alertname", "host", "instance", "job", "severity"]


def configuration(settings: Settings) -> str:
    """`alertmanager.yml`. Holds those secrets that the environment gives as values; files are only named."""
    return yaml_text(
        {
            "global": _global(settings),
            "route": _routes(settings),
            "inhibit_rules": [_silences(*each) for each in _INHIBITIONS],
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

    def route(channels: tuple[str, ...]) -> dict[str, Any]:
        names = [rule.name for rule in rules(settings) if rule.channels == channels]
        return {"matchers": [f'alertname=~"{"|".join(names)}"'], "receiver": receiver_of(channels)}

    return {
        "receiver": receiver_of(TOLD),
        "group_by": _GROUP_BY,
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "4h",
        "routes": [
            {
                "matchers": [f'alertname="{WATCHDOG}"'],
                "receiver": _DEADMAN,
                "group_wait": "0s",
                "group_interval": "1m",
                # Shorter than the group's interval, or every second call is left out as too early by a moment.
                "repeat_interval": "30s",
            },
            *tests,
            # The monitoring's own programs are not what people are woken for.
            {
                "matchers": ['alertname="ServiceDown"', 'job!~"filewallball.*"'],
                "receiver": receiver_of(TOLD),
            },
            # Waits for the alert that inhibits it: the health check may be asked before the service's metrics are.
            {
                "matchers": ['alertname="ServiceDown"', f'job="{_HEALTH_JOB}"'],
                "receiver": receiver_of(PAGED),
                "group_wait": "1m",
            },
            {**route(PAGED), "group_wait": "0s", "group_interval": "1m"},
            route(WOKEN),
            # For rules that somebody adds.
            {"matchers": ['severity="critical"'], "receiver": receiver_of(WOKEN)},
        ],
    }


def _silences(source: str, target: str) -> dict[str, Any]:
    return {
        "source_matchers": source.split(", "),
        "target_matchers": target.split(", "),
        "equal": ["host", "instance"],
    }


# Which alert keeps which other one of the same instance quiet.
_INHIBITIONS = (
    ('alertname="HealthCheckFailed"', f'alertname="ServiceDown", job="{_HEALTH_JOB}"'),
    ('alertname="ServiceDown", job="filewallball"', f'alertname="ServiceDown", job="{_HEALTH_JOB}"'),
    ('alertname="StorageFull"', 'alertname=~"StorageUtilizationHigh|DiskFullIn24Hours"'),
)


def firing() -> str:
    """PromQL for the alerts that fire and mean something: without the Watchdog and what is inhibited."""
    found = 'ALERTS{alertstate="firing", severity!="none"}'
    for source, target in _INHIBITIONS:
        silenced = f'ALERTS{{alertstate="firing", {target}}}'
        found += f' unless ({silenced} and on (instance) ALERTS{{alertstate="firing", {source}}})'
    return found


def _receivers(settings: Settings) -> list[dict[str, Any]]:
    sets = [TOLD, WOKEN, PAGED, *((channel,) for channel in CHANNELS)]
    return [
        {"name": receiver_of(channels)}
        | _configs(channels, settings)
        | {"webhook_configs": list(_webhooks(channels, settings))}
        for channels in sets
    ] + [_deadman(settings)]


def _configs(channels: tuple[str, ...], settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "email" in channels and settings.alert_email_enabled:
        recipients = ", ".join(settings.alert_email_recipients)
        found["email_configs"] = [
            {
                "to": recipients,
                "send_resolved": True,
                "headers": {"Subject": _SUBJECT},
                "html": "",
                "text": _text(settings),
            }
        ]
    if "slack" in channels and settings.alert_slack_enabled:
        found["slack_configs"] = [_slack(settings)]
    if "pagerduty" in channels and settings.alert_pagerduty_enabled:
        found["pagerduty_configs"] = [_pagerduty(settings)]
    return found


def _text(settings: Settings) -> str:
    """Each alert of a message; Prometheus's own link only where it is one that people can open."""
    link = "{{ .GeneratorURL }}\n" if settings.prometheus_url else ""
    return "{{ range .Alerts }}" + _ALERT + link + "{{ end }}"


def _slack(settings: Settings) -> dict[str, Any]:
    return {
        "channel": settings.alert_slack_channel,
        "send_resolved": True,
        "title": _SUBJECT,
        "title_link": settings.alertmanager_external_url,
        "fallback": _SUBJECT,
        "text": _text(settings),
    } | _secret("api_url", settings.alert_slack_webhook, settings.alert_slack_webhook_file)


def _pagerduty(settings: Settings) -> dict[str, Any]:
    key = _secret(
        "routing_key", settings.alert_pagerduty_routing_key, settings.alert_pagerduty_routing_key_file
    )
    return key | {
        "send_resolved": True,
        "severity": "critical",
        "description": _SUBJECT,
        "client": "FileWallBall",
        "client_url": settings.alertmanager_external_url,
        "details": {"alerts": _text(settings)},
    }


def _webhooks(channels: tuple[str, ...], settings: Settings) -> Iterator[dict[str, Any]]:
    """Every alert goes to each instance of the service, which lists it and sends the SMS if its receiver has it.

    A page goes to the outside sender too: it tells of a service that cannot send.
    """
    access = _secret("credentials", settings.alert_webhook_secret, settings.alert_webhook_secret_file)
    for url in settings.alert_webhook_url or (f"http://localhost:{settings.port}/api/v1/alerts/webhook",):
        yield {"url": url, "send_resolved": True, "http_config": {"authorization": access}}
    if channels == PAGED and settings.alert_sms_outside_url:
        yield {"url": settings.alert_sms_outside_url, "send_resolved": True}


def _deadman(settings: Settings) -> dict[str, Any]:
    if not settings.alert_deadman_url:
        return {"name": _DEADMAN}
    return {
        "name": _DEADMAN,
        "webhook_configs": [{"url": settings.alert_deadman_url, "send_resolved": False}],
    }


def _secret(name: str, value: str, path: str) -> dict[str, str]:
    return {name: value} if value else {f"{name}_file": path}
