"""A request's body on its way into a stage: multipart or raw, streamed once, with what the client says of it."""

import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, Protocol, Self, cast

from http_sfv import Dictionary  # type: ignore[attr-defined]
from marshmallow import ValidationError
from werkzeug.datastructures import Headers, MultiDict

from filewallball import errors
from filewallball.files.multipart import Incomplete, Malformed, Multipart, Part
from filewallball.files.naming import display_name
from filewallball.files.schemas import UploadOptionsSchema
from filewallball.files.tables import UNLISTED
from filewallball.storage.local import LocalStore
from filewallball.storage.stage import Stage

_READ_BYTES = 1024 * 1024  # as much as gunicorn reads at once; less makes it copy what is left over again
_FORM_PARTS = 20
_ENVELOPE_BYTES = 2 * 1024 * 1024  # all of a form but its file: headers, fields, what stands around the parts
_OPTIONS = UploadOptionsSchema()
_OPTION_HEADERS = [
    f"{prefix}{name}"
    for prefix in ("", "X-")
    for name in ("Visibility", "Expires-In", "Description", "Sha256")
]
_DIGEST_FIELDS = ("Content-Digest", "Repr-Digest")
_DIGEST_BYTES = 1024  # a dozen digests; the parser's work grows with the square


class Note(Protocol):
    """Told what becomes known of the body (`Operation.note`), so that a refusal is on record with name and bytes."""

    def __call__(self, *, file_size: int | None = None, details: Mapping[str, Any] | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """A request whose body has not been read yet. `options` are those of the query, loaded already."""

    stream: IO[bytes]
    headers: Headers
    options: Mapping[str, Any]
    length: int | None
    max_bytes: int


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
def receive_form(store: LocalStore, upload: UploadRequest, boundary: str, note: Note) -> Iterator[Incoming]:
    """The one file part named `file` and the options beside it or in the query. The stage is closed on leaving.

    Raises ValidationFailed, BadRequest, HeadersTooLarge, RequestTooLarge, FileTooLarge, StorageFull, DigestMismatch,
    NetworkError.
    """
    length, max_bytes = upload.length, upload.max_bytes
    _refuse_option_headers(upload.headers)
    if any(name in upload.headers for name in _DIGEST_FIELDS):
        raise errors.ValidationFailed(
            "The digest of a multipart request belongs into its file part, or into `sha256`."
        )
    if length is not None and length > max_bytes + _ENVELOPE_BYTES:
        raise _too_large(length, max_bytes)
    with _OneStage(store, max_bytes, max(0, (length or 0) - _ENVELOPE_BYTES), note) as stage:
        try:
            form, part = _parse(upload.stream, stage, boundary, length)
        finally:
            note(file_size=stage.received)
        repeated = [name for name in form if len(form.getlist(name)) > 1]
        if repeated:
            raise errors.ValidationFailed(errors={name: ["Send this once."] for name in repeated})
        if part is None:
            raise errors.ValidationFailed(errors={"file": ["A file part named `file` is required."]})
        wanted = _together(upload.options, form.to_dict())
        claimed_type = part.headers.get("Content-Type", "")
        yield _checked(stage.opened(), part.filename or "", claimed_type, wanted, part.headers)


@contextmanager
def receive_body(store: LocalStore, upload: UploadRequest, filename: str, note: Note) -> Iterator[Incoming]:
    """The whole body is the file (`PUT /upload/{filename}`). Raises as `receive_form` does."""
    length, max_bytes = upload.length, upload.max_bytes
    _refuse_option_headers(upload.headers)
    note(details={"filename": display_name(filename)})
    if length is not None and length > max_bytes:
        raise _too_large(length, max_bytes)
    with store.stage(max_bytes=max_bytes, declared_bytes=length or 0) as stage:
        try:
            while data := upload.stream.read(_READ_BYTES):
                stage.write(data)
        finally:
            note(file_size=stage.received)
        if length is not None and stage.size != length:
            raise errors.NetworkError
        claimed_type = upload.headers.get("Content-Type", "")
        yield _checked(stage, filename, claimed_type, upload.options, upload.headers)


class _OneStage:
    """A stage for the first file part, a refusal for a second."""

    def __init__(self, store: LocalStore, max_bytes: int, declared_bytes: int, note: Note) -> None:
        self._note = note
        self._begin = partial(store.stage, max_bytes=max_bytes, declared_bytes=declared_bytes)
        self._stage: Stage | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stage is not None:
            self._stage.close()

    def start(self, filename: str) -> Stage:
        """The stage of a file part that now follows."""
        self._note(details={"filename": display_name(filename)})
        if self._stage is not None:
            raise errors.ValidationFailed(errors={"file": ["Send exactly one file part."]})
        self._stage = self._begin()
        return self._stage

    @property
    def received(self) -> int:
        """The bytes of the file that have arrived."""
        return self._stage.received if self._stage is not None else 0

    def opened(self) -> Stage:
        """The stage of the file part that was parsed."""
        return cast(Stage, self._stage)


def _parse(
    stream: IO[bytes], stage: _OneStage, boundary: str, length: int | None
) -> tuple[MultiDict[str, str], Part | None]:
    """The fields, and the file part if it is named `file`; its bytes are in the stage."""
    body = Multipart(
        lambda: stream.read(_READ_BYTES),
        _mark(boundary),
        max_parts=_FORM_PARTS,
        max_bytes=_ENVELOPE_BYTES,
    )
    try:
        return _received(body, stage)
    except Malformed as error:
        if isinstance(error, Incomplete) and length is not None and body.received < length:
            raise errors.NetworkError from error
        raise errors.BadRequest("The multipart body is malformed or incomplete.") from error


def _received(body: Multipart, stage: _OneStage) -> tuple[MultiDict[str, str], Part | None]:
    fields: MultiDict[str, str] = MultiDict()
    file: Part | None = None
    for part, content in body:
        if part.filename is None:
            fields.add(part.name, b"".join(content).decode(part.charset, "replace"))
            continue
        target = stage.start(part.filename)
        for piece in content:
            target.write(piece)
        file = part if part.name == "file" else None
    return fields, file


def _mark(boundary: str) -> bytes:
    try:
        mark = boundary.encode("latin-1")  # as the server decoded it
    except ValueError:
        mark = b""
    if not mark:
        raise errors.BadRequest("The Content-Type must name the form's boundary.")
    return mark


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
        if name in headers and (value := ",".join(headers.getlist(name))):  # several lines are one list
            yield _sha256_of(name, value)


def _sha256_of(name: str, value: str) -> str:
    """The sha-256 member of an RFC 9530 digest field, as hexadecimal."""
    if len(value) > _DIGEST_BYTES:
        raise errors.ValidationFailed(errors={name: [f"May have {_DIGEST_BYTES} characters."]})
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
