"""Request headers that change what a request means: what nothing here would do is refused, never passed over."""

import re
from collections.abc import Collection, Iterable

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Request

from filewallball.errors import BadRequest, PreconditionFailed, UnsupportedMediaType

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""The methods that are held to this; of the others every header is read that means anything."""
_FROM_THE_START = re.compile(r"bytes 0-(-1|[0-9]{1,19})/([0-9]{1,19})", re.ASCII)
_OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
_PLAIN = {
    "Content-Encoding": ("", "identity"),
    "Content-Transfer-Encoding": ("", "7bit", "8bit", "binary"),
    "Transfer-Encoding": ("", "chunked", "identity"),
}
_WHOLE = {"Upload-Complete": "?1", "Upload-Incomplete": "?0", "Upload-Offset": "0"}
_SIGNED = "X-Amz-Content-Sha256"
_SIGNED_CHUNKS = "streaming-"  # how it announces signatures among the bytes
_CONDITIONS = ("If-Match", "If-Unmodified-Since", "If-None-Match")
_BYTERANGES = "multipart/byteranges"


class HeaderNames:
    """Names of headers that few requests have, looked for all at once."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._keys = frozenset("HTTP_" + name.upper().replace("-", "_") for name in self._names)
        self._lower = frozenset(name.lower() for name in self._names)

    def __or__(self, other: "HeaderNames") -> "HeaderNames":
        return HeaderNames((*self._names, *other._names))

    def among(self, headers: Headers) -> list[str]:
        """Those that are among the headers of a request, or of a part of a form."""
        environ = getattr(headers, "environ", None)
        if environ is not None:
            is_none = self._keys.isdisjoint(environ)
        else:
            is_none = self._lower.isdisjoint([name.lower() for name, _ in headers])
        if is_none:
            return []
        return [name for name in self._names if name in headers]


_ENCODINGS = HeaderNames((*_PLAIN, _SIGNED))
_FRAGMENTS = HeaderNames(("Content-Range", *_WHOLE))
_ABOUT_VERSIONS = HeaderNames((*_OVERRIDES, *_CONDITIONS))
ABOUT_CONTENT = _ENCODINGS | _FRAGMENTS
"""The headers that `refuse_encoded` and `refuse_fragment` look at, beside Content-Type."""
_UNHEEDED = ABOUT_CONTENT | _ABOUT_VERSIONS


def refuse_unheeded(request: Request, *, is_creation: bool, reads_if_match: bool = False) -> None:
    """Refuse a request of a changing method that asks for something else than the route would do.

    What is created has no version before, so `If-None-Match` holds there; any other condition cannot be met, unless the
    route itself reads `If-Match`.
    Raises BadRequest, UnsupportedMediaType, PreconditionFailed.
    """
    headers = request.headers
    if not _UNHEEDED.among(headers) and not is_byteranges(headers):  # nearly always
        return
    _refuse_conditions(
        request.method, headers, _CONDITIONS[:2] if is_creation else _CONDITIONS[reads_if_match:]
    )
    refuse_encoded(headers)
    refuse_fragment(headers, request.content_length)


def refuse_unheeded_in_part(method: str, headers: Headers) -> None:
    """The same for a request that brings a part of an upload, and says in another way where that belongs."""
    _refuse_conditions(method, headers, _CONDITIONS)
    refuse_encoded(headers)
    if "Content-Range" in headers:
        raise BadRequest("Content-Range: Upload-Offset says where the bytes belong.")


def refuse_encoded(headers: Headers) -> None:
    """Refuse content of which the bytes that are sent are only a form: it would be read, or kept, as it is.

    Raises UnsupportedMediaType, for the headers of a request and for those of a part of a form.
    """
    sent = _ENCODINGS.among(headers)
    for name in sent:
        if name in _PLAIN and any(coding not in _PLAIN[name] for coding in _members(headers, name)):
            raise UnsupportedMediaType(
                f"Send the bytes as they are, without {name}: they would be kept as they were sent.",
                headers={"Accept-Encoding": "identity"},
            )
    if _SIGNED in sent and headers[_SIGNED].lower().startswith(_SIGNED_CHUNKS):
        raise UnsupportedMediaType("Send the bytes alone, without signatures among them.")


def refuse_fragment(headers: Headers, length: int | None) -> None:
    """Refuse content that is only a part of a file. A range that is the whole of it, of this length, is none.

    Raises BadRequest.
    """
    sent = _FRAGMENTS.among(headers)
    if "Content-Range" in sent and not _is_whole(headers["Content-Range"], length):
        raise BadRequest("Content-Range: a file can only be sent whole, not in pieces.")
    if name := next((name for name in sent if headers[name] != _WHOLE.get(name, headers[name])), None):
        raise BadRequest(f"{name}: a file can only be sent whole, not in pieces.")
    if is_byteranges(headers):
        raise BadRequest(f"{_BYTERANGES}: a file can only be sent whole, not in pieces.")


def _refuse_conditions(method: str, headers: Headers, conditions: Collection[str]) -> None:
    sent = _ABOUT_VERSIONS.among(headers)
    if any(headers[name].upper() != method for name in sent if name in _OVERRIDES):
        raise BadRequest("The method is that of the request line; it cannot be overridden.")
    if name := next((name for name in sent if name in conditions), None):
        raise PreconditionFailed(f"{name} cannot hold: there is no version to compare with here.")


def is_byteranges(headers: Headers) -> bool:
    """True for content that names itself several pieces of a file."""
    return headers.get("Content-Type", "").lower().startswith(_BYTERANGES)


def _is_whole(value: str, length: int | None) -> bool:
    """True if a Content-Range says that all is here, as `curl -C - -T` does; of an empty file, `bytes 0--1/0`."""
    found = _FROM_THE_START.fullmatch(value)
    return found is not None and int(found[1]) + 1 == int(found[2]) == length


def _members(headers: Headers, name: str) -> list[str]:
    return [member.strip(" \t").lower() for member in ",".join(headers.getlist(name)).split(",")]
