"""An exchange ends exactly once, when its last byte has left, whichever way its two sides end it."""

import io
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from filewallball.web.exchange import ENVIRON_KEY, Exchange, ExchangeMiddleware, current_exchange
from tests.observability.probe_app import sender

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Headers = list[tuple[str, str]]


class Watcher:
    """Remembers every exchange it was told about."""

    def __init__(self) -> None:
        self.began: list[Exchange] = []
        self.ended: list[Exchange] = []

    def started(self, exchange: Exchange) -> None:
        self.began.append(exchange)

    def finished(self, exchange: Exchange) -> None:
        self.ended.append(exchange)


class Server:
    """Calls a WSGI application the way PEP 3333 tells a server to."""

    def __init__(self, wsgi_app: "WSGIApplication") -> None:
        self.watcher = Watcher()
        self.app = ExchangeMiddleware(wsgi_app, origin=sender, observers=[self.watcher])
        self.status = ""
        self.headers: Headers = []

    def start(self, environ: dict[str, Any] | None = None) -> Iterable[bytes]:
        return self.app({"REQUEST_METHOD": "GET", "REMOTE_ADDR": "192.0.2.1", **(environ or {})}, self._start)

    def run(self, environ: dict[str, Any] | None = None) -> bytes:
        body = self.start(environ)
        try:
            return b"".join(body)
        finally:
            body.close()  # type: ignore[attr-defined]

    @property
    def exchange(self) -> Exchange:
        assert len(self.watcher.ended) == 1
        return self.watcher.ended[0]

    def _start(self, status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
        self.status, self.headers = status, headers
        return lambda data: None


def hello(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
    start_response("200 OK", [("Content-Length", "5")])
    return [b"he", b"llo"]


def test_every_answer_carries_a_request_id() -> None:
    server = Server(hello)
    server.run()
    assert re.fullmatch("req_[0-9a-f]{32}", dict(server.headers)["X-Request-ID"])
    assert dict(server.headers)["X-Request-ID"] == server.exchange.request_id


def test_a_well_formed_id_of_the_origin_is_kept() -> None:
    server = Server(hello)
    server.run({"HTTP_X_REQUEST_ID": "trace-0123456789"})
    assert server.exchange.request_id == "trace-0123456789"


@pytest.mark.parametrize(
    "bad", ["", "short", "a" * 129, "spaces in it", "caf\xe9-caf\xe9", "x\r\nSet-Cookie: a=b"]
)
def test_a_malformed_id_is_replaced(bad: str) -> None:
    server = Server(hello)
    server.run({"HTTP_X_REQUEST_ID": bad})
    assert server.exchange.request_id.startswith("req_")


def test_a_complete_answer_is_measured() -> None:
    server = Server(hello)
    assert server.run() == b"hello"
    exchange = server.exchange
    assert (exchange.status, exchange.bytes_sent, exchange.bytes_expected) == (200, 5, 5)
    assert exchange.completed
    assert exchange.client_ip == "192.0.2.1"
    assert exchange.seconds == exchange.ended - exchange.started >= 0


def test_callbacks_run_in_order_before_the_body_closes_and_the_observers_last() -> None:
    steps: list[str] = []

    class Closable(list[bytes]):
        def close(self) -> None:
            steps.append("body")

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        start_response("200 OK", [])
        environ[ENVIRON_KEY].on_close(lambda: steps.append("first"))
        environ[ENVIRON_KEY].on_close(lambda: steps.append("second"))
        return Closable([b"x"])

    server = Server(app)
    body = server.start()
    assert b"".join(body) == b"x"
    assert steps == []
    assert server.watcher.ended == []
    body.close()  # type: ignore[attr-defined]
    assert steps == ["first", "second", "body"]
    assert server.exchange.completed


def test_a_failing_callback_stops_neither_the_others_nor_the_observers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ran: list[int] = []

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        start_response("200 OK", [])
        for step in (lambda: ran.append(1), lambda: 1 / 0, lambda: ran.append(2)):
            environ[ENVIRON_KEY].on_close(step)
        return []

    server = Server(app)
    server.run()
    assert ran == [1, 2]
    assert server.exchange.status == 200
    assert "ZeroDivisionError" in caplog.text


def test_closing_twice_ends_the_exchange_once() -> None:
    server = Server(hello)
    body = server.start()
    for _ in range(2):
        body.close()  # type: ignore[attr-defined]
    assert not server.exchange.completed


def test_an_exception_in_the_application_is_a_failed_exchange_and_goes_on_up() -> None:
    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        raise LookupError("lost")

    server = Server(app)
    with pytest.raises(LookupError):
        server.start()
    assert server.exchange.status == 500
    assert isinstance(server.exchange.failure, LookupError)
    assert not server.exchange.completed


def test_an_exception_in_the_middle_of_a_body_is_a_failed_exchange() -> None:
    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterator[bytes]:
        start_response("200 OK", [("Content-Length", "9")])
        yield b"one"
        raise LookupError("lost")

    server = Server(app)
    with pytest.raises(LookupError):
        server.run()
    assert server.exchange.bytes_sent == 3
    assert isinstance(server.exchange.failure, LookupError)
    assert not server.exchange.completed


def test_a_late_start_response_is_seen() -> None:
    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterator[bytes]:
        start_response("404 NOT FOUND", [])
        yield b"no"

    server = Server(app)
    server.run()
    assert server.exchange.status == 404
    assert "X-Request-ID" in dict(server.headers)


def test_the_last_of_several_start_responses_counts() -> None:
    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        start_response("200 OK", [])
        start_response("500 OOPS", [("Content-Length", "1")], (ValueError, ValueError(), None))  # type: ignore[arg-type]
        return [b"x"]

    server = Server(app)
    server.run()
    assert (server.exchange.status, server.exchange.bytes_expected) == (500, 1)


def test_bytes_given_to_write_count() -> None:
    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        start_response("200 OK", [])(b"abc")
        return [b"de"]

    server = Server(app)
    server.run()
    assert server.exchange.bytes_sent == 5


def test_the_applications_header_list_is_left_alone() -> None:
    shared = [("Content-Length", "0")]

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        start_response("200 OK", shared)
        return []

    Server(app).run()
    assert shared == [("Content-Length", "0")]


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", "200 OK"), ("GET", "304 NOT MODIFIED"), ("GET", "204 NONE")]
)
def test_answers_without_a_body_are_complete(method: str, status: str) -> None:
    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        start_response(status, [("Content-Length", "100")])
        return ()

    server = Server(app)
    server.run({"REQUEST_METHOD": method})
    assert server.exchange.completed
    assert server.exchange.bytes_sent == 0


def test_a_chunk_the_server_could_not_send_is_not_counted() -> None:
    server = Server(hello)
    body = server.start()
    next(iter(body))
    body.close()  # type: ignore[attr-defined]
    assert server.exchange.bytes_sent == 0
    assert not server.exchange.completed


def test_a_file_wrapper_stays_an_instance_of_the_servers_own() -> None:
    class Wrapper:
        def __init__(self, filelike: Any, blksize: int = 8192) -> None:
            self.filelike, self.blksize = filelike, blksize
            self.close = filelike.close

        def __iter__(self) -> Iterator[bytes]:
            return iter(lambda: self.filelike.read(self.blksize), b"")

    file = io.BytesIO(b"0123456789")
    closed_at: list[tuple[bool, int]] = []

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", "10")])
        environ[ENVIRON_KEY].on_close(lambda: closed_at.append((file.closed, file.tell())))
        body: Iterable[bytes] = environ["wsgi.file_wrapper"](file, 4)
        return body

    server = Server(app)
    environ: dict[str, Any] = {"wsgi.file_wrapper": Wrapper}
    body = server.start(environ)
    assert isinstance(body, Wrapper)
    assert b"".join(body) == b"0123456789"
    body.close()
    assert closed_at == [(False, 10)]
    assert file.closed
    assert server.exchange.bytes_sent == 10
    assert server.exchange.completed


def test_a_file_wrapper_that_is_not_the_answer_still_closes_its_file() -> None:
    class Wrapper:
        def __init__(self, filelike: Any, blksize: int = 8192) -> None:
            self.filelike = filelike
            self.close = filelike.close

    file = io.BytesIO(b"0123456789")

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        start_response("200 OK", [])
        environ["wsgi.file_wrapper"](file).close()
        return [b"other"]

    Server(app).run({"wsgi.file_wrapper": Wrapper})
    assert file.closed


def test_flask_code_finds_the_exchange_of_its_request() -> None:
    app = Flask("probe")

    @app.get("/")
    def index() -> str:
        return current_exchange().request_id

    watcher = Watcher()
    app.wsgi_app = ExchangeMiddleware(app.wsgi_app, origin=sender, observers=[watcher])  # type: ignore[method-assign]
    with app.test_client().get("/") as answer:
        assert answer.get_data(as_text=True) == answer.headers["X-Request-ID"]
    assert [exchange.status for exchange in watcher.ended] == [200]
