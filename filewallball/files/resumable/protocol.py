"""The headers of tus 1.0.0: what requests say in them, and what answers tell."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers

from filewallball.errors import TUS_VERSION, BadRequest, TusVersionUnknown, UnsupportedMediaType

EXTENSIONS = (
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "expiration",
    "checksum",
    "termination",
    "concatenation",
)
BODY_TYPE = "application/offset+octet-stream"
METHODS = "POST, GET, HEAD, PATCH, DELETE, OPTIONS"
_CHECKSUMS: Mapping[str, Callable[[], Any]] = {
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
}
_NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)
_UPLOAD_PATH = re.compile(r"(?:.*/)?uploads/([0-9a-f]{32})", re.ASCII)
_MOST = 2**63 - 1
_MOST_PARTS = 100


@dataclass(frozen=True, slots=True)
class Checksum:
    """The digest that a request declares of its body."""

    algorithm: str
    expected: bytes

    def new(self) -> Any:
        """A hash of this algorithm that has seen nothing yet."""
        return _CHECKSUMS[self.algorithm]()


@dataclass(frozen=True, slots=True)
class Concat:
    """`Upload-Concat`: a part of an upload to come, or an upload that is made of `parts`."""

    raw: str
    parts: tuple[str, ...] = ()

    @property
    def is_final(self) -> bool:
        return bool(self.parts)


def require_version(headers: Headers) -> None:
    """Raise TusVersionUnknown unless the request speaks the version that is spoken here."""
    if headers.get("Tus-Resumable") != TUS_VERSION:
        raise TusVersionUnknown


def require_body_type(headers: Headers) -> None:
    """Raise UnsupportedMediaType for a body of another type than that of a part of a file."""
    if headers.get("Content-Type", "").partition(";")[0].strip().lower() != BODY_TYPE:
        raise UnsupportedMediaType(f"Send the bytes as {BODY_TYPE}.")


def offset_of(headers: Headers) -> int:
    """`Upload-Offset`. Raises BadRequest."""
    offset = _number(headers, "Upload-Offset")
    if offset is None:
        raise BadRequest("Upload-Offset is missing.")
    return offset


def length_of(headers: Headers) -> int | None:
    """`Upload-Length`; None without. Raises BadRequest."""
    return _number(headers, "Upload-Length")


def announced_length(headers: Headers) -> int | None:
    """The length of a new upload; None where the client puts off telling it. Raises BadRequest."""
    length, deferred = length_of(headers), headers.get("Upload-Defer-Length")
    if deferred not in (None, "1"):
        raise BadRequest("Upload-Defer-Length can only be 1.")
    if (length is None) == (deferred is None):
        raise BadRequest("Send either Upload-Length or Upload-Defer-Length: 1.")
    return length


def checksum_of(headers: Headers) -> Checksum | None:
    """`Upload-Checksum`; None without. Raises BadRequest for what cannot be checked."""
    if "Upload-Checksum" not in headers:
        return None
    algorithm, _, text = headers["Upload-Checksum"].partition(" ")
    if algorithm not in _CHECKSUMS:
        raise BadRequest(f"Upload-Checksum: the algorithms are {checksum_algorithms()}.")
    try:
        expected = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("Upload-Checksum: the digest is no base64.") from error
    if len(expected) != _CHECKSUMS[algorithm]().digest_size:
        raise BadRequest("Upload-Checksum: the digest has another length.")
    return Checksum(algorithm, expected)


def concat_of(headers: Headers) -> Concat | None:
    """`Upload-Concat`; None without. Raises BadRequest."""
    if "Upload-Concat" not in headers:
        return None
    raw = headers["Upload-Concat"]
    kind, semicolon, urls = raw.partition(";")
    if kind.strip() == "partial" and not semicolon:
        return Concat(raw)
    parts = tuple(_part(url) for url in urls.split())
    if kind.strip() != "final" or not parts or len(parts) > _MOST_PARTS:
        raise BadRequest(f"Upload-Concat is `partial`, or `final;` and up to {_MOST_PARTS} URLs of uploads.")
    return Concat(raw, parts)


def description(max_bytes: int) -> dict[str, str]:
    """The headers by which OPTIONS tells what is spoken here."""
    return {
        "Tus-Version": TUS_VERSION,
        "Tus-Extension": ",".join(EXTENSIONS),
        "Tus-Max-Size": str(max_bytes),
        "Tus-Checksum-Algorithm": checksum_algorithms(),
    }


def checksum_algorithms() -> str:
    return ",".join(_CHECKSUMS)


def _part(url: str) -> str:
    try:
        found = _UPLOAD_PATH.fullmatch(urlsplit(url).path)
    except ValueError:
        found = None
    if found is None:
        raise BadRequest("Upload-Concat names what is no upload of this service.")
    return found[1]


def _number(headers: Headers, name: str) -> int | None:
    if name not in headers:
        return None
    text = headers[name]
    if not _NUMBER.fullmatch(text) or int(text) > _MOST:
        raise BadRequest(f"{name} must be a whole number that is not negative.")
    return int(text)
