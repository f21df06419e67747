"""The health answers: the specification's fields with real values, and metrics for whom asks for them."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from werkzeug.test import TestResponse

from filewallball.health.checks import DEGRADED, DISABLED, HEALTHY, UNHEALTHY, CheckResult
from filewallball.health.exposition import render
from filewallball.health.report import size, uptime
from filewallball.observability.exposition import OPENMETRICS, TEXT, preferred_to_json
from filewallball.storage.stage import Stage
from harness.parts import Parts
from harness.servers import MariaDB, Redis

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
_SECONDS = re.compile(r"\d+\.\d{3}s")
_SIZE = re.compile(r"\d+(\.\d)?[KMGTP]?B")
_PERCENT = re.compile(r"\d{1,3}%")


def test_health_has_the_specified_fields_in_their_formats(client: FlaskClient, app: Flask) -> None:
    answer = client.get("/health")

    body, is_sqlite = answer.json, Parts(app).database.dialect.name == "sqlite"
    assert body is not None
    assert (answer.status_code, body["status"]) == (200, "healthy")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body["timestamp"])
    assert body["version"]
    assert re.fullmatch(r"\d+h \d+m \d+s", body["uptime"])
    database, storage = body["services"]["database"], body["services"]["storage"]
    assert (database["status"], storage["status"]) == ("healthy", "healthy")
    assert _SECONDS.fullmatch(database["response_time"])
    assert isinstance(database["connections"], int)
    assert _SIZE.fullmatch(storage["free_space"])
    assert _PERCENT.fullmatch(storage["utilization"])
    assert body["services"]["redis"] == {"status": "disabled", "response_time": None, "memory_usage": None}
    assert body["dependencies"] == {
        "mariadb": "disabled" if is_sqlite else "healthy",
        "sqlite": "healthy" if is_sqlite else "disabled",
        "redis": "disabled",
        "file_system": "healthy",
    }


def test_detailed_health_has_the_specified_checks_and_figures(client: FlaskClient, app: Flask) -> None:
    answer = client.get("/health/detailed")

    assert answer.status_code == 200
    checks = _json(answer)["checks"]
    database = checks["database_connection"]
    assert set(database) == {"status", "response_time", "details"}
    assert database["details"]["connection_pool_size"] == Parts(app).settings.database_pool_size
    assert database["details"]["active_connections"] >= 1
    if Parts(app).database.dialect.name == "sqlite":
        assert database["details"]["max_connections"] is None
    else:
        assert database["details"]["max_connections"] == MariaDB.max_connections
    disk = checks["file_system"]["details"]
    assert all(_SIZE.fullmatch(disk[name]) for name in ("total_space", "used_space", "free_space"))
    assert int(disk["inodes_used"]) <= int(disk["inodes_total"])
    assert set(checks["external_services"]["checks"]) == {
        "virus_scan_service",
        "thumbnail_service",
        "backup_service",
    }


def test_redis_is_reported_with_its_memory_and_clients(
    set_config: Callable[..., Flask], redis_server: Redis
) -> None:
    with redis_server.client() as direct:
        direct.config_set("maxmemory", 100 * 1024 * 1024)
    client = set_config(REDIS_URL=redis_server.url).test_client()

    shown = _json(client.get("/health"))["services"]["redis"]
    details = _json(client.get("/health/detailed"))["checks"]["redis_connection"]["details"]

    assert shown["status"] == "healthy"
    assert _PERCENT.fullmatch(shown["memory_usage"])
    assert details["memory_max"] == "100MB"
    assert _SIZE.fullmatch(details["memory_used"])
    assert details["connected_clients"] >= 1


def test_an_unmounted_store_is_unhealthy_and_nothing_is_written_there(
    client: FlaskClient, app: Flask
) -> None:
    root = Parts(app).store.root
    elsewhere = root.with_name("elsewhere")
    root.rename(elsewhere)
    root.mkdir()

    health, ready, live = (client.get(path) for path in ("/health", "/health/ready", "/health/live"))

    assert (health.status_code, ready.status_code, live.status_code) == (503, 503, 200)
    assert _json(health)["dependencies"]["file_system"] == "unhealthy"
    assert list(root.iterdir()) == []


def test_a_store_that_reads_back_something_else_is_unhealthy(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stage, "readinto", lambda stage, buffer: 0)

    answer = client.get("/health/ready")

    assert (answer.status_code, _json(answer)["checks"]["storage"]) == (503, "unhealthy")


def test_draining_turns_readiness_off_and_leaves_the_rest(client: FlaskClient, app: Flask) -> None:
    switch: Path = Parts(app).settings.drain_file
    switch.touch()

    while_draining = [client.get(path).status_code for path in ("/health/ready", "/health", "/health/live")]
    uploaded = client.put("/upload/a.txt", data=b"still taken").status_code
    switch.unlink()
    afterwards = client.get("/health/ready").status_code

    assert while_draining == [503, 200, 200]
    assert uploaded == 201
    assert afterwards == 200


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("203.0.113.9", {}, 401),
        ("203.0.113.9", {"Authorization": "Bearer fwb_the-first-administrator-of-the-tests"}, 200),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 401),
    ],
)
def test_details_are_for_monitoring_networks_and_whoever_may_read_statistics(
    client: FlaskClient, address: str, headers: dict[str, str], status: int
) -> None:
    answer = client.get("/health/detailed", headers=headers, environ_base={"REMOTE_ADDR": address})

    assert answer.status_code == status
    assert client.get("/health", environ_base={"REMOTE_ADDR": address}).status_code == 200


@pytest.mark.parametrize("accept", [PROMETHEUS_2, PROMETHEUS_3])
def test_a_prometheus_gets_health_as_metrics_that_its_parser_takes(client: FlaskClient, accept: str) -> None:
    answer = client.get("/health", headers={"Accept": accept})

    parsed = parse_openmetrics(answer.text)  # type: ignore[no-untyped-call]
    families = {family.name: family for family in parsed}
    status = {
        sample.labels["service"]: sample.value for sample in families["filewallball_health_status"].samples
    }
    assert answer.content_type == OPENMETRICS
    assert {name: status[name] for name in ("overall", "database", "storage")} == dict.fromkeys(
        ("overall", "database", "storage"), 1.0
    )
    assert "redis" in status


def test_the_older_text_format_parses_too(client: FlaskClient) -> None:
    answer = client.get("/health", headers={"Accept": "text/plain;version=0.0.4"})

    assert answer.content_type == TEXT
    assert {family.name for family in parse_text(answer.text)} >= {"filewallball_health_status"}


def test_each_state_has_its_number_and_disabled_has_none() -> None:
    readings = {status: CheckResult(status) for status in (HEALTHY, DEGRADED, UNHEALTHY, DISABLED)}

    text = render(readings, uptime_seconds=1.5, draining=True, content_type=TEXT)

    families = {family.name: family for family in parse_text(text)}
    found = {
        sample.labels["service"]: sample.value for sample in families["filewallball_health_status"].samples
    }
    assert math.isnan(found.pop(DISABLED))
    assert found == {"overall": 0.0, HEALTHY: 1.0, DEGRADED: 0.5, UNHEALTHY: 0.0}
    assert families["filewallball_draining"].samples[0].value == 1.0


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ([], None),
        ([("*/*", 1)], None),
        ([("text/plain", 1)], None),
        ([("text/html", 1), ("*/*", 0.8)], None),
        ([("application/json", 1)], None),
        ([("application/json", 1), ("text/plain;version=0.0.4", 0.5)], None),
        ([("text/plain; version=0.0.4", 1)], TEXT),
        ([("application/openmetrics-text", 1)], OPENMETRICS),
        ([("application/openmetrics-text; version=1.0.0", 0)], None),
        ([("application/openmetrics-text", 0.5), ("text/plain;version=0.0.4", 0.8)], TEXT),
    ],
)
def test_only_an_explicit_wish_for_metrics_is_granted(
    accepted: list[tuple[str, float]], chosen: str | None
) -> None:
    header = ", ".join(f"{media_range};q={quality}" for media_range, quality in accepted)

    assert preferred_to_json(header) == chosen


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0B"), (1023, "1023B"), (1024, "1KB"), (2684354560, "2.5GB"), (10 * 1024**3, "10GB")],
)
def test_sizes_are_shown_in_units_of_1024(count: int, shown: str) -> None:
    assert size(count) == shown


def test_uptime_is_shown_in_hours_minutes_and_seconds() -> None:
    assert uptime(72 * 3600 + 15 * 60 + 30.9) == "72h 15m 30s"


def _json(answer: TestResponse) -> dict[str, Any]:
    body: dict[str, Any] = answer.get_json()
    return body
