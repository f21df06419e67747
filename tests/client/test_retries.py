"""How long the client waits before another try."""

import threading
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from filewallball_client import Client, Refused, Unreachable, retries
from filewallball_client.retries import Patience, retry_after


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("1.5", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_not_at_all(value: str, seconds: float | None) -> None:
    assert retry_after(httpx.Response(503, headers={"Retry-After": value})) == seconds


def test_retry_after_may_be_a_date() -> None:
    assert retry_after(httpx.Response(503, headers={"Retry-After": formatdate(0, usegmt=True)})) == 0.0
    later = retry_after(httpx.Response(503, headers={"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}))
    assert later is not None
    assert later > 1e9


def test_patience_ends_at_once_where_the_service_asks_for_more_than_is_left() -> None:
    told: list[float] = []

    assert not Patience(60).wait(3600, told.append)
    assert told == []


def test_a_service_that_asks_for_no_pause_is_not_asked_without_one() -> None:
    told: list[float] = []

    assert Patience(60).wait(0, told.append)
    assert told[0] > 0


def test_bytes_that_leave_and_never_arrive_are_sent_no_more_once_the_waits_are_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[float] = []
    monkeypatch.setattr(retries, "sleep", told.append)
    patience = Patience(60)

    while patience.wait(None, lambda pause: None):
        patience.moving()

    assert sum(told) <= 60
    assert len(told) > 5


class _Garbled(BaseHTTPRequestHandler):
    """Says of each answer that it is compressed, which it is not."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"plain")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.mark.parametrize("status", [200, 502])
def test_an_answer_that_cannot_be_decoded_is_no_answer(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    monkeypatch.setattr(_Garbled, "status", status)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Garbled) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        with (
            Client(address, retry_seconds=0) as client,
            pytest.raises(Unreachable, match="cannot be decoded"),
        ):
            client.describe("550e8400-e29b-41d4-a716-446655440000")
        server.shutdown()


class _InTurn(_Garbled):
    """Answers with each of these in turn."""

    answers: Iterator[int]

    def do_GET(self) -> None:
        self.send_response(next(self.answers))
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.mark.parametrize("status", [408, 507], ids=["slow", "disk-full"])
def test_what_may_be_over_soon_is_asked_again(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    waits: list[str] = []
    monkeypatch.setattr(_InTurn, "answers", iter((status, 404)), raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), _InTurn) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        with Client(address, notify=waits.append) as client, pytest.raises(Refused) as caught:
            client.describe("550e8400-e29b-41d4-a716-446655440000")
        server.shutdown()

    assert (caught.value.problem.status, len(waits)) == (404, 1)
