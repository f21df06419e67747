"""Request bodies: small ones are refused beyond a limit before they are read; an upload has a limit of its own."""

from typing import IO

from flask import request
from werkzeug.wsgi import get_input_stream

SMALL_BYTES = 1024 * 1024
"""The most that a JSON body or a form's fields may have."""


def body_of_any_length() -> IO[bytes]:
    """The body of the present request as it comes in, for whoever counts it."""
    return get_input_stream(request.environ)
