"""A request's body on its way into a stage: multipart or raw, streamed once, with what the client says of it."""

import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, Self, cast

from http_sfv import Dictionary  # type: ignore[attr-defined]
from marshmallow import ValidationError
from werkzeug.datastructures import FileStorage, Headers, MultiDict
from werkzeug.formparser import MultiPartParser

from filewallball import errors
from filewallball.files.models import UNLISTED
from filewallball.files.naming import display_name
from filewallball.files.schemas import UploadOptionsSchema
from filewallball.storage.local import LocalStore
from filewallball.storage.stage import Stage

_READ_BYTES = 1024 * 1024  # as much as gunicorn reads at once; less makes it copy what is left over again
_FORM_BYTES = 2 * _READ_BYTES  # the parser holds a whole read in memory besides the fields
_FORM_PARTS = 20
_ENVELOPE_BYTES = _FORM_BYTES + _FORM_PARTS * 1024
_OPTIONS = UploadOptionsSchema()
_OPTION_HEADERS = [
    f"{prefix}{name}"
    for prefix in ("", "X-")
    for name in ("Visibility", "Expires-In", "Description", "Sha256")
]
_DIGEST_FIELDS = ("Content-Digest", "Repr-Digest")
Note = Callable[..., None]
"""Told what becomes known of the body (`Operation.note`), so that a refusal is on record with name and bytes."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A whole body, staged and checked against its declared digest, not yet published."""

    stage: Stage
    filename: str
    claimed_type: str
    visibility: str
    expires_in: int | None
    description: str


@contextmanager
def receive_form(
    store: LocalStore,
    stream: IO[bytes],
    headers: Headers,
    boundary: str,
    options: Mapping[str, Any],
    length: int | None,
    max_bytes: int,
    note: Note,
) -> Iterator[Incoming]:
    """The one file part named `file` and the options beside it or, loaded already, in the query. The stage is closed
    on leaving.

    Raises ValidationFailed, BadRequest, FileTooLarge, StorageFull, DigestMismatch, NetworkError.
    """
    _refuse_option_headers(headers)
    if any(name in headers for name in _DIGEST_FIELDS):
        raise errors.ValidationFailed(
            "The digest of a multipart request belongs into its file part, or into `sha256`."
        )
    if length is not None and length > max_bytes + _ENVELOPE_BYTES:
        raise _too_large(length, max_bytes)
    with _OneStage(store, max_bytes, max(0, (length or 0) - _ENVELOPE_BYTES), note) as stage:
        try:
            form, files = _parse(stream, stage, boundary, length)
        finally:
            note(file_size=stage.received)
        repeated = [name for name in form if len(form.getlist(name)) > 1]
        if repeated:
            raise errors.ValidationFailed(errors={name: ["Send this once."] for name in repeated})
        part = files.get("file")
        if part is None:
            raise errors.ValidationFailed(errors={"file": ["A file part named `file` is required."]})
        wanted = _together(options, form.to_dict())
        yield _checked(stage.opened(), part.filename or "", part.content_type or "", wanted, part.headers)


@contextmanager
def receive_body(
    store: LocalStore,
    stream: IO[bytes],
    headers: Headers,
    filename: str,
    options: Mapping[str, Any],
    length: int | None,
    max_bytes: int,
    note: Note,
) -> Iterator[Incoming]:
    """The whole body is the file (`PUT /upload/{filename}`). Raises as `receive_form` does."""
    _refuse_option_headers(headers)
    note(details={"filename": display_name(filename)})
    if length is not None and length > max_bytes:
        raise _too_large(length, max_bytes)
    with store.stage(max_bytes=max_bytes, declared_bytes=length or 0) as stage:
        try:
            while data := stream.read(_READ_BYTES):
                stage.write(data)
        finally:
            note(file_size=stage.received)
        if length is not None and stage.size != length:
            raise errors.NetworkError
        yield _checked(stage, filename, headers.get("Content-Type", ""), options, headers)


class _OneStage:
    """The parser's stream factory: a stage for the first file part, a refusal for a second (ruling 13)."""

    def __init__(self, store: LocalStore, max_bytes: int, declared_bytes: int, note: Note) -> None:
        self._note = note
        self._begin = partial(store.stage, max_bytes=max_bytes, declared_bytes=declared_bytes)
        self._stage: Stage | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stage is not None:
            self._stage.close()

    def __call__(self, *, filename: str | None = None, **_part: Any) -> Stage:
        self._note(details={"filename": display_name(filename or "")})
        if self._stage is not None:
            raise errors.ValidationFailed(errors={"file": ["Send exactly one file part."]})
        self._stage = self._begin()
        return self._stage

    @property
    def received(self) -> int:
        """How much of the file has arrived."""
        return self._stage.received if self._stage is not None else 0

    def opened(self) -> Stage:
        """The stage of the file part that was parsed."""
        return cast(Stage, self._stage)


