"""The answer to a request that gunicorn cannot even parse: like all others that the service refuses."""

from collections.abc import Callable
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
    UnsupportedTransferCoding,
)

NOT_MALFORMED = (
    ConfigurationProblem,
    ForbiddenProxyRequest,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
)
_OTHER_CODING = "Transfer-Encoding may be chunked, and nothing else."


def refusal_of(cause: Exception, client_ip: str, log: Any, app: Any) -> bytes:
    """The whole answer of the application, after a line in the log."""
    # Imported by the worker alone: whatever the master imported would outlive a reload.
    from filewallball import errors
    from filewallball.registry import part
    from filewallball.settings.service import Settings
    from filewallball.web.cors import headers_for
    from filewallball.web.exchange import new_request_id
    from filewallball.web.headers import completion
    from filewallball.web.problems import CONTENT_TYPE, body_of

    kinds: dict[type[Exception], Callable[[], errors.ApiError]] = {
        LimitRequestLine: errors.AddressTooLong,
        LimitRequestHeaders: errors.HeadersTooLarge,
        ExpectationFailed: errors.ExpectationFailed,
        UnsupportedTransferCoding: partial(errors.UnsupportedMediaType, _OTHER_CODING),
    }
    refusal, request_id = kinds.get(type(cause), errors.BadRequest)(), new_request_id()
    log.warning("Invalid request from ip=%s, %s: %s", client_ip, request_id, type(cause).__name__)
    body = body_of(refusal, request_id)
    headers = completion("")(
        [
            ("Connection", "close"),
            ("Content-Type", CONTENT_TYPE),
            ("Content-Length", str(len(body))),
            ("X-Request-ID", request_id),
            *headers_for(part(Settings, app).cors_origins, ""),
        ]
    )
    head = f"HTTP/1.1 {refusal.status} {refusal.title}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers)
    return head.encode("latin-1") + b"\r\n" + body
