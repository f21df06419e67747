"""The cost of instrumentation: CPU microseconds that each part of it adds to one request.

The same Flask view, called as a server would call it, with one part more each time; batches take turns and the
cheapest batch of each counts, so that other load on the machine matters little.
"""

import argparse
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

from flask import Flask, Response

from filewallball.observability.http import HttpObserver
from filewallball.observability.logs import Logs
from filewallball.observability.metric_store.slots import Slots
from filewallball.observability.metrics import Metrics
from filewallball.observability.request_log import RequestLog
from filewallball.observability.sinks import ConsoleSink
from filewallball.observability.tracing.tracing import Tracing
from filewallball.recording.caller import Caller
from filewallball.recording.coalescing import Coalescer
from filewallball.recording.journal import Journal
from filewallball.recording.line_macs import LineMacs
from filewallball.recording.operations import Ledger, operation
from filewallball.settings.loading import load_settings
from filewallball.settings.service import Settings
from filewallball.web import exchange
from filewallball.web.exchange import ExchangeMiddleware, Observer, current_exchange
from filewallball.web.origin import Proxies
from filewallball.web.trace_context import Trace

TARGET_MICROSECONDS = 125
_RULE = "/download/<file_id>"
_ENVIRON = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "PATH_INFO": "/download/0b8f2c8e-0000-4000-8000-000000000000",
    "QUERY_STRING": "",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "8000",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "192.0.2.7",
    "HTTP_HOST": "127.0.0.1:8000",
    "HTTP_TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126",
    "wsgi.url_scheme": "http",
    "wsgi.version": (1, 0),
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}
# The second is as long and no id, so its events leave no exemplar.
_REQUEST, _NO_REQUEST = (first + "eq_" + "0123456789abcdef" * 2 for first in "r~")
Call = Callable[[], None]


class Parts:
    """The instrumentation of one process, over folders of its own."""

    def __init__(self, folder: Path) -> None:
        self.settings: Settings = load_settings({"DATA_DIR": str(folder), "LOG_MAX_SIZE": "1GB"})
        self.slots = Slots(self.settings.slots_dir)
        self.metrics = Metrics(self.settings.metrics_dir, self.slots, lambda: {_RULE})
        self.journal = Journal(
            self.settings.journal_dir, self.slots.number, LineMacs(b"key"), sync_each=False
        )
        self.journal.prepare()
        self.logs = Logs(self.settings)
        self.logs.console = ConsoleSink(os.open(folder / "console", os.O_WRONLY | os.O_CREAT | os.O_APPEND))

    def ledger(self, record: Callable[[Any], None]) -> Ledger:
        coalescer = Coalescer(self.journal.opened, self.journal.coalesced, self.journal.closed)
        untouched = cast(Any, None)  # a read needs no database to be on record
        return Ledger(untouched, self.journal, untouched, coalescer, (record,))


def main() -> None:
    options = _options()
    logging.getLogger("filewallball").setLevel("INFO")
    with tempfile.TemporaryDirectory(prefix="filewallball-overhead-") as name:
        parts = Parts(Path(name))
        calls = _steps(parts)
        *costs, exporting = _cheapest([*calls.values(), _exporting(parts)], options.batches, options.requests)
    before = costs[0]
    print(f"{'a Flask view alone':<64} {before:>8.1f}")
    for part, cost in zip(list(calls)[1:], costs[1:], strict=True):
        print(f"+ {part:<62} {cost - before:>8.1f}")
        before = cost
    added = costs[-1] - costs[0]
    verdict = "reached" if added <= TARGET_MICROSECONDS else "missed"
    print(f"{'all instrumentation, microseconds of one request':<64} {added:>8.1f}")
    print(f"target {TARGET_MICROSECONDS}: {verdict}")
    print(f"{'with a collector of traces: its span, made and put in line':<64} {exporting - costs[-1]:>8.1f}")


