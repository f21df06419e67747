"""Translate any exception into the catalogue's terms."""

import errno
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeGuard

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from filewallball.errors import (
    ApiError,
    AuthMissing,
    BadRequest,
    Forbidden,
    InternalError,
    MethodNotAllowed,
    NetworkError,
    NotAcceptable,
    NotFound,
    RangeNotSatisfiable,
    RequestTooLarge,
    StorageFull,
    Unavailable,
    UnsupportedMediaType,
    ValidationFailed,
)
from filewallball.errors.database_codes import described, is_full

if TYPE_CHECKING:
    from werkzeug.exceptions import HTTPException

_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: AuthMissing,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    406: NotAcceptable,
    413: RequestTooLarge,
    415: UnsupportedMediaType,
    416: RangeNotSatisfiable,
    422: ValidationFailed,
    503: Unavailable,
}


def translate(error: BaseException) -> ApiError:
    """The catalogue's view of any exception: what the answer, the audit row, the metric and the log all say."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, ConnectionError | TimeoutError) or _is_broken_body(error):
        return NetworkError()
    if _is_http(error):
        return _from_http(error)
    if isinstance(error, DBAPIError) and is_full(error):
        return StorageFull(described(error))
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        return Unavailable(described(error))
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull()
    return InternalError()


def _is_broken_body(error: BaseException) -> bool:
    """True if the server's own parser found the body cut short or its chunks malformed."""
    return isinstance(error, Exception) and type(error).__module__ == "gunicorn.http.errors"


def _is_http(error: BaseException) -> "TypeGuard[HTTPException]":
    """True if it is one of Werkzeug's, which is not imported where nobody answers requests: then it is none."""
    loaded = sys.modules.get("werkzeug.exceptions")
    return loaded is not None and isinstance(error, loaded.HTTPException)


def _from_http(error: "HTTPException") -> ApiError:
    if isinstance(error, sys.modules["werkzeug.exceptions"].ClientDisconnected):
        return NetworkError()
    kind = _BY_STATUS.get(error.code or 500, BadRequest if (error.code or 500) < 500 else InternalError)
    headers = {
        name: value
        for name, value in error.get_headers()
        if name.lower() not in ("content-type", "content-length")
    }
    data = getattr(error, "data", None) or {}
    messages = data.get("messages") or data.get("errors") or {}
    return kind(headers=headers, errors=messages if isinstance(messages, Mapping) else {})