def _parse(
    stream: IO[bytes], stage: _OneStage, boundary: str, length: int | None
) -> tuple[MultiDict[str, str], MultiDict[str, FileStorage]]:
    parser = MultiPartParser(
        stream_factory=stage,  # type: ignore[arg-type]
        max_form_memory_size=_FORM_BYTES,
        max_form_parts=_FORM_PARTS,
        buffer_size=_READ_BYTES,
    )
    mark = boundary.encode("ascii", "replace")
    body = _Counted(stream, b"\r\n--" + mark)
    try:
        return parser.parse(body, mark, length)  # type: ignore[arg-type]
    except ValueError as error:
        if length is not None and body.size < length:
            raise errors.NetworkError from error
        raise errors.BadRequest("The multipart body is malformed or incomplete.") from error


class _Counted:
    """A stream that knows how much was read of it: the server ends a body that was cut short without a word.

    It stops before each boundary. Where the parser has one in its hands, it searches all bytes before it with an
    expression a hundred times as slow as `find`.
    """

    def __init__(self, stream: IO[bytes], boundary: bytes) -> None:
        self._stream = stream
        self._boundary = boundary
        self._data, self._at = b"", 0
        self.size = 0

    def read(self, size: int) -> bytes:
        if self._at == len(self._data):
            self._data, self._at = self._stream.read(size), 0
            self.size += len(self._data)
        data, start = self._data, self._at
        found = data.find(self._boundary, start + 1)
        self._at = len(data) if found < 0 else found
        return data[start : self._at]


def _refuse_option_headers(headers: Headers) -> None:
    if misplaced := [name for name in _OPTION_HEADERS if name in headers]:
        raise errors.ValidationFailed(
            errors={name: ["Options are query parameters or form fields."] for name in misplaced}
        )


def _together(query: Mapping[str, Any], form: Mapping[str, str]) -> Mapping[str, Any]:
    """The options of both. Raises ValidationFailed for one that means something else in each."""
    sent = {name: value for name, value in form.items() if value or name != "sha256"}  # left empty: no check
    if not sent:
        return query
    try:
        fields: dict[str, Any] = _OPTIONS.load(sent)
    except ValidationError as error:
        raise errors.ValidationFailed(errors=dict(error.messages_dict)) from error
    contrary = [name for name in query if fields.get(name, query[name]) != query[name]]
    if contrary:
        raise errors.ValidationFailed(
            errors={name: ["The query and the form differ; send this once."] for name in contrary}
        )
    return {**query, **fields}


def _checked(
    stage: Stage, filename: str, claimed_type: str, options: Mapping[str, Any], headers: Headers
) -> Incoming:
    for expected in _expected(options.get("sha256", ""), headers):
        if not hmac.compare_digest(expected, stage.sha256):
            raise errors.DigestMismatch(facts={"file_hash": stage.sha256})
    return Incoming(
        stage,
        filename,
        claimed_type,
        options.get("visibility", UNLISTED),
        options.get("expires_in"),
        options.get("description", ""),
    )


def _expected(field: str, headers: Headers) -> Iterator[str]:
    if field:
        yield field
    for name in _DIGEST_FIELDS:
        if value := headers.get(name):
            yield _sha256_of(name, value)


def _sha256_of(name: str, value: str) -> str:
    """The sha-256 member of an RFC 9530 digest field, as hexadecimal."""
    digests = Dictionary()
    try:
        digests.parse(value.encode("latin-1"))
        digest = digests["sha-256"].value
    except (ValueError, KeyError, AttributeError) as error:
        raise errors.ValidationFailed(
            errors={name: ["Must hold sha-256=:…:, base64 of 32 bytes."]}
        ) from error
    if not isinstance(digest, bytes) or len(digest) != 32:
        raise errors.ValidationFailed(errors={name: ["Must hold sha-256=:…:, base64 of 32 bytes."]})
    return digest.hex()


def _too_large(length: int, max_bytes: int) -> errors.FileTooLarge:
    return errors.FileTooLarge(
        f"The limit is {max_bytes} bytes; the request has {length}.",
        facts={"max_size": max_bytes, "file_size": length},
    )