def _steps(parts: Parts) -> dict[str, Call]:
    http, log = HttpObserver(parts.metrics), RequestLog(parts.logs)
    plain, events = _plain_app(), _recording_app(parts.ledger(lambda event: None), _NO_REQUEST)
    counting = parts.ledger(parts.metrics.record)
    nameless, counted = _recording_app(counting, _NO_REQUEST), _recording_app(counting, _REQUEST)
    return {
        "bare": _caller(plain.wsgi_app),
        "exchange: request id, bytes sent, the real end": _untraced(_caller(_watched(plain))),
        "traces: taken from the caller, answered": _caller(_watched(plain)),
        "exporter: HTTP families by rule, requests in progress": _caller(_watched(plain, http)),
        "request log: one line to console and file": _caller(_watched(plain, http, log)),
        "event: one operation, two journal lines": _caller(_watched(events, http, log)),
        "business metrics: what the event says": _caller(_watched(nameless, http, log)),
        "exemplars: the request behind a bucket": _caller(_watched(counted, http, log)),
    }


def _exporting(parts: Parts) -> Call:
    """All of it, and a span of each request, which waits for a batch that never fills."""
    waiting = {"OTEL_BSP_MAX_QUEUE_SIZE": "1000000", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1000000"}
    nowhere = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "3600000"}
    tracing = Tracing(load_settings({**waiting, **nowhere}), parts.metrics)
    tracing.start()
    app = _recording_app(parts.ledger(parts.metrics.record), _REQUEST)
    observers = HttpObserver(parts.metrics), RequestLog(parts.logs), tracing
    origin = Proxies(()).origin
    return _caller(
        ExchangeMiddleware(app.wsgi_app, origin=origin, observers=observers, is_recorded=tracing.is_recorded)
    )


def _plain_app() -> Flask:
    app = Flask("plain")

    @app.get(_RULE)
    def download(file_id: str) -> Response:
        return Response(b"x" * 100, content_type="text/plain")

    return app


def _recording_app(ledger: Ledger, request_id: str) -> Flask:
    app = Flask("recording")
    agent = str(_ENVIRON["HTTP_USER_AGENT"])
    caller = Caller(ip_address="192.0.2.7", user_agent=agent, request_id=request_id)

    @app.get(_RULE)
    def download(file_id: str) -> Response:
        this = current_exchange()
        with operation(
            ledger, "file:download", caller, resource_id=file_id, endpoint=_RULE, exchange=this
        ) as op:
            op.note(file_type="text/plain", file_size=100, details={"kind": "full", "delivery": "app"})
            return Response(b"x" * 100, content_type="text/plain")

    return app


def _watched(app: Flask, *observers: Observer) -> ExchangeMiddleware:
    return ExchangeMiddleware(app.wsgi_app, origin=Proxies(()).origin, observers=observers)


def _untraced(call: Call) -> Call:
    """The same call with one trace for all requests, which nobody reads or makes."""
    inside = vars(exchange)
    read, fixed = inside["trace_of"], _FixedTrace("0" * 32, "0" * 16)

    def call_untraced() -> None:
        inside["trace_of"] = lambda *_, **__: fixed
        try:
            call()
        finally:
            inside["trace_of"] = read

    return call_untraced


class _FixedTrace(Trace):
    response = ""


def _caller(wsgi_app: Callable[..., Iterable[bytes]]) -> Call:
    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        return None

    def call() -> None:
        body = wsgi_app(dict(_ENVIRON), start_response)
        for _ in body:
            pass
        cast(Any, body).close()

    return call


def _cheapest(calls: list[Call], batches: int, requests: int) -> list[float]:
    best = [float("inf") for _ in calls]
    for batch in range(batches + 1):
        for index, call in enumerate(calls):
            started = time.process_time()
            for _ in range(requests):
                call()
            if batch:  # the first one makes series, files and caches
                best[index] = min(best[index], (time.process_time() - started) / requests * 1e6)
    return best


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=300)
    parser.add_argument("--requests", type=int, default=50, help="in each batch")
    return parser.parse_args()


if __name__ == "__main__":
    main()
