"""Each request is one span, with its steps below it, that says what the log and the audit log say."""

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from filewallball.observability.tracing.spans import resource_attributes
from filewallball.observability.tracing.tracing import Tracing
from filewallball.recording.caller import SYSTEM
from filewallball.recording.operations import operation
from filewallball.registry import part
from filewallball.settings.loading import load_settings
from harness.parts import Parts
from harness.servers import Collector
from harness.servers.base import free_port
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN
from tests.files.resumable.in_process import begin, patch
from tests.fixtures.audit_log import rows_of

pytestmark = pytest.mark.server
CALLER = "b7ad6b7169203331"
SERVER, INTERNAL = 2, 1
ERROR = 2


@pytest.fixture
def traced(set_config: Callable[..., Flask], collector: Collector) -> Iterator[Callable[..., Flask]]:
    """Builds the app under `set_config`, exporting to the collector."""
    started: list[Tracing] = []

    def build(**changes: str) -> Flask:
        app = set_config(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="50", **changes)
        part(Tracing, app).start()
        started.append(part(Tracing, app))
        return app

    yield build
    for tracing in started:
        tracing.stop()


def put(client: FlaskClient, name: str = "a.txt", **headers: str) -> Any:
    return client.put(f"/upload/{name}", data=BytesIO(b"some text\n"), headers=headers)


def trace_in(answer: Any) -> str:
    trace_id: str = answer.headers["traceresponse"][3:35]
    return trace_id


def spans_of(collector: Collector, answer: Any, count: int = 1) -> list[dict[str, Any]]:
    """The spans of an answer's trace, once so many have come."""
    trace_id = trace_in(answer)
    wait_until(lambda: len(collector.of_trace(trace_id)) >= count, 60, f"{count} spans of a request")
    return collector.of_trace(trace_id)


def test_a_span_agrees_with_the_request_log_and_the_audit_log(
    traced: Callable[..., Flask], environ: dict[str, str], collector: Collector
) -> None:
    app = traced()
    answer = put(app.test_client())
    span, *_ = spans_of(collector, answer)

    log = Path(environ["DATA_DIR"], "logs", "filewallball.log").read_text().splitlines()
    (line,) = [each for each in map(json.loads, log) if each["logger"] == "filewallball.request"]
    parts = Parts(app)
    assert parts.shipper.flush(seconds=60)
    (row,) = rows_of(parts, "SELECT * FROM audit_log WHERE action = 'file:upload'")
    assert span["name"] == "PUT /upload/<filename>"
    assert (span["kind"], span["status"]["code"], span["parentSpanId"]) == (SERVER, 0, "")
    assert span["attributes"] == {
        "http.request.method": line["method"],
        "http.response.status_code": line["status_code"],
        "http.route": "/upload/<filename>",
        "url.path": line["path"],
        "url.scheme": "http",
        "client.address": line["client_ip"],
        "network.peer.address": "127.0.0.1",
        "user_agent.original": line["user_agent"],
        "filewallball.request_id": row.request_id,
        "filewallball.operation": row.action,
        "filewallball.file_id": row.resource_id,
        "filewallball.file_type": line["file_type"],
        "filewallball.file_size": line["file_size"],
    }
    assert (span["traceId"], line["trace_id"]) == (row.trace_id, row.trace_id)
    lasted_ms = (int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])) / 1e6
    assert round(lasted_ms, 1) == pytest.approx(line["response_time"], abs=0.1)


def test_the_steps_of_an_upload_lie_below_its_span_and_within_its_time(
    traced: Callable[..., Flask], collector: Collector
) -> None:
    # A scanner that nobody can reach is asked all the same.
    app = traced(SCAN_POLICY="optional", CLAMD_ADDRESS=f"127.0.0.1:{free_port()}")
    request, *steps = spans_of(collector, put(app.test_client()), count=5)

    assert [step["name"] for step in steps] == ["stage", "scan", "sync", "commit"]
    assert {(step["parentSpanId"], step["kind"]) for step in steps} == {(request["spanId"], INTERNAL)}
    times = [int(each[name]) for each in steps for name in ("startTimeUnixNano", "endTimeUnixNano")]
    assert times == sorted(times)
    assert int(request["startTimeUnixNano"]) <= times[0]
    assert times[-1] <= int(request["endTimeUnixNano"])


def test_the_request_that_ends_a_resumable_upload_has_the_steps_too(
    traced: Callable[..., Flask], collector: Collector
) -> None:
    client = traced().test_client()
    ended = patch(client, begin(client, 5), 0, b"bytes")
    request, *steps = spans_of(collector, ended, count=5)

    assert request["attributes"]["filewallball.operation"] == "file:upload"
    # What came, and how it became one file.
    assert [step["name"] for step in steps] == ["stage", "stage", "sync", "commit"]


