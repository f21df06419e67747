"""The spans of one request or operation, in the words of OpenTelemetry's semantic conventions.

Imported only where spans are exported, for the library takes its time and memory.
"""

import os
import platform
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.sdk.version import __version__ as library_version
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState
from uuid_utils import uuid4

from filewallball.errors.translation import translate
from filewallball.installation import __version__
from filewallball.observability.request_log import shown_agent, shown_path
from filewallball.observability.vocabulary import METHODS
from filewallball.recording.event import FAILED, Event
from filewallball.recording.steps import Step
from filewallball.redaction import Redactor
from filewallball.settings.service import Settings
from filewallball.web.exchange import Exchange
from filewallball.web.trace_context import Trace

_SCOPE = InstrumentationScope("filewallball", __version__)
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_ERROR = Status(StatusCode.ERROR)
_SPAN_ID_BITS = (1 << 64) - 1
_FILE = "file:"

Attributes = dict[str, str | int | bool]


class Spans:
    """Makes spans of what has ended."""

    def __init__(self, settings: Settings) -> None:
        self._resource = Resource(resource_attributes(settings))
        self._redactor = Redactor(settings.secrets())
        self._scheme = urlsplit(settings.public_url).scheme  # clients reach nginx, not this service

    def of_request(self, exchange: Exchange) -> list[ReadableSpan]:
        """The span of a request, and one below it for each of its steps."""
        trace = exchange.trace
        state = TraceState.from_header([self._redactor.text(trace.state)])
        own = SpanContext(int(trace.trace_id, 16), int(trace.span_id, 16), False, _SAMPLED, state)
        at = _clock()
        method = exchange.environ["REQUEST_METHOD"]
        shown = method if method in METHODS else "HTTP"
        request = self._span(
            f"{shown} {exchange.rule}".rstrip(),
            own,
            _parent(trace, state),
            self._request_attributes(exchange),
            (at(exchange.started), at(exchange.ended)),
            kind=SpanKind.SERVER,
            has_failed=exchange.status >= 500,
        )
        return [request, *(self._step(step, own, at) for step in exchange.steps or ())]

    def of_operation(self, event: Event, trace_id: str) -> list[ReadableSpan]:
        """The span of an operation that no request asked for; it begins a trace."""
        began = event.timestamp_us * 1000
        return [
            self._span(
                event.action,
                SpanContext(int(trace_id, 16), _new_span_id(), False, _SAMPLED),
                None,
                {**_event_attributes(event), "filewallball.event_id": event.event_id},
                (began, began + event.duration_us * 1000),
                has_failed=event.status == FAILED,
            )
        ]

    def _step(self, step: Step, parent: SpanContext, at: Callable[[float], int]) -> ReadableSpan:
        own = SpanContext(parent.trace_id, _new_span_id(), False, _SAMPLED, parent.trace_state)
        attributes: Attributes = {"error.type": step.error} if step.error else {}
        times = at(step.began), at(step.ended)
        return self._span(step.name, own, parent, attributes, times, has_failed=bool(step.error))

    def _span(
        self,
        name: str,
        own: SpanContext,
        parent: SpanContext | None,
        attributes: Attributes,
        times: tuple[int, int],
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        has_failed: bool = False,
    ) -> ReadableSpan:
        options: dict[str, Any] = {"status": _ERROR} if has_failed else {}
        return ReadableSpan(
            name,
            own,
            parent,
            self._resource,
            attributes,
            kind=kind,
            start_time=times[0],
            end_time=times[1],
            instrumentation_scope=_SCOPE,
            **options,
        )

    def _request_attributes(self, exchange: Exchange) -> Attributes:
        environ, event, method = exchange.environ, exchange.event, exchange.environ["REQUEST_METHOD"]
        found: Attributes = {
            "http.request.method": method if method in METHODS else "_OTHER",
            "url.scheme": self._scheme or environ["wsgi.url_scheme"],
            "url.path": self._redactor.text(shown_path(environ)),
            "client.address": exchange.client_ip,
            "network.peer.address": exchange.origin.peer,
            "filewallball.request_id": exchange.request_id,
        }
        if exchange.status:
            found["http.response.status_code"] = exchange.status
        if exchange.rule:
            found["http.route"] = exchange.rule
        if agent := self._redactor.text(shown_agent(environ)):
            found["user_agent.original"] = agent
        if event is not None:
            found |= _event_attributes(event)
        elif exchange.failure is not None:
            found["error.type"] = translate(exchange.failure).code
        if exchange.status >= 500:
            found.setdefault("error.type", str(exchange.status))
        return found


def resource_attributes(settings: Settings) -> Attributes:
    """What all spans of this process say of the service; the settings have the last word."""
    found: Attributes = {
        "service.name": "filewallball",
        "service.version": __version__,
        "host.name": platform.node(),
        "process.pid": os.getpid(),
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": library_version,
        **dict(settings.otel_resource_attributes),
    }
    if settings.otel_service_name:
        found["service.name"] = settings.otel_service_name
    return found


def _event_attributes(event: Event) -> Attributes:
    found: Attributes = {"filewallball.operation": event.action}
    if event.resource_id:
        is_file = event.action.startswith(_FILE)
        found["filewallball.file_id" if is_file else "filewallball.resource_id"] = event.resource_id
    if event.file_type:
        found["filewallball.file_type"] = event.file_type
        found["filewallball.file_size"] = event.file_size
    if event.error_type:
        found["error.type"] = event.error_type
    return found


def _parent(trace: Trace, state: TraceState) -> SpanContext | None:
    if not trace.parent_id:
        return None
    return SpanContext(
        int(trace.trace_id, 16), int(trace.parent_id, 16), True, TraceFlags(trace.flags), state
    )


def _clock() -> Callable[[float], int]:
    """Turns readings of `perf_counter` into Unix time in nanoseconds, as both clocks stand now."""
    now, reading = time.time_ns(), time.perf_counter()
    return lambda moment: now - round((reading - moment) * 1e9)


def _new_span_id() -> int:
    return uuid4().int & _SPAN_ID_BITS
