"""A request that brings bytes of an upload: what can be said to it before they are read."""

from dataclasses import dataclass

from filewallball import errors
from filewallball.files.resumable.progress import Upload
from filewallball.files.resumable.receiving import Part
from filewallball.files.stored import StoredFile

_NEVER_CHANGES = "Upload-Length: the length of an upload never changes."


@dataclass(frozen=True, slots=True)
class Reached:
    """Where an upload stands after a request, and the file that it has become."""

    upload: Upload
    offset: int
    file: StoredFile | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """The body of a request: from which offset on, and the length of the whole if it is told only now."""

    offset: int
    part: Part
    length: int | None = None


def length_of(upload: Upload, sent: Sent, max_bytes: int) -> int | None:
    """The length of the whole, once it is known. Raises BadRequest for another one than was told, FileTooLarge."""
    if sent.length is None or sent.length == upload.length:
        return upload.length
    if upload.length is not None or sent.length < upload.received:
        raise errors.BadRequest(_NEVER_CHANGES)
    if sent.length > max_bytes:
        facts = {"max_size": max_bytes, "file_size": sent.length}
        raise errors.FileTooLarge(f"The limit is {max_bytes} bytes.", facts=facts)
    return sent.length


def mismatch(upload: Upload) -> errors.OffsetMismatch:
    """Tells where an upload really is."""
    return errors.OffsetMismatch(
        f"The upload is at {upload.received}.", headers={"Upload-Offset": str(upload.received)}
    )


def repeated(upload: Upload, sent: Sent) -> Reached:
    """The answer to a last request that is sent once more, because its answer was lost: it has no bytes to add.

    Raises OffsetMismatch, BadRequest, FileTooLarge.
    """
    if sent.offset != upload.received:
        raise mismatch(upload)
    if sent.length not in (None, upload.length):
        raise errors.BadRequest(_NEVER_CHANGES)
    if sent.part.length or sent.part.stream.read(1):
        raise errors.FileTooLarge("The upload is complete.", facts={"max_size": upload.received})
    return Reached(upload, upload.received)
