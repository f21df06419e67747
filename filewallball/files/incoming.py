"""A request's body on its way into a stage: multipart or raw, streamed once, with what the client says of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, Protocol, Self, cast

from werkzeug.datastructures import Headers

from filewallball import errors
from filewallball.files.digests import refuse_misplaced, refuse_trailers, require_digests
from filewallball.files.form_fields import OPTION_HEADERS, FormFields, refuse_option_headers
from filewallball.files.multipart import Incomplete, Malformed, Multipart, Part
from filewallball.files.naming import display_name
from filewallball.files.tables import UNLISTED
from filewallball.storage.local import LocalStore
from filewallball.storage.stage import Stage
from filewallball.web.request_headers import ABOUT_CONTENT, is_byteranges, refuse_encoded, refuse_fragment

_READ_BYTES = 1024 * 1024  # as much as gunicorn reads at once; less makes it copy what is left over again
_MEANINGFUL = OPTION_HEADERS | ABOUT_CONTENT
_FORM_PARTS = 20
_ENVELOPE_BYTES = 2 * 1024 * 1024  # all of a form but its file: headers, fields, what stands around the parts


class Note(Protocol):
    """Told what becomes known of the body (`Operation.note`), so that a refusal is on record with name and bytes."""

    def __call__(self, *, file_size: int | None = None, details: Mapping[str, Any] | None = None) -> None: ...


class Body(Protocol):
    """A request's body: the next bytes, none at the end."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """A request whose body has not been read yet. `options` are those of the query, loaded already."""

    stream: Body
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
    ignored_fields: tuple[str, ...]


@contextmanager
def receive_form(store: LocalStore, upload: UploadRequest, boundary: str, note: Note) -> Iterator[Incoming]:
    """The one file part named `file` and the options beside it or in the query. The stage is closed on leaving.

    Raises ValidationFailed, BadRequest, HeadersTooLarge, RequestTooLarge, FileTooLarge, StorageFull, DigestMismatch,
    NetworkError.
    """
    length, max_bytes = upload.length, upload.max_bytes
    _refuse_misplaced(upload.headers)
    refuse_misplaced(
        upload.headers, "The digest of a multipart request belongs in its file part, or in `sha256`."
    )
    if length is not None and length > max_bytes + _ENVELOPE_BYTES:
        raise _too_large(length, max_bytes)
    with _OneStage(store, max_bytes, max(0, (length or 0) - _ENVELOPE_BYTES), note) as stage:
        try:
            fields, part = _parse(upload.stream, stage, boundary, length)
        finally:
            note(file_size=stage.received)
        fields.refuse_piece()
        wanted = fields.options(upload.options)
        if part is None:
            raise errors.ValidationFailed(errors={"file": [_missing(fields)]})
        codec = fields.codec
        filename = part.filename if codec == "utf-8" else part.disposition.text("filename", codec)
        yield _checked(stage.opened(), filename or "", part.headers, wanted, fields.ignored)


@contextmanager
def receive_body(store: LocalStore, upload: UploadRequest, filename: str, note: Note) -> Iterator[Incoming]:
    """The whole body is the file (`PUT /upload/{filename}`). Raises as `receive_form` does."""
    length, max_bytes = upload.length, upload.max_bytes
    _refuse_misplaced(upload.headers)
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
        yield _checked(stage, filename, upload.headers, upload.options)


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
    stream: Body, stage: _OneStage, boundary: str, length: int | None
) -> tuple[FormFields, Part | None]:
    """The fields, and the file part if it is named `file`; its bytes are in the stage."""
    body = Multipart(
        lambda: stream.read(_READ_BYTES),
        _mark(boundary),
        max_parts=_FORM_PARTS,
        max_bytes=_ENVELOPE_BYTES,
    )
    try:
        received = _received(body, stage)
    except Malformed as error:
        if isinstance(error, Incomplete) and length is not None and body.received < length:
            raise errors.NetworkError from error
        raise errors.BadRequest(f"The multipart body is malformed or incomplete: {error}.") from error
    if length is not None and body.received < length:  # cut behind the form, where a part might have followed
        raise errors.NetworkError
    return received


def _received(body: Multipart, stage: _OneStage) -> tuple[FormFields, Part | None]:
    fields = FormFields()
    file: Part | None = None
    for part, content in body:
        if part.filename is None:
            fields.received.append((part, b"".join(content)))
            continue
        first = next(content, None)
        if first is None and not part.filename:  # an input for a file, of which none was chosen
            continue
        target = stage.start(part.filename)
        _refuse_part(part.headers)
        for piece in chain([first] if first is not None else [], content):
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


def _refuse_misplaced(headers: Headers) -> None:
    refuse_option_headers(headers)
    refuse_trailers(headers)


def _refuse_part(headers: Headers) -> None:
    """Refuse what a file part's headers ask for beyond the digests, which are compared at the end."""
    if not _MEANINGFUL.among(headers) and not is_byteranges(headers):  # nearly always
        return
    refuse_option_headers(headers)
    refuse_encoded(headers)
    refuse_fragment(headers, None)


def _missing(fields: FormFields) -> str:
    if any(part.name == "file" for part, _ in fields.received):
        return "This is text: a file part has a `filename`. With curl, write `@` before the path: `-F file=@photo.jpg`."
    return "A file part named `file` is required, with a name or bytes."


def _checked(
    stage: Stage,
    filename: str,
    headers: Headers,
    options: Mapping[str, Any],
    ignored_fields: tuple[str, ...] = (),
) -> Incoming:
    require_digests(stage, options.get("sha256", ""), headers)
    return Incoming(
        stage,
        filename,
        headers.get("Content-Type", ""),
        options.get("visibility", UNLISTED),
        options.get("expires_in"),
        options.get("description", ""),
        ignored_fields,
    )


def _too_large(length: int, max_bytes: int) -> errors.FileTooLarge:
    return errors.FileTooLarge(
        f"The limit is {max_bytes} bytes; the request has {length}.",
        facts={"max_size": max_bytes, "file_size": length},
    )
