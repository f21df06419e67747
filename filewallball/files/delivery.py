"""A stored file as a response."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from flask import Response, request
from werkzeug.wsgi import wrap_file

from filewallball.observability.exchange import current_exchange


@dataclass(frozen=True, slots=True)
class Content:
    """What is to be sent."""

    file_id: str
    filename: str
    media_type: str
    size: int
    sha256: str
    modified_us: int
    path: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was sent, in bytes."""

    kind: str
    bytes_sent: int
    bytes_expected: int
    by: str


def deliver(
    content: Content,
    open_file: Callable[[], BinaryIO],
    *,
    disposition: str,
    x_accel: bool,
    finished: Callable[[Delivery], None],
) -> Response:
    """The whole file."""
    file = open_file()
    current_exchange().on_close(lambda: finished(Delivery("full", file.tell(), content.size, "app")))
    headers = {"Content-Length": str(content.size), "Content-Disposition": disposition}
    return Response(wrap_file(request.environ, file), headers=headers, direct_passthrough=True)
