"""Processes of every role export what they did, after a reload too, and end whatever the collector does."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.servers import Collector, Front, Service
from harness.waiting import wait_until
from tests.observability.scrape import samples_of, value_of
from tests.ops.nginx.test_front import ask

pytestmark = pytest.mark.server
HOUR_MS = "3600000"
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def service(tmp_path: Path, failing_collector: Collector) -> Iterator[Service]:
    """The service, with a worker of each role; it would wait for the collector for an hour if it waited."""
    settings = {
        "TRUSTED_PROXIES": "127.0.0.0/8",
        "SYNC_WORKERS": "1",
        "X_ACCEL": "true",
        "MIN_FREE_SPACE": "0",
        "GRACEFUL_TIMEOUT": "1h",
        "OTEL_EXPORTER_OTLP_ENDPOINT": failing_collector.url,
        "OTEL_EXPORTER_OTLP_TIMEOUT": HOUR_MS,
        "OTEL_BSP_EXPORT_TIMEOUT": HOUR_MS,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    server = Service(tmp_path / "service", settings, workers=1).start()
    yield server
    server.kill()


def test_every_process_exports_what_it_did_and_none_waits_for_the_collector(
    service: Service, front: Front, failing_collector: Collector
) -> None:
    front.ship(service.environment())
    front.start()
    asked = [*_ask(front), service.request("GET", "/files")]
    before = service.worker_pids()
    service.reload()
    wait_until(lambda: not set(before) & set(service.worker_pids()), 60, "workers were replaced")
    wait_until(service.is_ready, 60, "the new workers serve")
    asked += [*_ask(front), service.request("GET", "/files")]

    ids = [answer.headers["X-Request-ID"] for answer in asked]
    spans = wait_until(lambda: _complete(failing_collector, ids), 60, "a span of each request")
    logged = {line["request_id"]: line for line in _log(service, "request")}  # written before the span
    assert {name: span["traceId"] for name, span in spans.items()} == {
        name: logged[name]["trace_id"] for name in ids
    }
    (traced,) = {span["name"] for span in spans.values() if span["parentSpanId"] == CALLER}
    assert traced == "PUT /upload/<filename>"
    wait_until(lambda: "audit:verify" in _names(failing_collector), 60, "an operation of the jobs process")

    failing_collector.pause()
    hung = [service.request("GET", "/files") for _ in range(20)]
    for pid in service.worker_pids():
        service.kill_worker(pid)
    wait_until(lambda: _dropped(service) >= len(hung), 60, "spans of killed workers count as lost")
    hung += [service.request("GET", "/files") for _ in range(20)]
    assert {answer.status_code for answer in hung} == {200}
    assert service.stop() == 0  # the master ends after its last worker; this raises after 30 seconds
    assert {line["collector"] for line in _log(service, "traces")} == {f"{failing_collector.url}/v1/traces"}


def _ask(front: Front) -> list[Any]:
    """Requests for sync workers and for the pool, as nginx hands them out."""
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
    stored = ask(front, "PUT", "/upload/a.txt", data=b"some text\n", headers=headers)
    file_id = stored.json()["file_id"]
    fetched = [ask(front, "GET", f"/{way}/{file_id}") for way in ("download", "view", "thumbnail")]
    return [stored, *fetched, ask(front, "GET", "/nowhere")]


def _dropped(service: Service) -> float:
    samples = samples_of(service.request("GET", "/metrics").text)
    return value_of(samples, "trace_spans_total", outcome="dropped")


def _complete(collector: Collector, request_ids: list[str]) -> dict[str, dict[str, Any]]:
    """The span of each request by its id, once there is one of each."""
    found = {span["attributes"].get("filewallball.request_id"): span for span in collector.spans()}
    return {name: found[name] for name in request_ids} if found.keys() >= set(request_ids) else {}


def _names(collector: Collector) -> set[str]:
    return {span["name"] for span in collector.spans()}


def _log(service: Service, logger: str) -> list[dict[str, Any]]:
    lines = map(json.loads, (service.data_dir / "logs/filewallball.log").read_text().splitlines())
    return [line for line in lines if line["logger"] == f"filewallball.{logger}"]
