"""Answers of routes that are asked most: finished where they are made, so that no library looks them through again."""

from collections.abc import Callable, Iterable
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import orjson
from flask import Response
from marshmallow import Schema, fields
from werkzeug.datastructures import Headers
from werkzeug.http import HTTP_STATUS_CODES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_PLAIN = (fields.String, fields.Integer, fields.Boolean, fields.List)


class FinishedResponse(Response):
    """A response with a finished list of headers, which werkzeug would copy and check header by header, twice.

    What a hook adds to `headers` goes out as well.
    """

    default_mimetype = None

    def __init__(self, status: int, finished: list[tuple[str, str]], body: Iterable[bytes] = ()) -> None:
        # Not super().__init__, which works out from its many options what is known here.
        self.headers = Headers()
        self._status, self._status_code = _status(status)
        self.direct_passthrough, self._on_close = False, []
        self.response = self._body = body
        self._finished = finished

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        start_response(self._status, [*self._finished, *self.headers])
        return self._body


class Dumper:
    """Writes objects as JSON as a schema dumps them, if their plain attributes have the types of its fields already.

    `schema.dump` asks each field anew what it is called and what it does: that takes ten times as long.
    """

    def __init__(self, schema: Schema) -> None:
        self._read = attrgetter(*(field.attribute or name for name, field in schema.dump_fields.items()))
        self._fields = [
            (field.data_key or name, _serializer(field)) for name, field in schema.dump_fields.items()
        ]

    def dumps(self, source: object) -> bytes:
        """The JSON text of an object."""
        pairs = zip(self._fields, self._read(source), strict=True)
        return orjson.dumps({name: make(value) if make else value for (name, make), value in pairs})


def json_response(status: int, body: bytes, headers: Iterable[tuple[str, str]] = ()) -> FinishedResponse:
    """An answer of JSON text, which ends its line as Flask's do: terminals show what follows on a line of its own."""
    about = [("Content-Type", "application/json"), ("Content-Length", str(len(body) + 1)), *headers]
    return FinishedResponse(status, about, (body + b"\n",))


@cache
def _status(code: int) -> tuple[str, int]:
    """The status line, as werkzeug has it, and the code."""
    return f"{code} {HTTP_STATUS_CODES[code].upper()}", code


def _serializer(field: Any) -> Callable[[Any], Any] | None:
    return None if type(field) in _PLAIN else lambda value: field._serialize(value, None, None)
