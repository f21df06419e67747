"""The first burst of a client that was never seen before is on the panels, whole and once."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from filewallball.ops.artifacts import host_settings
from filewallball.ops.dashboards import dashboards
from harness.servers import Prometheus, Service
from harness.waiting import wait_until

pytestmark = pytest.mark.server

_CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: filewallball
  static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
_WINDOW_SECONDS = 20
_CLIENT = "203.0.113.5"
_BURST, _TOO_LARGE, _LATER = 59, 20, 3
_PATIENCE = 90


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    settings = {"MIN_FREE_SPACE": "0", "MAX_UPLOAD_SIZE": "1KB", "TRUSTED_PROXIES": "127.0.0.0/8"}
    service = Service(tmp_path / "service", settings).start()
    yield service
    service.kill()


@pytest.fixture
def watching(service: Service, prometheus: Prometheus) -> Prometheus:
    """A Prometheus that has scraped the service for longer than the window, and the service is older than it."""
    prometheus.configure(_CONFIG.format(port=service.port))
    prometheus.start()
    _upload(service, "198.51.100.1", 1, b"a note\n", "note.txt")
    since = f"up offset {_WINDOW_SECONDS + 1}s == 1"
    wait_until(lambda: prometheus.query(since), _PATIENCE, "scrapes older than the window")
    return prometheus


@pytest.mark.slow
def test_every_panel_counts_a_new_clients_first_burst(service: Service, watching: Prometheus) -> None:
    _upload(service, _CLIENT, _BURST)
    _upload(service, _CLIENT, _TOO_LARGE, b"x" * 2000)
    _wait_for(watching, _BURST + _TOO_LARGE)

    for title, label, expected in (
        ("Uploads by client", f'client_ip="{_CLIENT}"', _BURST + _TOO_LARGE),
        ("Uploads that failed or were denied", f'client_ip="{_CLIENT}"', _TOO_LARGE),
        ("Outcome of uploads", 'status="success"', _BURST),
        ("Stored by type", 'file_type="application/json"', _BURST),
    ):
        found = watching.query(_sum(title, label))
        assert [float(each["value"][1]) for each in found] == [expected], title
    (rate,) = watching.query(_sum("Uploads over time", f'client_ip="{_CLIENT}"'))
    assert float(rate["value"][1]) == pytest.approx((_BURST + _TOO_LARGE) / _WINDOW_SECONDS, rel=0.1)


@pytest.mark.slow
def test_new_workers_and_a_new_start_count_nothing_twice(service: Service, watching: Prometheus) -> None:
    _upload(service, _CLIENT, _BURST)
    _wait_for(watching, _BURST)
    service.reload()
    _upload(service, _CLIENT, _LATER)
    _wait_for(watching, _BURST + _LATER)
    assert _uploads_in(watching, "5m") == _BURST + _LATER

    service.stop()
    service.start()
    _upload(service, _CLIENT, _LATER)
    _wait_for(watching, _LATER)
    assert _uploads_in(watching, "5m") == _BURST + _LATER


def _wait_for(prometheus: Prometheus, count: int) -> None:
    query = f'sum(file_uploads_total{{client_ip="{_CLIENT}"}}) == {count}'
    wait_until(lambda: prometheus.query(query), _PATIENCE, f"a scrape that has {count} uploads of the client")


def _upload(
    service: Service, client: str, count: int, body: bytes = b"[1, 2]", name: str = "list.json"
) -> None:
    for _ in range(count):
        service.request("PUT", f"/upload/{name}", data=body, headers={"X-Forwarded-For": client})


def _uploads_in(prometheus: Prometheus, window: str) -> float:
    (found,) = prometheus.query(_sum("Uploads by client", f'client_ip="{_CLIENT}"', window))
    return float(found["value"][1])


def _sum(title: str, label: str, window: str = f"{_WINDOW_SECONDS}s") -> str:
    """A panel's query for the series with one label alone."""
    (expr,) = (
        target["expr"]
        for dashboard in dashboards(host_settings({}))
        for panel in json.loads(dashboard.render("runbook"))["panels"]
        if panel["title"] == title
        for target in panel["targets"]
    )
    for name, value in {
        "$instance": ".*",
        "$window": window,
        "$__range": window,
        "$__rate_interval": window,
    }.items():
        expr = expr.replace(name, value)
    return f"sum(({expr}) and on ({label.partition('=')[0]}) label_replace(vector(1), {_replaced(label)}))"


def _replaced(label: str) -> str:
    name, _, value = label.partition("=")
    return f'"{name}", {value}, "", ""'
