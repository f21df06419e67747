"""What Alertmanager does with the rendered routes: who is called, when, and by whom where the service is gone."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from filewallball.ops.alertmanager import configuration
from filewallball.ops.artifacts import host_settings
from harness.servers import Alertmanager
from harness.servers.base import free_port
from harness.waiting import wait_until
from tests.alerts.receiver import Receiver
from tests.alerts.stage import sixty_times_faster

pytestmark = pytest.mark.server

PATIENCE = 60
SECRET = "what-alertmanager-shows-at-the-webhook"
OFF = {f"ALERT_{name}_ENABLED": "false" for name in ("EMAIL", "SLACK", "PAGERDUTY")}
HOST = {"host": "files.example.org", "instance": "localhost:8000", "severity": "critical"}
Start = Callable[[str], Alertmanager]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts an Alertmanager under a configuration."""
    started: list[Alertmanager] = []

    def run(text: str) -> Alertmanager:
        started.append(Alertmanager(tmp_path / "alertmanager"))
        started[-1].configure(text)
        started[-1].start()
        return started[-1]

    yield run
    for server in started:
        server.kill()


def test_the_deadmans_watch_is_called_at_every_interval_of_the_group(
    start: Start, receiver: Receiver
) -> None:
    text = configuration(
        host_settings({**OFF, "ALERT_DEADMAN_URL": f"http://{receiver.address}/deadman", **_to(receiver)})
    )
    server = start(sixty_times_faster(_with_a_call_at_every_flush(text, f"http://{receiver.address}/flush")))

    _raise(server, alertname="Watchdog", severity="none")
    wait_until(lambda: len(receiver.bodies("/flush")) >= 8, PATIENCE, "eight flushes of the group")

    # One call may be on its way.
    wait_until(
        lambda: len(receiver.bodies("/deadman")) >= len(receiver.bodies("/flush")) - 1,
        PATIENCE,
        "a call for each",
    )


def test_the_deadmans_watch_is_called_every_minute() -> None:
    text = configuration(host_settings({"ALERT_DEADMAN_URL": "https://watch.example.net/ping"}))
    (route,) = (each for each in yaml.safe_load(text)["route"]["routes"] if each["receiver"] == "deadman")

    # A group is flushed at its interval, and a repetition left out unless its own is over by then.
    assert (route["group_wait"], route["group_interval"], route["repeat_interval"]) == ("0s", "1m", "30s")


def test_a_dead_service_is_told_at_once_after_another_job_of_its_host(
    start: Start, receiver: Receiver
) -> None:
    # The times of the configuration as they are: an interval of a group would be minutes.
    server = start(configuration(host_settings({**OFF, **_to(receiver)})))

    for job in ("filewallball-exports", "filewallball"):
        _raise(server, alertname="ServiceDown", job=job, **HOST)
        wait_until(lambda job=job: job in _jobs_told(receiver), PATIENCE, f"the page for {job}")  # type: ignore[misc]


def test_the_health_checks_alert_is_inhibited_by_the_services_own(start: Start, receiver: Receiver) -> None:
    server = start(sixty_times_faster(configuration(host_settings({**OFF, **_to(receiver)}))))

    _raise(server, alertname="ServiceDown", job="filewallball-health", **HOST)
    _raise(server, alertname="ServiceDown", job="filewallball", **HOST)
    _raise(
        server, alertname="ServiceDown", job="filewallball-health", **{**HOST, "host": "other.example.org"}
    )
    wait_until(lambda: len(_told(receiver)) >= 2, PATIENCE, "the two that nothing inhibits")

    assert {(each["labels"]["job"], each["labels"]["host"]) for each in _told(receiver)} == {
        ("filewallball", "files.example.org"),
        ("filewallball-health", "other.example.org"),
    }


def test_a_page_reaches_the_other_instance_and_the_outside_sender_while_the_service_is_dead(
    start: Start, receiver: Receiver
) -> None:
    dead = f"http://127.0.0.1:{free_port()}/api/v1/alerts/webhook"
    both = {"ALERT_WEBHOOK_URL": f"{dead}, http://{receiver.address}/relay"}
    outside = {"ALERT_SMS_OUTSIDE_URL": f"http://{receiver.address}/outside"}
    settings = host_settings({**OFF, "ALERT_WEBHOOK_SECRET": SECRET, **both, **outside})
    server = start(sixty_times_faster(configuration(settings)))

    _raise(server, alertname="ServiceDown", job="filewallball", **HOST)
    _raise(server, alertname="StorageFull", job="filewallball", **HOST)
    for path in ("/relay", "/outside"):
        wait_until(lambda path=path: receiver.bodies(path), PATIENCE, f"the page at {path}")  # type: ignore[misc]
    wait_until(lambda: len(receiver.bodies("/relay")) >= 2, PATIENCE, "both alerts")

    assert {body["receiver"] for body in receiver.bodies("/outside")} == {"email-slack-sms-pagerduty"}
    shown = {each.path: each.headers.get("Authorization") for each in list(receiver.received)}
    assert shown == {"/relay": f"Bearer {SECRET}", "/outside": None}


def _to(receiver: Receiver) -> dict[str, str]:
    return {"ALERT_WEBHOOK_SECRET": SECRET, "ALERT_WEBHOOK_URL": f"http://{receiver.address}/webhook"}


def _with_a_call_at_every_flush(text: str, url: str) -> str:
    """The same, and beside the deadman's route one of the same interval that repeats at any time."""
    content = yaml.safe_load(text)
    (route,) = (each for each in content["route"]["routes"] if each["receiver"] == "deadman")
    twin = {**route, "receiver": "flush", "repeat_interval": "1s", "continue": True}
    content["route"]["routes"].insert(0, twin)
    content["receivers"].append({"name": "flush", "webhook_configs": [{"url": url}]})
    return yaml.safe_dump(content)


def _raise(server: Alertmanager, **labels: str) -> None:
    now = datetime.now(UTC)
    alert: dict[str, Any] = {
        "labels": labels,
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
    }
    requests.post(f"{server.url}/api/v2/alerts", json=[alert], timeout=10).raise_for_status()


def _told(receiver: Receiver) -> list[dict[str, Any]]:
    return [alert for body in receiver.bodies("/webhook") for alert in body["alerts"]]


def _jobs_told(receiver: Receiver) -> set[str]:
    return {alert["labels"]["job"] for alert in _told(receiver)}
