"""Every query of every panel, asked of a real Prometheus after a little of everything, brings data."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from filewallball.ops.artifacts import host_settings
from filewallball.ops.dashboards import dashboards
from filewallball.ops.prometheus import alert_rules
from filewallball.ops.shared_records import INTERVAL_SECONDS
from harness.servers import NodeExporter, Prometheus, Redis, Service
from harness.waiting import wait_until

pytestmark = pytest.mark.server

_CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: [filewallball_alerts.yml]
scrape_configs:
- job_name: filewallball
  static_configs: [{{targets: ["127.0.0.1:{service}"]}}]
- job_name: filewallball-health
  metrics_path: /health
  static_configs: [{{targets: ["127.0.0.1:{service}"]}}]
- job_name: node
  static_configs: [{{targets: ["127.0.0.1:{node}"]}}]
"""
_TOKEN = "fwb_the-administrator-of-the-dashboards"
_VARIABLES = {"$instance": ".*", "$node": ".*", "$window": "1m", "$__rate_interval": "1m0s", "$__range": "5m"}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has seen a service at work, twice, and the machine under it."""
    folder = tmp_path_factory.mktemp("dashboards")
    redis = Redis(folder / "redis").start()
    settings = {
        "ADMIN_TOKEN": _TOKEN,
        "MIN_FREE_SPACE": "0",
        "REDIS_URL": redis.url,
        "MAX_UPLOAD_SIZE": "100KB",
        "QUOTA_USER_BYTES": "1GB",
    }
    service = Service(folder / "service", settings, workers=1).start()
    node = NodeExporter(folder / "node").start()
    server = Prometheus(folder / "prometheus")
    often = f"interval: {INTERVAL_SECONDS}s", "interval: 1s"
    rules = alert_rules(host_settings({})).replace(*often)
    server.configure(_CONFIG.format(service=service.port, node=node.port), rules)
    server.start()
    wait_until(lambda: len(server.query("up == 1")) == 3, 60, "all three jobs are up")
    _work(service)
    for arguments in (
        ("audit", "verify"),
        ("scrub",),
        ("backup", "create", "--create", str(folder / "backups")),
    ):
        service.cli(*arguments)
    wait_until(lambda: server.query('sum(file_downloads_total{file_type="text/plain"}) > 0'), 60, "a scrape")
    _work(service)
    yield server
    for each in (server, node, service, redis):
        each.kill()


def _work(service: Service) -> None:
    """A little of everything that a dashboard shows."""
    admin = {"Authorization": f"Bearer {_TOKEN}"}
    kept, gone = (service.request("PUT", f"/upload/{n}.txt", data=f"text {n}\n").json() for n in "ab")
    for _ in range(2):
        assert service.request("GET", f"/download/{kept['file_id']}").ok
    service.request("GET", f"/view/{kept['file_id']}")
    service.request("DELETE", f"/files/{gone['file_id']}", headers={"X-Delete-Token": gone["delete_token"]})
    assert service.request("PUT", "/upload/large.txt", data=b"x" * 200_000).status_code == 413
    assert service.request("GET", "/files", headers={"Authorization": "Bearer made-up"}).status_code == 401
    assert service.request("GET", "/api/v1/audit/logs").status_code == 401
    for size, status in ((1000, 201), (200_000, 413)):  # by a user
        assert service.request("PUT", "/upload/c.txt", data=b"x" * size, headers=admin).status_code == status
    expected = {"expected_within": "1h"}
    assert service.request("PUT", "/api/v1/stats/expected/127.0.0.1", headers=admin, json=expected).ok


def _queries() -> Iterator[tuple[str, str]]:
    for dashboard in dashboards(host_settings({})):
        for panel in json.loads(dashboard.render("runbook"))["panels"]:
            for target in panel.get("targets", []):
                yield f"{dashboard.title}: {panel['title']} {target['refId']}", target["expr"]


def test_every_panel_shows_data(prometheus: Prometheus) -> None:
    missing = dict(_queries())
    assert len(missing) > 70

    def all_answered() -> bool:
        for name, expression in list(missing.items()):
            if _has_data(prometheus.query(_filled(expression))):
                del missing[name]
        return not missing

    try:
        wait_until(all_answered, 60, "data for every panel")
    except TimeoutError:
        pytest.fail(f"no data for {json.dumps(missing, indent=1)}")


def test_starts_are_marked_when_they_were_and_alerts_while_they_fire(prometheus: Prometheus) -> None:
    for dashboard in dashboards(host_settings({})):
        marks = {
            each["name"]: each for each in json.loads(dashboard.render("runbook"))["annotations"]["list"]
        }
        (start,) = prometheus.query(_filled(marks["Starts"]["expr"]))
        (started,) = prometheus.query('process_start_time_seconds{job="filewallball"}')
        assert marks["Starts"]["useValueForTime"]
        assert float(start["value"][1]) == pytest.approx(1000 * float(started["value"][1]))
        firing = prometheus.query(_filled(marks["Alerts"]["expr"]))
        assert "Watchdog" not in {alert["metric"]["alertname"] for alert in firing}


def test_every_variable_has_values(prometheus: Prometheus) -> None:
    for metric in ("filewallball_build_info", "node_uname_info"):
        assert prometheus.query(f"group by (instance) ({metric})"), metric


def _filled(expression: str) -> str:
    for name, value in _VARIABLES.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, expression
    return expression


def _has_data(samples: list[dict[str, Any]]) -> bool:
    return any(math.isfinite(float(sample["value"][1])) for sample in samples)
