"""Spans on their way to the collector: kept for a moment, sent in batches, and lost where nobody takes them.

Imported only where spans are exported, for the library takes its time and memory.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from threading import Lock, Thread

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from filewallball.observability.tracing.sending import Session, sender
from filewallball.observability.vocabulary import DROPPED, EXPORTED
from filewallball.settings.tracing import TracingSettings

logger = logging.getLogger("filewallball.traces")


class SpanExport(SpanExporter):
    """Sends spans from a thread of its own, so no request waits for a collector.

    `count` is told how many spans were exported or dropped. The log has one line when spans begin to be lost, and one
    when they are taken again. Made in each process after it was forked, for threads do not outlive a fork.
    """

    def __init__(self, settings: TracingSettings, count: Callable[[str, int], None]) -> None:
        _silence_library()
        self._count = count
        self._url = settings.spans_url
        self._most = settings.otel_bsp_max_queue_size
        self._lock = Lock()
        self._waiting = 0
        self._lost = 0
        self._problem = ""
        self._is_closed = False
        self._session = Session(settings)
        self._sender = sender(settings, self._session)
        self._batches = BatchSpanProcessor(
            self,
            max_queue_size=self._most,
            schedule_delay_millis=_milliseconds(settings.otel_bsp_schedule_delay),
            max_export_batch_size=settings.otel_bsp_max_export_batch_size,
        )

    def submit(self, spans: Sequence[ReadableSpan]) -> None:
        """Take spans of one trace, all of them or none."""
        with self._lock:
            has_room = not self._is_closed and self._waiting + len(spans) <= self._most
            if has_room:
                self._waiting += len(spans)
        if not has_room:
            self._lose(len(spans), "more spans than the collector takes")
            return
        for span in spans:
            self._batches.on_end(span)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch; called by the thread of the batches."""
        self._session.start_batch()
        try:
            result = self._sender.export(spans)
        except Exception:
            result = SpanExportResult.FAILURE
        is_taken = result is SpanExportResult.SUCCESS
        lost = min(self._session.rejected, len(spans)) if is_taken else len(spans)
        with self._lock:
            if self._is_closed and not self._waiting:
                return result  # given up, and counted as lost
            self._waiting -= len(spans)
        if lost < len(spans):
            self._count(EXPORTED, len(spans) - lost)
        if lost:
            self._lose(lost, self._session.failure or "the batch was not sent")
        else:
            self._recover()
        return result

    def stop(self, seconds: float) -> None:
        """Send what waits, for so long at most; what is left then is lost. Where spans are being lost nothing waits."""
        with self._lock:
            self._is_closed = True
            has_problem = bool(self._problem)
        closing = Thread(target=self._batches.shutdown, name="spans-closing", daemon=True)
        closing.start()
        closing.join(0 if has_problem else seconds)
        with self._lock:
            left, self._waiting = self._waiting, 0
        self._sender.shutdown()  # type: ignore[no-untyped-call]
        if left:
            self._lose(left, "the process ended before they were sent")

    def shutdown(self) -> None:
        """Nothing: `stop` ends what is left to end."""

    def _lose(self, count: int, reason: str) -> None:
        with self._lock:
            self._lost += count
            is_new, self._problem = not self._problem, self._problem or reason
        if is_new:
            logger.warning("Spans are lost", extra={"collector": self._url, "reason": reason})
        self._count(DROPPED, count)  # last: whoever sees it counted finds the reason in the log

    def _recover(self) -> None:
        """Batches are taken again. Where there were too many spans, that is over once half of the room is free."""
        with self._lock:
            if not self._problem or self._waiting > self._most // 2:
                return
            lost, self._lost, self._problem = self._lost, 0, ""
        logger.warning("Spans are exported again", extra={"collector": self._url, "lost": lost})


def _silence_library() -> None:
    """It logs each batch that fails, and each attempt; what there is to say is said here, once."""
    library = logging.getLogger("opentelemetry")
    library.propagate = False
    library.handlers = [logging.NullHandler()]


def _milliseconds(duration: timedelta) -> float:
    return duration.total_seconds() * 1000
