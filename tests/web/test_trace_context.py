"""A request belongs to the trace that its caller names by W3C Trace Context, else to a new one of its own."""

import json
import re
from collections.abc import Callable
from io import BytesIO

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from filewallball.web.exchange import current_exchange
from filewallball.web.trace_context import Trace, trace_of
from harness.parts import Parts
from tests.access.people import client_of
from tests.fixtures.audit_log import rows_of

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
OWN = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-{SPAN}-01"
RESPONSE = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-0[02]")

READ = [
    PARENT,
    f"00-{TRACE}-{SPAN}-00",
    f"00-{TRACE}-{SPAN}-ff",
    f"01-{TRACE}-{SPAN}-03",
    f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like",
    f"01-{TRACE}-{SPAN}-01-",
]
MALFORMED = [
    *("", "-", "00", TRACE, f"{TRACE}-{SPAN}", PARENT[:-1], PARENT + "0", PARENT + "-", PARENT + "-x"),
    *(PARENT.upper(), f" {PARENT}", f"{PARENT}\n", f"{PARENT},{PARENT}", PARENT.replace("-", "_")),
    *(f"ff-{TRACE}-{SPAN}-01", f"0x-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01.x", f"cc-{TRACE}-{SPAN}-01x"),
    *(f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE[:-1]}g-{SPAN}-01"),
    *(f"00-{TRACE}-{SPAN}-0x", f"00-{TRACE[1:]}-{SPAN}-01", f"00-{TRACE}0-{SPAN}-01"),
    *(PARENT.replace("7", "\u0667"), "\xe4" * 55, "0" * 8000),
]
STATES = {
    "congo=t61rcWkgMzE": "congo=t61rcWkgMzE",
    "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE": "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
    " a=1 ,\t b=2 ,, ": "a=1,b=2",
    "tenant@system=x y": "tenant@system=x y",
    "": "",
    ",": "",
    "a": "",
    "A=1": "",
    "a=": "",
    "a=b=c": "",
    "a=1,a=2": "",
    "a=\xe4": "",
    "a=1,\x00=2": "",
    f"{'k' * 256}={'v' * 256}": f"{'k' * 256}={'v' * 256}",
    f"{'k' * 257}=v": "",
    f"k={'v' * 257}": "",
    ",".join(f"k{number}=v" for number in range(32)): ",".join(f"k{number}=v" for number in range(32)),
    ",".join(f"k{number}=v" for number in range(33)): "",
}


def read(parent: str, state: str = "", *, may_sample: bool = False) -> Trace:
    environ = {"HTTP_TRACEPARENT": parent, "HTTP_TRACESTATE": state}
    return trace_of(environ, f"req_{OWN}", may_sample=may_sample)


@pytest.mark.parametrize("parent", READ)
def test_a_callers_trace_goes_on(parent: str) -> None:
    found = read(parent)

    assert (found.trace_id, found.parent_id) == (TRACE, SPAN)
    assert found.span_id not in (SPAN, "0" * 16)


@pytest.mark.parametrize("parent", MALFORMED)
def test_what_cannot_be_read_begins_a_new_trace_with_the_digits_of_the_request(parent: str) -> None:
    found = read(parent, "congo=t61rcWkgMzE")

    assert (found.trace_id, found.parent_id, found.state) == (OWN, "", "")
    assert not found.is_sampled


@pytest.mark.parametrize(("state", "kept"), STATES.items())
def test_a_tracestate_is_kept_as_it_came_or_not_at_all(state: str, kept: str) -> None:
    assert read(PARENT, state).state == kept
    assert read(PARENT, state).trace_id == TRACE


@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_is_sent_the_ids_are_well_formed(parent: str, state: str) -> None:
    found = read(parent, state)

    match = RESPONSE.fullmatch(found.response)
    assert match is not None
    assert match[1] == found.trace_id


@pytest.mark.parametrize("request_id", ["trace-0123456789", f"req_{'0' * 32}", f"req_{'1' * 16}{'0' * 16}"])
def test_a_request_id_of_another_form_gives_no_digits(request_id: str) -> None:
    one, other = (trace_of({}, request_id, may_sample=False) for _ in range(2))

    assert one.trace_id != other.trace_id
    assert RESPONSE.fullmatch(one.response)


PROXY, CLIENT, STRANGER = "10.0.0.1", "203.0.113.7", "198.51.100.1"


@pytest.mark.parametrize(
    ("peer", "chain", "is_sampled"),
    [(PROXY, None, True), (PROXY, PROXY, True), (PROXY, CLIENT, False), (PROXY, "nonsense", False),
     (STRANGER, None, False), (STRANGER, PROXY, False)],
)  # fmt: skip
def test_only_a_trusted_proxy_that_speaks_for_itself_says_that_a_trace_is_sampled(
    set_config: Callable[..., Flask], peer: str, chain: str | None, is_sampled: bool
) -> None:
    app = set_config(TRUSTED_PROXIES="10.0.0.0/8")
    headers = {"traceparent": PARENT} | ({"X-Forwarded-For": chain} if chain else {})
    environ = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    client = client_of(app, address=peer)
    kept = []
    app.before_request(lambda: kept.append(current_exchange().trace))

    answer = client.get("/health/live", environ_overrides=environ)

    assert [trace.is_sampled for trace in kept] == [is_sampled]
    assert kept[0].trace_id == TRACE
    assert answer.headers["traceresponse"] == kept[0].response  # 00: nothing is recorded here


def test_the_answer_the_request_log_and_the_audit_log_name_one_trace(
    set_config: Callable[..., Flask], environ: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    app = set_config()
    client = app.test_client()
    headers = {"traceparent": PARENT, "tracestate": "congo=t61rcWkgMzE"}

    named = client.post("/upload", data={"file": (BytesIO(b"a"), "a.txt")}, headers=headers)
    refused = client.post("/upload", data={"nothing": "1"}, headers={"traceparent": "nonsense"})

    begun = refused.headers["X-Request-ID"].removeprefix("req_")
    answers = [RESPONSE.fullmatch(answer.headers["traceresponse"]) for answer in (named, refused)]
    assert [match and match[1] for match in answers] == [TRACE, begun]
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    logged = [line for line in lines if line["logger"] == "filewallball.request"]
    assert [line["trace_id"] for line in logged] == [TRACE, begun]
    assert [line.get("parent_id") for line in logged] == [SPAN, None]
    assert [line.get("tracestate") for line in logged] == ["congo=t61rcWkgMzE", None]
    parts = Parts(app)
    parts.shipper.flush()
    rows = rows_of(parts, "SELECT status, trace_id FROM audit_log WHERE action = 'file:upload' ORDER BY id")
    assert [tuple(row) for row in rows] == [("success", TRACE), ("failed", begun)]
