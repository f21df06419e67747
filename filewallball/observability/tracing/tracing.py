"""The export of traces in one process: which requests it takes, when it begins and when it ends."""

from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

from uuid_utils import uuid4

from filewallball.observability.metrics import Metrics
from filewallball.observability.request_log import PROBES
from filewallball.observability.tracing.sampling import Sampler
from filewallball.observability.vocabulary import DROPPED, SPAN_OUTCOMES
from filewallball.recording.event import Event
from filewallball.settings.loading import without_variables
from filewallball.settings.service import Settings
from filewallball.web.exchange import Exchange
from filewallball.web.origin import Origin
from filewallball.web.trace_context import Trace

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from filewallball.observability.tracing.export import SpanExport
    from filewallball.observability.tracing.spans import Spans

_STOP_SECONDS = 2.0
_TAKEN, _SETTLED = "trace_spans_taken_total", "trace_spans_total"
_OF_LIBRARIES = ("OTEL_", "PROTOCOL_BUFFERS_")
"""Variables that the libraries read by themselves; a wrong one would end each process at its start."""


class Tracing:
    """Makes a span of each request, and of each operation of the service itself. Nothing happens before `start`."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.is_on = settings.exports_spans
        self._settings = settings
        self._metrics = metrics
        self._sampler = Sampler(settings)
        self._spans: Spans | None = None
        self._export: SpanExport | None = None
        self._lock = Lock()

    def start(self) -> None:
        """Begin to export if that is wanted. Called in each process after it was forked."""
        with self._lock:
            if not self.is_on or self._export is not None:
                return
            with without_variables(*_OF_LIBRARIES):
                from filewallball.observability.tracing.export import SpanExport
                from filewallball.observability.tracing.spans import Spans

                self._count_lost()
                self._spans = Spans(self._settings)
                self._export = SpanExport(self._settings, self._count)

    def stop(self) -> None:
        """Send what waits, and end; a collector that does not answer holds nobody up for long."""
        with self._lock:
            export, self._export = self._export, None
        if export is not None:
            export.stop(_STOP_SECONDS)

    def is_recorded(self, environ: Mapping[str, Any], trace: Trace, origin: Origin) -> bool:
        """True if the span of a request that begins will be exported. Only a trusted caller has a say in that."""
        if self._export is None or environ["PATH_INFO"] in PROBES:
            return False
        decided = trace.is_sampled if trace.parent_id and origin.may_sample else None
        return self._sampler.takes(trace.trace_id, decided)

    def finished(self, exchange: Exchange) -> None:
        """Export the span of a request that is recorded."""
        spans, export = self._spans, self._export
        if spans is not None and export is not None and exchange.trace.is_recorded:
            self._submit(export, spans.of_request(exchange))

    def record(self, event: Event) -> None:
        """Export the span of an operation that no request asked for."""
        spans, export = self._spans, self._export
        if spans is None or export is None or event.request_id:
            return
        trace_id = uuid4().hex
        if self._sampler.takes(trace_id, None):
            self._submit(export, spans.of_operation(event, trace_id))

    def _submit(self, export: "SpanExport", spans: "list[ReadableSpan]") -> None:
        self._metrics.increment(
            _TAKEN, amount=len(spans)
        )  # before, so that a killed process leaves none uncounted
        export.submit(spans)

    def _count_lost(self) -> None:
        """Count what waited in the last owner of this process's slot when it was killed."""
        settled = sum(self._metrics.counted(_SETTLED, outcome) for outcome in SPAN_OUTCOMES)
        lost = round(self._metrics.counted(_TAKEN) - settled)
        if lost > 0:
            self._count(DROPPED, lost)

    def _count(self, outcome: str, count: int) -> None:
        self._metrics.increment(_SETTLED, outcome, amount=count)
