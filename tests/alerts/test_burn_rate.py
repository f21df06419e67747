"""An error budget that is spent too fast is told to people while that lasts, and so is its end."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml

from filewallball.ops import alertmanager, prometheus
from filewallball.ops.artifacts import host_settings
from filewallball.ops.objectives import ALL
from harness.servers import Alertmanager, Prometheus, Service
from harness.servers.base import free_port
from harness.waiting import wait_until
from tests.alerts.receiver import Receiver
from tests.alerts.stage import faster

pytestmark = pytest.mark.server

_TIMES_FASTER = 120
_EACH = "250ms"
_STEP = re.compile(r"(\[\w+):5m\]")
_GROUPS = ("filewallball-records", "filewallball-objectives")
ALERT = "AvailabilityBurnsFast"
PATIENCE = 60


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service that must scan uploads and has no scanner: they fail by its fault, and nothing else does."""
    settings = {
        "MIN_FREE_SPACE": "0",
        "SCAN_POLICY": "required",
        "CLAMD_ADDRESS": f"127.0.0.1:{free_port()}",
        "LOG_LEVEL": "ERROR",
    }
    server = Service(tmp_path / "service", settings, workers=1).start()
    yield server
    server.kill()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Slack and PagerDuty."""
    found = Receiver()
    yield found
    found.close()


@pytest.fixture
def watching(service: Service, receiver: Receiver, tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus that tells an Alertmanager; an hour takes half a minute."""
    teller, watcher = Alertmanager(tmp_path / "alertmanager"), Prometheus(tmp_path / "prometheus")
    settings = host_settings(
        {
            "PROMETHEUS_TARGETS": f"127.0.0.1:{service.port}",
            "PROMETHEUS_NODE_TARGETS": "off",
            "ALERTMANAGER_URL": teller.url,
            "ALERT_EMAIL_ENABLED": "false",
            "ALERT_SMS_ENABLED": "false",
            "ALERT_SLACK_WEBHOOK": f"http://{receiver.address}/slack",
            "ALERT_PAGERDUTY_URL": f"http://{receiver.address}/pagerduty",
            "ALERT_PAGERDUTY_ROUTING_KEY": "some-routing-key",
        }
    )
    teller.configure(faster(alertmanager.configuration(settings), _TIMES_FASTER))
    content = yaml.safe_load(faster(prometheus.configuration(settings), _TIMES_FASTER))
    content["global"] |= {"scrape_interval": _EACH, "evaluation_interval": _EACH}
    content["scrape_configs"] = [{**content["scrape_configs"][0], "scrape_interval": _EACH}]
    watcher.configure(yaml.safe_dump(content), _rules(prometheus.alert_rules(settings)))
    for server in (teller, watcher):
        server.start()
    yield watcher
    for server in (watcher, teller):
        server.kill()


def _rules(text: str) -> str:
    """The rules of the objectives alone, faster."""
    groups = [group for group in yaml.safe_load(text)["groups"] if group["name"] in _GROUPS]
    return _STEP.sub(
        rf"\1:{300_000 // _TIMES_FASTER}ms]", faster(yaml.safe_dump({"groups": groups}), _TIMES_FASTER)
    )


@pytest.mark.slow
def test_a_budget_that_is_spent_too_fast_is_told_and_so_is_the_end_of_that(
    service: Service, watching: Prometheus, receiver: Receiver
) -> None:
    def is_well(until: str) -> bool:
        assert service.request("GET", "/files").ok
        return bool(watching.query(until))

    wait_until(partial(is_well, f'{ALL}{{slo="availability"}} > 5'), PATIENCE, "traffic is recorded")
    assert not watching.alerts()

    def is_told() -> bool:
        assert service.request("GET", "/files").ok
        assert service.request("PUT", "/upload/a.txt", data=b"a").status_code == 503
        return all(_tells(receiver, channel, "firing") for channel in ("slack", "pagerduty"))

    wait_until(is_told, PATIENCE, "people are told")

    def is_over() -> bool:
        assert service.request("GET", "/files").ok
        return all(_tells(receiver, channel, "resolved") for channel in ("slack", "pagerduty"))

    wait_until(is_over, PATIENCE, "people are told of the end")
    told = [text for text in _texts(receiver, "slack") if f"({ALERT}, " in text]
    assert [re.findall(rf"\({ALERT}, (\w+),", text) for text in told] == [["firing"], ["resolved"]]
    assert "more than 14.4 times what the objective allows" in told[0]


def _tells(receiver: Receiver, channel: str, status: str) -> bool:
    return any(f"({ALERT}, {status}, " in text for text in _texts(receiver, channel))


def _texts(receiver: Receiver, channel: str) -> list[str]:
    """What people were told, in order."""
    bodies = receiver.bodies(f"/{channel}")
    if channel == "slack":
        return [body["attachments"][0]["text"] for body in bodies]
    return [body["payload"]["custom_details"]["alerts"] for body in bodies]
