"""One request from its first byte in to its last byte out: only here is it known when an answer ended."""

from __future__ import annotations  # those of the functions made for each request would be built each time

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, cast

from flask import Request
from flask.globals import _cv_request
from uuid_utils import uuid4

from filewallball.recording.event import Event
from filewallball.recording.steps import Step
from filewallball.web.origin import Origin
from filewallball.web.response_body import Body, FileBody, file_body
from filewallball.web.trace_context import Trace, trace_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger("filewallball.error")

ENVIRON_KEY = "filewallball.exchange"
_WELL_FORMED_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{7,127}")
_WITHOUT_BODY = (204, 304)


class Observer(Protocol):
    """Told about every exchange once after its last byte, and at its start too if it has a method `started`."""

    def finished(self, exchange: Exchange) -> None: ...


@dataclass(slots=True)
class Exchange:
    """One request and its answer; what is not measured (`event`, `failure`, `limit_fields`) is set by its reporter."""

    environ: WSGIEnvironment
    origin: Origin
    request_id: str
    trace: Trace
    started: float
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    bytes_sent: int = 0
    completed: bool = False
    ended: float = 0.0
    rule: str = ""
    event: Event | None = None
    failure: BaseException | None = None
    callbacks: list[Callable[[], None]] = field(default_factory=list)
    limit_fields: list[tuple[str, str]] = field(default_factory=list)
    operation: Any = None
    steps: list[Step] | None = None
    """Those that were timed; None where nobody records the trace."""

    @property
    def client_ip(self) -> str:
        """The client's address, as far as trusted proxies vouch for it."""
        return self.origin.client_ip

    @property
    def trace_id(self) -> str:
        """The trace that the request belongs to."""
        return self.trace.trace_id

    def on_close(self, callback: Callable[[], None]) -> None:
        """Run `callback` when the last byte left or the client went away, before the body's file closes."""
        self.callbacks.append(callback)

    @property
    def seconds(self) -> float:
        """The duration of the request, so far if it still runs."""
        return (self.ended or perf_counter()) - self.started

    @property
    def bytes_expected(self) -> int | None:
        """The announced length of the answer's body."""
        for name, value in self.headers:
            if name.lower() == "content-length":
                return int(value)
        return None


def current_exchange() -> Exchange:
    """The exchange of the Flask request being handled."""
    exchange: Exchange = _cv_request.get().request.environ[ENVIRON_KEY]
    return exchange


def current_request() -> Request:
    """The Flask request being handled: itself, for who asks it for more than one thing."""
    return _cv_request.get().request


class ExchangeMiddleware:
    """Outermost WSGI layer: numbers requests, tells observers when each began and when its last byte left.

    `complete` gives the headers that go out, as a new list, for those that the application sent. `is_recorded` says
    whether somebody records a request's trace.
    """

    def __init__(
        self,
        wsgi_app: WSGIApplication,
        *,
        origin: Callable[[WSGIEnvironment], Origin],
        observers: Iterable[Observer] = (),
        complete: Callable[[list[tuple[str, str]]], list[tuple[str, str]]] = list,
        is_recorded: Callable[[WSGIEnvironment, Trace, Origin], bool] | None = None,
    ) -> None:
        self._wsgi_app = wsgi_app
        self._is_recorded = is_recorded
        self._origin = origin
        self._complete = complete
        self._observers = tuple(observers)
        told: Iterable[Any] = self._observers
        self._started = [observer.started for observer in told if hasattr(observer, "started")]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = perf_counter()
        origin = self._origin(environ)
        request_id = _request_id(origin.request_id)
        trace = trace_of(environ, request_id, may_sample=origin.may_sample)
        exchange = Exchange(environ, origin, request_id, trace, began)
        if self._is_recorded is not None and self._is_recorded(environ, trace, origin):
            exchange.trace, exchange.steps = trace._replace(is_recorded=True), []
        environ[ENVIRON_KEY] = exchange
        if "wsgi.file_wrapper" in environ:
            environ["wsgi.file_wrapper"] = file_body(environ["wsgi.file_wrapper"])
        for started in self._started:
            _guarded(started, exchange)
        closing = _Closing(exchange, self._observers)
        try:
            body = self._wsgi_app(environ, _announcing(exchange, start_response, self._complete))
        except BaseException as error:
            exchange.failure, exchange.status = error, 500
            closing.finish(None)
            raise
        if isinstance(body, FileBody):
            body.watch(exchange, closing.finish)
            return cast("Iterable[bytes]", body)
        return Body(body, exchange, closing.finish)


def _request_id(received: str | None) -> str:
    if received and _WELL_FORMED_ID.fullmatch(received):
        return received
    return new_request_id()


def new_request_id() -> str:
    """The id of a request that nobody gave one to."""
    return "req_" + uuid4().hex  # not os.urandom, where another thread would take over


def _announcing(
    exchange: Exchange,
    start_response: StartResponse,
    complete: Callable[[list[tuple[str, str]]], list[tuple[str, str]]],
) -> StartResponse:
    """The server's `start_response`, noting what goes out; applications may call it late, or twice."""

    def announce(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], object]:
        exchange.status = int(status[:3])
        exchange.headers = complete(headers)
        exchange.headers.append(("X-Request-ID", exchange.request_id))
        exchange.headers.extend(exchange.limit_fields)
        exchange.headers.append(("traceresponse", exchange.trace.response))
        matched = getattr(exchange.environ.get("werkzeug.request"), "url_rule", None)
        exchange.rule = matched.rule if matched else ""
        write = start_response(status, exchange.headers, *exc_info)

        def counted(data: bytes) -> object:
            result = write(data)
            exchange.bytes_sent += len(data)
            return result

        return counted

    return cast("StartResponse", announce)


class _Closing:
    """The end of an exchange: callbacks in order, the body's own close, the observers; all exactly once."""

    __slots__ = ("_done", "_exchange", "_observers")

    def __init__(self, exchange: Exchange, observers: tuple[Observer, ...]) -> None:
        self._exchange = exchange
        self._observers = observers
        self._done = False

    def finish(self, close: Callable[[], object] | None) -> None:
        if self._done:
            return
        self._done = True
        exchange = self._exchange
        exchange.ended = perf_counter()
        exchange.completed = exchange.completed or _all_sent(exchange)
        for callback in exchange.callbacks:
            _guarded(callback)
        try:
            if close is not None:
                close()
        finally:
            for observer in self._observers:
                _guarded(observer.finished, exchange)


def _all_sent(exchange: Exchange) -> bool:
    if exchange.environ["REQUEST_METHOD"] == "HEAD" or exchange.status in _WITHOUT_BODY:
        return True
    expected = exchange.bytes_expected
    return expected is not None and exchange.bytes_sent >= expected


def _guarded(call: Callable[..., None], *arguments: object) -> None:
    try:
        call(*arguments)
    except Exception:
        logger.exception("A step around a request failed")