def test_a_request_that_fails_by_the_services_fault_is_a_failed_span_and_so_is_the_step_it_failed_in(
    traced: Callable[..., Flask], collector: Collector
) -> None:
    app = traced(MIN_FREE_SPACE="1000000GB")
    answer = put(app.test_client())
    request, stage = spans_of(collector, answer, count=2)

    assert (answer.status_code, request["status"]["code"]) == (507, ERROR)
    assert request["attributes"]["error.type"] == answer.get_json()["code"] == "storage_full"
    assert (stage["name"], stage["status"]["code"]) == ("stage", ERROR)
    assert stage["attributes"]["error.type"] == "StorageFull"


@pytest.mark.parametrize("path", ["/files/0b8f2c8e-0000-4000-8000-000000000000", "/nowhere"])
def test_a_mistake_of_the_caller_is_no_failed_span_and_names_its_error(
    traced: Callable[..., Flask], collector: Collector, path: str
) -> None:
    (span,) = spans_of(collector, traced().test_client().get(path))

    assert (span["status"]["code"], span["attributes"]["error.type"]) == (0, "not_found")
    assert ("http.route" in span["attributes"]) is (path != "/nowhere")


def test_a_method_that_nobody_knows_makes_no_new_name(
    traced: Callable[..., Flask], collector: Collector
) -> None:
    (span,) = spans_of(collector, traced().test_client().open("/files", method="BREW"))

    assert span["name"].split()[0] == "HTTP"
    assert span["attributes"]["http.request.method"] == "_OTHER"


def test_credentials_are_taken_out_of_spans(traced: Callable[..., Flask], collector: Collector) -> None:
    token, app = ADMIN_TOKEN, traced()
    answer = put(
        app.test_client(),
        f"{token}.txt",
        Authorization=f"Bearer {token}",
        traceparent=f"00-{new_trace_id(app)}-{CALLER}-01",
        tracestate=f"congo={token},rojo=00f067aa0ba902b7",
        **{"User-Agent": f"x {token}"},
    )
    span, *_ = spans_of(collector, answer)

    assert span["attributes"]["url.path"] == "/upload/[hidden].txt"
    assert span["traceState"] == "congo=[hidden],rojo=00f067aa0ba902b7"
    assert span["attributes"]["user_agent.original"] == "x [hidden]"
    assert token not in collector.log_text()


PROXY, STRANGER = "10.0.0.1", "198.51.100.1"


@pytest.mark.parametrize(
    ("address", "flags", "is_exported"),
    [(PROXY, "01", True), (PROXY, "00", False), (STRANGER, "01", True), (STRANGER, "00", True)],
)
def test_only_a_trusted_caller_decides_and_every_caller_is_the_parent(
    traced: Callable[..., Flask], collector: Collector, address: str, flags: str, is_exported: bool
) -> None:
    app = traced(TRUSTED_PROXIES="10.0.0.0/8")
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    trace_id = new_trace_id(app)
    answer = client.get(
        "/files",
        headers={"traceparent": f"00-{trace_id}-{CALLER}-{flags}", "tracestate": "congo=t61rcWkgMzE"},
    )
    last = client.get("/files")  # sent later, so what was to come before it has

    spans_of(collector, last)
    found = collector.of_trace(trace_id)
    assert [span["parentSpanId"] for span in found] == ([CALLER] if is_exported else [])
    assert {span["traceState"] for span in found} <= {"congo=t61rcWkgMzE"}
    assert answer.headers["traceresponse"].endswith("-01" if is_exported else "-00")


def test_probes_and_scrapes_have_no_spans(traced: Callable[..., Flask], collector: Collector) -> None:
    client = traced().test_client()
    probes = [client.get(path) for path in ("/health/live", "/health/ready", "/metrics")]
    last = client.get("/files")

    spans_of(collector, last)
    assert [collector.of_trace(trace_in(each)) for each in probes] == [[], [], []]
    assert {each.headers["traceresponse"][-2:] for each in probes} == {"02"}


def test_an_operation_that_no_request_asked_for_begins_a_trace(
    traced: Callable[..., Flask], collector: Collector
) -> None:
    app = traced()
    with operation(Parts(app).ledger, "file:expire", SYSTEM, resource_id="f-of-no-request") as op:
        pass

    def found() -> list[dict[str, Any]]:
        named = [span for span in collector.spans() if span["name"] == "file:expire"]
        return [each for each in named if each["attributes"]["filewallball.event_id"] == op.event.event_id]

    (span,) = wait_until(found, 60, "the span of an operation")
    assert (span["kind"], span["parentSpanId"]) == (INTERNAL, "")
    assert span["attributes"]["filewallball.file_id"] == "f-of-no-request"


def test_the_settings_have_the_last_word_on_what_the_service_is_called() -> None:
    given = {"OTEL_RESOURCE_ATTRIBUTES": "service.name=a,deployment.environment.name=so%20to%20say"}

    plain, told = (resource_attributes(load_settings(each)) for each in ({}, given))
    named = resource_attributes(load_settings({**given, "OTEL_SERVICE_NAME": "b"}))

    assert [each["service.name"] for each in (plain, told, named)] == ["filewallball", "a", "b"]
    assert told["deployment.environment.name"] == "so to say"


def new_trace_id(app: Flask) -> str:
    """A trace id that no other test has."""
    return Parts(app).ledger.new_id().replace("-", "")
