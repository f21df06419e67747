"""Sending a file, or a picture of it, as the answer to the present request, whose operation ends with the last byte."""

from collections.abc import Callable

from flask import Response

from filewallball.access.admission import current_operation
from filewallball.files.delivery import X_ACCEL_PREFIX, Content, deliver, nginx_sends
from filewallball.files.fetch import Downloads
from filewallball.files.thumbnails import Thumbnails
from filewallball.registry import part

Admit = Callable[[bool], None]
"""Called before a byte leaves, with True if only a part will; what it raises refuses the request."""


def admit_all(is_part: bool) -> None:
    """Refuse nothing."""


def send_file(
    content: Content, disposition: str, *, admit: Admit = admit_all, x_accel_prefix: str = X_ACCEL_PREFIX
) -> Response:
    """Send a file, as an attachment or inline where that is safe."""
    op, downloads = current_operation(), part(Downloads)
    op.detach()
    return deliver(
        content,
        lambda: downloads.open(content),
        disposition=disposition,
        x_accel=nginx_sends(),
        x_accel_prefix=x_accel_prefix,
        admit=admit,
        finished=lambda delivery: downloads.delivered(op, delivery),
    )


def send_thumbnail(content: Content, size: int, *, admit: Admit = admit_all) -> Response:
    """Send a small picture of an image."""
    op, downloads = current_operation(), part(Downloads)
    thumbnail = part(Thumbnails).of(content, size)
    op.note(details={"cached": thumbnail.was_cached, "size": size})
    op.detach()
    return deliver(
        thumbnail.content,
        thumbnail.open,
        disposition="inline",
        x_accel=False,
        admit=admit,
        finished=lambda delivery: downloads.delivered(op, delivery),
    )
