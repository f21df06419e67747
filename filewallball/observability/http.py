"""Every exchange, counted at its end for prometheus-flask-exporter's families, and while it is in progress."""

from threading import Lock

from filewallball.errors import InternalError
from filewallball.errors.translation import translate
from filewallball.observability.exporter import PATH
from filewallball.observability.labels import ClosedSet
from filewallball.observability.metrics import Metrics
from filewallball.observability.vocabulary import HTTP_STATUSES, METHODS
from filewallball.web.exchange import Exchange

_NEEDS_NO_HOST = "/health/live"
_NO_RULE = "None"  # as the exporter calls it


class HttpObserver:
    """Durations reach to the last byte; methods and statuses are bounded, whatever clients make up."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._methods = ClosedSet(METHODS, other="OTHER")
        self._statuses = ClosedSet(HTTP_STATUSES)
        self._in_progress = 0
        self._lock = Lock()

    def started(self, exchange: Exchange) -> None:
        self._change(1)
        origin = exchange.origin
        if origin.forwarded and not origin.trusted:
            self._metrics.increment("forwarded_headers_ignored_total")
        if not origin.is_known:
            self._metrics.increment("client_address_unreadable_total")

    def finished(self, exchange: Exchange) -> None:
        self._change(-1)
        if not exchange.origin.host_is_known and exchange.rule != _NEEDS_NO_HOST:
            self._metrics.increment("unknown_hosts_total")
        if exchange.rule == PATH:  # scrapes count nothing, as the exporter has it
            return
        method = self._methods.bound(exchange.environ["REQUEST_METHOD"])
        status = self._statuses.bound(str(exchange.status))
        endpoint = self._metrics.endpoint(exchange.rule) if exchange.rule else _NO_RULE
        metrics = self._metrics
        metrics.observe("flask_http_request_duration_seconds", exchange.seconds, method, endpoint, status)
        metrics.increment("flask_http_request_total", method, status)
        if exchange.failure is not None and translate(exchange.failure).code == InternalError.code:
            metrics.increment("flask_http_request_exceptions_total", method, status)

    def _change(self, by: int) -> None:
        with self._lock:
            self._in_progress += by
            self._metrics.set("active_connections", self._in_progress)
