"""Digests that a client declares of what it sends, in any header that has been in use for it, and their check."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from http_sfv import Dictionary  # type: ignore[attr-defined]
from werkzeug.datastructures import Headers

from filewallball import errors
from filewallball.storage.stage import Stage
from filewallball.web.request_headers import HeaderNames

FIELDS = ("Content-Digest", "Repr-Digest", "Digest", "Content-MD5")
"""RFC 9530, and what came before it: RFC 3230 and RFC 1864."""
_FIELDS = HeaderNames(FIELDS)
_MAX_BYTES = 1024  # a dozen digests; the parser's work grows with the square
_ALGORITHMS: dict[str, Callable[[], Any]] = {
    "sha-256": hashlib.sha256,
    "sha-512": hashlib.sha512,
    "sha": partial(hashlib.sha1, usedforsecurity=False),
    "md5": partial(hashlib.md5, usedforsecurity=False),
}
_WRONG = {
    "Digest": "Must hold SHA-256=…, SHA-512=…, SHA=… or MD5=…, in base64.",
    "Content-MD5": "Must be base64 of 16 bytes.",
}
_WRONG_MEMBER = "Must hold sha-256=:…:, sha-512=:…:, sha=:…: or md5=:…:, in base64."


def refuse_misplaced(headers: Headers, told: str) -> None:
    """Refuse the digests among headers of which the content is not checked. Raises ValidationFailed."""
    if misplaced := _FIELDS.among(headers):
        raise errors.ValidationFailed(errors={name: [told] for name in misplaced})


def refuse_trailers(headers: Headers) -> None:
    """Refuse digests that are announced for the end of the body, where they are not read. Raises ValidationFailed."""
    if "Trailer" not in headers:
        return
    announced = [name.strip().lower() for name in headers["Trailer"].split(",")]
    if any(name.lower() in announced for name in FIELDS):
        raise errors.ValidationFailed(
            errors={"Trailer": ["Send the digest in a header; trailers are not read."]}
        )


def require_digests(stage: Stage, sha256: str, headers: Headers) -> None:
    """Compare the staged bytes with every digest that was declared, as the option `sha256` or in a header.

    Raises DigestMismatch; ValidationFailed for a header without a digest of a known algorithm.
    """
    known: dict[str, bytes] = {}
    for algorithm, expected in _declared(sha256, headers):
        if algorithm not in known:
            known[algorithm] = _digest(stage, algorithm)
        if not hmac.compare_digest(expected, known[algorithm]):
            raise errors.DigestMismatch(facts={"file_hash": stage.sha256})


def _digest(stage: Stage, algorithm: str) -> bytes:
    """The digest of all that is staged; but for SHA-256, which is known, the bytes are read once more."""
    if algorithm == "sha-256":
        return bytes.fromhex(stage.sha256)
    stage.seek(0)
    return hashlib.file_digest(stage, _ALGORITHMS[algorithm]).digest()


def _declared(sha256: str, headers: Headers) -> Iterator[tuple[str, bytes]]:
    if sha256:
        yield "sha-256", bytes.fromhex(sha256)
    for name in _FIELDS.among(headers):
        if value := ",".join(headers.getlist(name)):  # several lines are one list
            yield from _members(name, value)


def _members(name: str, value: str) -> list[tuple[str, bytes]]:
    """The digests of a header by algorithms that are known; members of other algorithms say nothing."""
    if len(value) > _MAX_BYTES:
        raise errors.ValidationFailed(errors={name: [f"Must have at most {_MAX_BYTES} characters."]})
    try:
        found = [pair for pair in _READERS.get(name, _structured)(value) if pair[0] in _ALGORITHMS]
        is_right = all(len(digest) == _ALGORITHMS[algorithm]().digest_size for algorithm, digest in found)
    except (ValueError, KeyError, AttributeError, TypeError, binascii.Error) as error:
        raise errors.ValidationFailed(errors={name: [_WRONG.get(name, _WRONG_MEMBER)]}) from error
    if not found or not is_right:
        raise errors.ValidationFailed(errors={name: [_WRONG.get(name, _WRONG_MEMBER)]})
    return found


def _structured(value: str) -> Iterator[tuple[str, bytes]]:
    digests = Dictionary()
    digests.parse(value.encode("latin-1"))
    for algorithm in digests:
        if algorithm in _ALGORITHMS:
            digest = digests[algorithm].value
            if not isinstance(digest, bytes):
                raise TypeError
            yield algorithm, digest


def _plain(value: str) -> Iterator[tuple[str, bytes]]:
    """RFC 3230: the names in any case; `id-` says that the content is not encoded, as here it never is."""
    for member in value.split(","):
        algorithm, _, digest = member.strip(" \t").partition("=")
        algorithm = algorithm.lower().removeprefix("id-")
        if algorithm in _ALGORITHMS:
            yield algorithm, base64.b64decode(digest, validate=True)


def _md5(value: str) -> Iterator[tuple[str, bytes]]:
    for digest in value.split(","):
        yield "md5", base64.b64decode(digest.strip(" \t"), validate=True)


_READERS: dict[str, Callable[[str], Iterator[tuple[str, bytes]]]] = {"Digest": _plain, "Content-MD5": _md5}
