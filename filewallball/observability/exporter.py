"""prometheus-flask-exporter, with what it does not do well in our place fenced in.

Its route, names and labels stay. Replaced: timing at `after_request` (a streamed answer has not begun by then), the
raw request method as a label (an attacker's choice), `?name[]=` (an error in multiprocess mode), and default
metrics that only the first application of a process gets.
"""

import gzip
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from flask import Flask, Response, make_response, request
from prometheus_client import CollectorRegistry
from prometheus_flask_exporter.multiprocess import GunicornInternalPrometheusMetrics

from filewallball.observability.exposition import Exposition

PATH = "/metrics"
_GZIP_LEVEL = 1
View = Callable[[], Any]


class Exporter(GunicornInternalPrometheusMetrics):
    """Serves an exposition on `/metrics`; `HttpObserver` feeds the default metrics."""

    def __init__(self, exposition: Exposition, guard: Callable[[], None]) -> None:
        super().__init__(
            path=PATH,
            group_by="url_rule",
            registry=CollectorRegistry(),
            metrics_decorator=lambda view: _answering(view, guard),
        )
        self._exposition = exposition

    def generate_metrics(
        self, accept_header: str | None = None, names: Iterable[str] | None = None
    ) -> tuple[str, str]:
        """The body and the content type of the answer; never fails on a strange Accept header or name."""
        return self._exposition.render(accept_header, names)

    def export_defaults(self, *_: Any, app: Flask, **__: Any) -> None:
        """Nothing to hook into Flask: requests are counted where they end."""


def _answering(view: View, guard: Callable[[], None]) -> View:
    """Ask `guard` first; compress where the client wants it."""

    @wraps(view)
    def answer() -> Response:
        guard()
        response = make_response(view())
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = "Accept, Accept-Encoding"
        if request.accept_encodings.quality("gzip") > 0:
            response.set_data(gzip.compress(response.get_data(), _GZIP_LEVEL))
            response.headers["Content-Encoding"] = "gzip"
        return response

    return answer
