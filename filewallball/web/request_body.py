"""Request bodies: small ones are refused beyond a limit before they are read; an upload has a limit of its own.

Commands read the limits too: what only a request needs is imported when there is one.
"""

from typing import IO

SMALL_BYTES = 1024 * 1024
"""The most that a JSON body or a form's fields may have."""


def body_of_any_length() -> IO[bytes]:
    """The body of the present request as it comes in, for whoever counts it."""
    from filewallball.web.exchange import current_request

    environ = current_request().environ
    if environ.get("wsgi.input_terminated"):  # the server ends it, as gunicorn does
        stream: IO[bytes] = environ["wsgi.input"]
        return stream
    from werkzeug.wsgi import get_input_stream

    return get_input_stream(environ)


class ArrivingBody:
    """A body that gives all that arrived before it fails, so that a refusal is on record with the bytes that came."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._failure: Exception | None = None

    def read(self, size: int) -> bytes:
        """The next bytes, none at the end. Raises what the server's stream raises."""
        if self._failure is not None:
            raise self._failure
        try:
            return self._stream.read(size)
        except TimeoutError:  # whoever asks again waits again
            raise
        except Exception as error:
            self._failure = error
            return self._rest(size, error)

    def _rest(self, size: int, error: Exception) -> bytes:
        """The bytes that the server had read when it failed, which it gives to whoever asks once more."""
        try:
            rest = self._stream.read(size)
        except Exception as again:
            raise error from again
        if not rest:
            raise error
        return rest
