"""One line for every request, and one more for every failure that somebody should look at."""

import logging
import time
import traceback
from collections.abc import Mapping
from typing import Any

from filewallball.errors import ApiError, InternalError
from filewallball.errors.fields import recorded_faults
from filewallball.errors.translation import translate
from filewallball.observability.log_lines import Fields, timestamp
from filewallball.observability.logs import Logs
from filewallball.recording.event import FAILED
from filewallball.text import truncate
from filewallball.web.details import detail_of
from filewallball.web.exchange import Exchange

PROBES = frozenset(("/health/live", "/health/ready", "/metrics"))
_MAX_PATH, _MAX_AGENT, _MAX_MESSAGE, _MAX_TRACE, _MAX_STATE = 400, 256, 500, 16_000, 512
_LEVELS = {logging.DEBUG: "DEBUG", logging.INFO: "INFO"}
_requests = logging.getLogger("filewallball.request")
_errors = logging.getLogger("filewallball.error")


class RequestLog:
    """Writes at the end of each exchange, past the logging machinery: this is the hot path."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    def finished(self, exchange: Exchange) -> None:
        level = logging.DEBUG if exchange.rule in PROBES and exchange.status < 400 else logging.INFO
        if _requests.isEnabledFor(level):
            self._logs.write(request_record(exchange, level))
        failure = exchange.failure
        if failure is not None and _is_worth_a_record(exchange) and _errors.isEnabledFor(logging.ERROR):
            self._logs.write(error_record(exchange, failure))


def request_record(exchange: Exchange, level: int) -> Fields:
    """The record that every request leaves; the path goes without its query, which may hold a credential."""
    environ, event = exchange.environ, exchange.event
    record: Fields = {
        "timestamp": timestamp(time.time()),
        "level": _LEVELS[level],
        "logger": "filewallball.request",
        "message": "HTTP request processed",
        "request_id": exchange.request_id,
        "method": environ["REQUEST_METHOD"],
        "path": shown_path(environ),
        "status_code": exchange.status,
        "response_time": round((exchange.ended - exchange.started) * 1000, 3),
        "client_ip": exchange.client_ip,
        "user_agent": shown_agent(environ),
        "file_size": event.file_size if event and event.file_type else None,
        "file_type": event.file_type or None if event else None,
        "trace_id": exchange.trace_id,
    }
    trace = exchange.trace
    if trace.parent_id:
        record["parent_id"] = trace.parent_id
    if trace.state:
        record["tracestate"] = trace.state[:_MAX_STATE]
    if event and event.error_type:
        record["error_type"] = event.error_type
    if not exchange.completed:
        record["bytes_sent"] = exchange.bytes_sent
        record["completed"] = False
    return record


def error_record(exchange: Exchange, failure: BaseException) -> Fields:
    """The record that a failure leaves: where it was raised, and the whole traceback if it was unforeseen."""
    event = exchange.event
    cause = translate(failure)
    facts = dict(cause.facts)
    if faults := recorded_faults(cause):
        facts["errors"] = faults
    return {
        "timestamp": timestamp(time.time()),
        "level": "ERROR",
        "logger": "filewallball.error",
        "message": f"{event.action.replace(':', ' ').capitalize()} failed" if event else "Request failed",
        "request_id": exchange.request_id,
        "error_type": cause.code,
        "error_message": _message(cause),
        "client_ip": exchange.client_ip,
        "file_size": facts.pop("file_size", None) or (event and event.file_size) or None,
        "max_size": facts.pop("max_size", None),
        "stack_trace": _trace(failure) if cause.code == InternalError.code else _place(failure),
        **facts,
        "trace_id": exchange.trace_id,
    }


def shown_path(environ: Mapping[str, Any]) -> str:
    """The path of a WSGI request as records show it."""
    return _text(environ.get("PATH_INFO", ""), _MAX_PATH)


def shown_agent(environ: Mapping[str, Any]) -> str:
    """The User-Agent of a WSGI request as records show it."""
    return _text(environ.get("HTTP_USER_AGENT", ""), _MAX_AGENT)


def _is_worth_a_record(exchange: Exchange) -> bool:
    """True if the request failed; refusals of access and strange paths are in the request's own line."""
    return exchange.status >= 500 or (exchange.event is not None and exchange.event.status == FAILED)


def _message(cause: ApiError) -> str:
    origin = cause.__cause__
    if origin is not None and cause.side == "server":
        reason = f"{type(origin).__name__}: {origin}".partition("\n")[0]
        return f"{cause.detail or cause.title} ({reason})"[:_MAX_MESSAGE]
    return (detail_of(cause) if cause.errors else cause.detail or cause.title)[:_MAX_MESSAGE]


def _trace(failure: BaseException) -> str:
    return "".join(traceback.format_exception(failure))[-_MAX_TRACE:]


def _place(failure: BaseException) -> str:
    frames = traceback.extract_tb((failure.__cause__ or failure).__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""


def _text(value: str, most: int) -> str:
    """Decode a WSGI string: bytes, taken for UTF-8. Escapes are long, so text that needs them is cut short."""
    if value.isascii() and value.isprintable():
        return value[:most]
    text = value[:most].encode("latin-1", "replace").decode("utf-8", "replace")
    return truncate(text, most if text.isprintable() else most // 4)
