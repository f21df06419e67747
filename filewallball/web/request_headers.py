"""Request headers that change what a request means: what nothing here would do is refused, never passed over."""

import re

from werkzeug.datastructures import Headers

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
_SIGNED_CHUNKS = "streaming-"  # how `X-Amz-Content-Sha256` announces signatures among the bytes


def refuse_unheeded(method: str, headers: Headers, length: int | None, *, is_creation: bool) -> None:
    """Refuse a request of a changing method that asks for something else than the route would do.

    What is created has no version before, so `If-None-Match` holds there; any other condition cannot be met.
    Raises BadRequest, UnsupportedMediaType, PreconditionFailed.
    """
    if any(headers.get(name, method).upper() != method for name in _OVERRIDES):
        raise BadRequest("The method is that of the request line; it cannot be overridden.")
    conditions = ["If-Match", "If-Unmodified-Since", *([] if is_creation else ["If-None-Match"])]
    if name := next((name for name in conditions if name in headers), None):
        raise PreconditionFailed(f"{name} cannot hold: there is no version to compare with here.")
    refuse_encoded(headers)
    refuse_fragment(headers, length)


def refuse_encoded(headers: Headers) -> None:
    """Refuse content of which the bytes that are sent are only a form: it would be read, or kept, as it is.

    Raises UnsupportedMediaType, for the headers of a request and for those of a part of a form.
    """
    for name, allowed in _PLAIN.items():
        if name in headers and any(coding not in allowed for coding in _members(headers, name)):
            raise UnsupportedMediaType(
                f"Send the bytes as they are, without {name}: they would be kept as they were sent.",
                headers={"Accept-Encoding": "identity"},
            )
    if headers.get("X-Amz-Content-Sha256", "").lower().startswith(_SIGNED_CHUNKS):
        raise UnsupportedMediaType("Send the bytes alone, without signatures among them.")


def refuse_fragment(headers: Headers, length: int | None) -> None:
    """Refuse content that is only a part of a file. A range that is the whole of it, of this length, is none.

    Raises BadRequest.
    """
    if "Content-Range" in headers and not _is_whole(headers["Content-Range"], length):
        raise BadRequest("Content-Range: a file can only be sent whole, not in pieces.")
    if name := next((name for name, whole in _WHOLE.items() if headers.get(name, whole) != whole), None):
        raise BadRequest(f"{name}: a file can only be sent whole, not in pieces.")
    if headers.get("Content-Type", "").lower().startswith("multipart/byteranges"):
        raise BadRequest("multipart/byteranges: a file can only be sent whole, not in pieces.")


def _is_whole(value: str, length: int | None) -> bool:
    """Whether a Content-Range says that all is here, as `curl -C - -T` does; of an empty file, `bytes 0--1/0`."""
    found = _FROM_THE_START.fullmatch(value)
    return found is not None and int(found[1]) + 1 == int(found[2]) == length


def _members(headers: Headers, name: str) -> list[str]:
    return [member.strip(" \t").lower() for member in ",".join(headers.getlist(name)).split(",")]
