"""gunicorn's worker, which answers what it cannot even parse as the service answers everything else it refuses."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.http.errors import (
    ConfigurationProblem,
    ExpectationFailed,
    ForbiddenProxyRequest,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.workers.gthread import ThreadWorker

from filewallball.serving import master

_NOT_MALFORMED = (
    ConfigurationProblem,
    ForbiddenProxyRequest,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
)
_OTHER_CODING = "Transfer-Encoding may be chunked, and nothing else."


class Worker(ThreadWorker):
    """A worker that answers malformed requests with problem+json and heeds a signal however early it comes."""

    def init_signals(self) -> None:
        super().init_signals()
        master.release_signals()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        if not isinstance(exc, ParseException) or isinstance(exc, _NOT_MALFORMED):
            super().handle_error(req, client, addr, exc)
            return
        # Imported by the worker alone: whatever the master imported would outlive a reload.
        from filewallball import errors
        from filewallball.web.exchange import new_request_id
        from filewallball.web.headers import completion
        from filewallball.web.problems import CONTENT_TYPE, body_of

        kinds: dict[type[Exception], Callable[[], errors.ApiError]] = {
            LimitRequestLine: errors.AddressTooLong,
            LimitRequestHeaders: errors.HeadersTooLarge,
            ExpectationFailed: errors.ExpectationFailed,
            UnsupportedTransferCoding: partial(errors.UnsupportedMediaType, _OTHER_CODING),
        }
        cause, request_id = kinds.get(type(exc), errors.BadRequest)(), new_request_id()
        self.log.warning(
            "Invalid request from ip=%s, %s: %s", (addr or ("",))[0], request_id, type(exc).__name__
        )
        body = body_of(cause, request_id)
        headers = completion("")(
            [
                ("Connection", "close"),
                ("Content-Type", CONTENT_TYPE),
                ("Content-Length", str(len(body))),
                ("X-Request-ID", request_id),
            ]
        )
        head = f"HTTP/1.1 {cause.status} {cause.title}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers)
        with suppress(OSError):
            client.sendall(head.encode("latin-1") + b"\r\n" + body)
