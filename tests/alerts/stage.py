"""Everything between a misfortune and the people who are told: real servers, with all times divided by 60."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from filewallball.ops import alertmanager, prometheus
from filewallball.ops.artifacts import host_settings
from harness.servers import Alertmanager, Mailbox, Prometheus, Service
from tests.alerts.receiver import Receiver

SECRET = "what-alertmanager-shows-at-the-webhook"
CHANNELS = ("email", "slack", "pagerduty")
_TIMES = ("scrape_interval", "evaluation_interval", "for", "resolve_timeout")
_GROUP_TIMES = ("group_wait", "group_interval", "repeat_interval")
_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_RANGE = re.compile(r"(\[|offset )(\d+[smhd])\b(?!:)")
_TOLD = re.compile(r"\((\w+), (firing|resolved), since (\S+)\)\n.*\n(.*)\n")


@dataclass(frozen=True)
class Telling:
    """One alert in one message: which, in what state, since when."""

    alert: str
    status: str
    since: str
    labels: str


class Stage:
    """`target` is watched; `relay`, another instance, sends the SMS, as a host that is down cannot."""

    def __init__(self, folder: Path, disk: Path) -> None:
        self.mailbox, self.receiver = Mailbox(), Receiver()
        self.target = Service(
            folder / "target",
            {
                "DATA_DIR": str(disk / "data"),
                "MAX_UPLOAD_SIZE": "1KB",
                "MIN_FREE_SPACE": "0",
                "RATELIMIT_AUTH": "off",
                "AUTOBLOCK_AUTH": "off",
            },
        )
        sms = {"ALERT_WEBHOOK_SECRET": SECRET, "ALERT_SMS_URL": f"json://{self.receiver.address}/sms"}
        self.relay = Service(folder / "relay", sms, workers=1)
        self.alertmanager = Alertmanager(folder / "alertmanager")
        self.prometheus = Prometheus(folder / "prometheus")
        self._servers = (self.target, self.relay, self.alertmanager, self.prometheus)

    def start(self) -> None:
        settings = host_settings(self._environ())
        self.alertmanager.configure(sixty_times_faster(alertmanager.configuration(settings)))
        rules = sixty_times_faster(prometheus.alert_rules(settings))
        self.prometheus.configure(sixty_times_faster(prometheus.configuration(settings)), rules)
        for server in self._servers:
            server.start()

    def close(self) -> None:
        for server in self._servers:
            server.kill()
        self.mailbox.close()
        self.receiver.close()

    def told(self, channel: str) -> list[Telling]:
        """The alerts that people were told through a channel, in order."""
        return [Telling(*found) for text in self._texts(channel) for found in _TOLD.findall(text)]

    def has_told(self, channel: str, alert: str, status: str) -> bool:
        if channel == "sms":
            return any(text.startswith(f"[{status.upper()}] {alert}") for text in self.sms())
        return any((telling.alert, telling.status) == (alert, status) for telling in self.told(channel))

    def sms(self) -> list[str]:
        return [body["message"] for body in self.receiver.bodies("/sms")]

    def outside(self) -> list[tuple[str, str]]:
        """The alerts that the outside sender was told, with their states."""
        return [
            (alert["labels"]["alertname"], alert["status"])
            for body in self.receiver.bodies("/outside")
            for alert in body["alerts"]
        ]

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that the relay keeps."""
        found: list[dict[str, Any]] = self.relay.request("GET", "/api/v1/alerts").json()["alerts"]
        return found

    def _texts(self, channel: str) -> Iterator[str]:
        if channel == "email":
            yield from (text.replace("\r\n", "\n") for text in self.mailbox.texts())
        elif channel == "slack":
            yield from (body["attachments"][0]["text"] for body in self.receiver.bodies("/slack"))
        else:
            for body in self.receiver.bodies("/pagerduty"):
                yield body["payload"]["custom_details"]["alerts"]

    def _environ(self) -> dict[str, str]:
        return {
            "PROMETHEUS_TARGETS": f"127.0.0.1:{self.target.port}",
            "PROMETHEUS_NODE_TARGETS": "off",
            "PROMETHEUS_PORT": str(self.prometheus.port),
            "ALERTMANAGER_URL": self.alertmanager.url,
            "ALERT_EMAIL_SMTP_SERVER": "127.0.0.1",
            "ALERT_EMAIL_SMTP_PORT": str(self.mailbox.port),
            "ALERT_EMAIL_TLS": "false",
            "ALERT_SLACK_WEBHOOK": f"http://{self.receiver.address}/slack",
            "ALERT_PAGERDUTY_URL": f"http://{self.receiver.address}/pagerduty",
            "ALERT_PAGERDUTY_ROUTING_KEY": "some-routing-key",
            "ALERT_WEBHOOK_SECRET": SECRET,
            "ALERT_WEBHOOK_URL": f"{self.relay.url}/api/v1/alerts/webhook",
            "ALERT_SMS_OUTSIDE_URL": f"http://{self.receiver.address}/outside",
            "ALERT_HOST": "files.example.org",
        }


def sixty_times_faster(text: str) -> str:
    """A configuration with every time in it divided by 60."""
    return faster(text, 60)


def faster(text: str, times: int) -> str:
    """A configuration of Prometheus or Alertmanager, or rules, with every time in it divided."""
    return yaml.safe_dump(_faster(yaml.safe_load(text), times), sort_keys=False)


def _faster(value: Any, times: int, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _faster(item, times, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_faster(item, times) for item in value]
    if name in _TIMES + _GROUP_TIMES:
        return _divided(value, times)
    if name == "expr":
        return _RANGE.sub(lambda found: found[1] + _divided(found[2], times), value)
    return value


def _divided(time: str, times: int) -> str:
    return f"{int(time[:-1]) * _UNIT_MS[time[-1]] // times}ms"
