"""A test message through one channel, on the way that real alerts take: Alertmanager, then the channel."""

import secrets
import time
from dataclasses import dataclass
from typing import Any

import requests

from filewallball.clock import now_us, rfc3339
from filewallball.observability.samples import total
from filewallball.ops.alertmanager import CHANNEL_TEST

_LIFE_US = 60_000_000
_REQUEST_SECONDS = 10
_POLL_SECONDS = 0.5


class AlertmanagerSilent(Exception):
    """Alertmanager does not answer, or not as it should."""


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests that Alertmanager sent through one kind of channel since its start, and how many of them failed."""

    sent: int
    failed: int


def try_channel(alertmanager_url: str, channel: str, patience_seconds: float) -> bool | None:
    """Raise a test alert for one channel; True once Alertmanager has delivered it, False if it was not taken.

    None if neither happened in time. Raises AlertmanagerSilent. Others' alerts through the same channel count too.
    """
    integration = "webhook" if channel == "sms" else channel
    before = _requests(alertmanager_url, integration)
    _raise_alert(alertmanager_url, channel)
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        now = _requests(alertmanager_url, integration)
        if now.failed > before.failed:
            return False
        if now.sent > before.sent:
            return True
    return None


def _raise_alert(alertmanager_url: str, channel: str) -> None:
    now = now_us()
    test = secrets.token_hex(4)
    alert = {
        "labels": {"alertname": CHANNEL_TEST, "channel": channel, "severity": "none", "test": test},
        "annotations": {
            "summary": f"Test of the channel {channel}",
            "description": f"Somebody ran `filewallball alerts test {channel}` ({test}). Nothing is wrong.",
        },
        "startsAt": rfc3339(now),
        "endsAt": rfc3339(now + _LIFE_US),
    }
    _ask("POST", f"{alertmanager_url}/api/v2/alerts", [alert])


def _requests(alertmanager_url: str, integration: str) -> Requests:
    text = _ask("GET", f"{alertmanager_url}/metrics")
    try:
        return Requests(
            round(total(text, "alertmanager_notification_requests_total", integration=integration)),
            round(total(text, "alertmanager_notification_requests_failed_total", integration=integration)),
        )
    except (ValueError, OverflowError) as error:
        raise AlertmanagerSilent(f"Alertmanager at {alertmanager_url} shows no metrics: {error}") from error


def _cause(error: BaseException) -> BaseException:
    """The first error of a chain, without the layers of libraries above it."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _ask(method: str, url: str, body: Any = None) -> str:
    try:
        answer = requests.request(method, url, json=body, timeout=_REQUEST_SECONDS, allow_redirects=False)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise AlertmanagerSilent(
            f"Alertmanager at {url} does not answer as it should: {_cause(error)}"
        ) from error
    return answer.text
