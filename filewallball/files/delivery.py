"""A stored file as an answer: whole, in part, or not at all because the client has it; and word of how it ended."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO, Literal

from flask import Response, request
from werkzeug.http import http_date
from werkzeug.wsgi import wrap_file

from filewallball.errors import ApiError, StorageFailed
from filewallball.files.conditions import (
    Version,
    is_plain_range,
    is_unmodified,
    requested_range,
    require_version,
)
from filewallball.files.inspection.labels import mislabelling
from filewallball.files.naming import content_disposition
from filewallball.files.text_charset import charset_of
from filewallball.registry import part
from filewallball.settings.service import Settings
from filewallball.web.exchange import current_exchange
from filewallball.web.finished import FinishedResponse

Kind = Literal["full", "partial", "check"]

INLINE_TYPES = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "image/avif",
        "image/bmp",
        "text/plain",
        "application/pdf",
    }
)
X_ACCEL_PREFIX = "/_blobs/"
X_ACCEL_SHARED_PREFIX = "/_shared_blobs/"
"""The addresses below which nginx finds the bytes. Below the second it logs no errors, for they would name the address
that was asked for."""
_BLOCK_BYTES = 128 * 1024  # only where the server has no sendfile
# The browser's own image and text views carry inline styles; `sandbox` gives the answer an origin of its own.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)
# A file may be deleted, expire or become private, so a browser asks again each time; others keep nothing.
_ALWAYS = (
    ("Cache-Control", "private, no-cache"),
    ("Content-Security-Policy", _POLICY),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)


@dataclass(frozen=True, slots=True)
class Content:
    """A file to be sent; `path` is the blob's in the store. A mislabelled one is always an attachment.

    `claimed_type` is None where nobody claimed anything.
    """

    file_id: str
    filename: str
    media_type: str
    size: int
    sha256: str
    modified_us: int
    path: str
    claimed_type: str | None = None

    @property
    def is_mislabelled(self) -> bool:
        """True if name or claimed type say something else than the content."""
        claimed = self.claimed_type
        return claimed is not None and bool(mislabelling(self.filename, claimed, self.media_type))


@dataclass(frozen=True, slots=True)
class Delivery:
    """The outcome of sending a file. A `check` is an answer without the file: HEAD, 304, 412 and 416."""

    kind: Kind
    bytes_sent: int
    bytes_expected: int
    by: Literal["app", "nginx"]


def nginx_sends() -> bool:
    """True if the answer to the present request goes to nginx: whoever asks past it would get an empty body."""
    return part(Settings).x_accel and current_exchange().origin.came_by_proxy


def deliver(
    content: Content,
    open_file: Callable[[], BinaryIO],
    *,
    disposition: str,
    x_accel: bool,
    finished: Callable[[Delivery], None],
    admit: Callable[[bool], None] = lambda is_part: None,
    x_accel_prefix: str = X_ACCEL_PREFIX,
) -> Response:
    """Answer the current GET or HEAD with `content`.

    `admit` is called before a byte of the file leaves, whoever sends it, and told whether only a part will; what it
    raises refuses the request. `finished` is called once: when the last byte has left or the client has, or at once if
    the application sends no part of the file. Raises PreconditionFailed and RangeNotSatisfiable, `finished` having been
    called, and whatever `open_file` and `admit` raise or StorageFailed for a file of the wrong length, then without
    calling it.
    """
    environ = current_exchange().environ
    version = Version(content.sha256, content.modified_us // 1_000_000, content.size)
    try:
        require_version(environ, version)
        span = None
        unmodified = is_unmodified(environ, version)
        if not unmodified and environ["REQUEST_METHOD"] == "GET":
            span = requested_range(environ, version)
    except ApiError:
        finished(Delivery("check", 0, 0, "app"))
        raise
    headers = [*_ALWAYS, ("ETag", f'"{content.sha256}"'), ("Last-Modified", _http_date(version.modified))]
    if unmodified:
        finished(Delivery("check", 0, 0, "app"))
        return Response(status=304, headers=headers)
    headers += _about(content, open_file, disposition)
    if environ["REQUEST_METHOD"] == "HEAD":
        finished(Delivery("check", 0, 0, "app"))
        return Response(headers=[*headers, ("Accept-Ranges", "bytes"), ("Content-Length", str(content.size))])
    if x_accel and _nginx_agrees(environ, version, span):
        admit(span is not None)
        headers.append(("X-Accel-Redirect", x_accel_prefix + content.path))
        return _hand_over(content, span, headers, finished)
    file = open_file()
    try:
        _check_length(file, content)
        admit(span is not None)
    except BaseException:
        file.close()
        raise
    return _send(content, span, headers, file, finished)


def _about(content: Content, open_file: Callable[[], BinaryIO], disposition: str) -> list[tuple[str, str]]:
    media_type = content.media_type
    inline = disposition == "inline" and media_type in INLINE_TYPES and not content.is_mislabelled
    charset = _charset(open_file, media_type) if media_type.startswith("text/") else ""
    return [
        ("Content-Type", f"{media_type}; charset={charset}" if charset else media_type),
        ("Content-Disposition", _disposition(content.filename, inline)),
    ]


def _charset(open_file: Callable[[], BinaryIO], media_type: str) -> str:
    try:
        with open_file() as file:
            return charset_of(file, media_type)
    except (OSError, StorageFailed):
        return ""  # whoever sends the bytes finds out


def _nginx_agrees(environ: Mapping[str, Any], version: Version, span: tuple[int, int] | None) -> bool:
    """True if nginx, seeing the same request, decides as we did. It knows no entity tag yet when it looks at
    If-Match, and reads ranges otherwise: it refuses those that we pass over and those of more digits than it counts
    with."""
    if "HTTP_IF_MATCH" in environ or "HTTP_IF_UNMODIFIED_SINCE" in environ:
        return False
    return "HTTP_RANGE" not in environ or (span is not None and is_plain_range(environ, version))


def _hand_over(
    content: Content,
    span: tuple[int, int] | None,
    headers: list[tuple[str, str]],
    finished: Callable[[Delivery], None],
) -> Response:
    """Leave the bytes, and cutting the range out of them, to nginx (which adds Accept-Ranges); from here on
    nothing is seen of them."""
    start, stop = span or (0, content.size)
    finished(Delivery("partial" if span else "full", stop - start, stop - start, "nginx"))
    return FinishedResponse(200, [*headers, ("Content-Length", "0")])


def _send(
    content: Content,
    span: tuple[int, int] | None,
    headers: list[tuple[str, str]],
    file: BinaryIO,
    finished: Callable[[Delivery], None],
) -> Response:
    body: Any = file
    status, start, stop = 200, 0, content.size
    if span:
        status, (start, stop) = 206, span
        headers.append(("Content-Range", f"bytes {start}-{stop - 1}/{content.size}"))
        body = _Part(file, start, stop)
    headers += [("Accept-Ranges", "bytes"), ("Content-Length", str(stop - start))]
    _report_at_the_end(file, status, stop - start, finished)
    wrapped = wrap_file(request.environ, body, _BLOCK_BYTES)
    return FinishedResponse(status, headers, wrapped)


def _check_length(file: BinaryIO, content: Content) -> None:
    if os.fstat(file.fileno()).st_size != content.size:
        raise StorageFailed("The stored bytes are not those that were kept.")


def _report_at_the_end(
    file: BinaryIO, status: int, expected: int, finished: Callable[[Delivery], None]
) -> None:
    exchange = current_exchange()

    def ended() -> None:
        file.close()  # the answer may have been replaced by another one that does not know the file
        sent = min(exchange.bytes_sent, expected) if exchange.status == status else 0
        finished(Delivery("full" if status == 200 else "partial", sent, expected, "app"))

    exchange.on_close(ended)


class _Part:
    """An open file from one byte to another, for servers that read; sendfile starts at the file's position and
    stops at Content-Length by itself."""

    def __init__(self, file: BinaryIO, start: int, stop: int) -> None:
        self._file = file
        self._left = stop - start
        file.seek(start)

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


_disposition = lru_cache(maxsize=1024)(content_disposition)


@lru_cache(maxsize=1024)
def _http_date(seconds: int) -> str:
    return http_date(seconds)
