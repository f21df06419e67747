"""The only error renderer: every exception leaves as RFC 9457 problem+json with the catalogue's code."""

import socket
import time
from collections.abc import Callable
from typing import Any

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from filewallball import errors
from filewallball.errors.fields import by_field
from filewallball.errors.translation import translate
from filewallball.redaction import hide_tokens
from filewallball.text import sanitize_json
from filewallball.web.details import detail_of
from filewallball.web.exchange import current_exchange
from filewallball.web.request_body import body_of_any_length

CONTENT_TYPE = "application/problem+json"
DRAIN_BYTES = 64 * 1024 * 1024
DRAIN_SECONDS = 5.0
_CHUNK = 256 * 1024
_PUT_WITHOUT_NAME = "PUT to /upload/{filename}. With `curl -T FILE`, end the address with a slash: /upload/"


PageOf = Callable[[errors.ApiError, str], Response | None]
"""Makes a page of an error under a request id, for browsers of people; None where the problem itself is to be sent."""


def init_app(app: Flask, page_of: PageOf = lambda cause, request_id: None) -> None:
    """Render every error of the app."""
    app.register_error_handler(Exception, lambda error: render(error, page_of))


def render(error: Exception, page_of: PageOf = lambda cause, request_id: None) -> Response:
    """The answer for any exception; a refused body is mostly read away first, so that the client sees the answer."""
    if isinstance(error, HTTPException) and error.code is not None and error.code < 400:
        return error.get_response()  # type: ignore[return-value]
    cause = translate(error)
    if cause is not error:
        cause.__cause__ = error
    if isinstance(cause, errors.MethodNotAllowed) and (request.method, request.path) == ("PUT", "/upload"):
        cause.detail = _PUT_WITHOUT_NAME
    current_exchange().failure = cause
    if cause.reads_body:
        _drain()
    return _complete(page_of(cause, current_exchange().request_id) or _bare(cause), cause)


def problem(cause: errors.ApiError) -> Response:
    """The answer for an error of the catalogue."""
    return _complete(_bare(cause), cause)


def _bare(cause: errors.ApiError) -> Response:
    return Response(body_of(cause, current_exchange().request_id), cause.status, content_type=CONTENT_TYPE)


def _complete(response: Response, cause: errors.ApiError) -> Response:
    for name, value in cause.headers.items():
        response.headers[name] = value
    response.headers["Cache-Control"] = "no-store"
    return response


def body_of(cause: errors.ApiError, request_id: str) -> bytes:
    """type, title, status, detail, code, request_id, members of the type's own, errors by field if there are any."""
    body: dict[str, Any] = {
        "type": cause.problem_type or f"/docs/errors#{cause.code}",
        "title": cause.title,
        "status": cause.status,
        "detail": detail_of(cause),
        "code": cause.code,
        "request_id": request_id,
        **cause.members,
    }
    if cause.errors:
        body["errors"] = sanitize_json(by_field(cause.errors))
    return hide_tokens(orjson.dumps(body, default=str, option=orjson.OPT_APPEND_NEWLINE).decode()).encode()


def _drain() -> None:
    """Read and discard what remains of the body, at most 64 MiB or 5 s; then the connection just closes.

    A fault in the body changes nothing: the request is refused already. A client that waits for `100 Continue`
    has not sent its body, and is not asked for it.
    """
    environ = request.environ
    if request.content_length in (None, 0) and "HTTP_TRANSFER_ENCODING" not in environ:
        return
    if getattr(environ["wsgi.input"], "waits_for_continue", False):
        return
    connection: socket.socket | None = environ.get("gunicorn.socket")
    stream = body_of_any_length()
    deadline, remaining = time.monotonic() + DRAIN_SECONDS, DRAIN_BYTES
    before = connection.gettimeout() if connection is not None else None
    try:
        while remaining > 0 and (seconds := deadline - time.monotonic()) > 0:
            if connection is not None:
                connection.settimeout(seconds)
            data = stream.read(min(_CHUNK, remaining))
            if not data:
                return
            remaining -= len(data)
    except Exception:  # whatever the server's parser raises
        return
    finally:
        if connection is not None:
            connection.settimeout(before)
