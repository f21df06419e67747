"""The end of an upload: a file like any other, or a refusal; on record as `file:upload` in the same transaction."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, update
from werkzeug.datastructures import Headers

from filewallball import errors
from filewallball.clock import now_us, rfc3339
from filewallball.errors.translation import translate
from filewallball.files.digests import require_digests
from filewallball.files.incoming import Incoming
from filewallball.files.resumable.charges import give_back
from filewallball.files.resumable.metadata import read_metadata
from filewallball.files.resumable.progress import Progress, Upload
from filewallball.files.resumable.tables import DONE, EXPIRED, RECEIVING, REFUSED, TERMINATED, uploads
from filewallball.files.stored import StoredFile
from filewallball.files.tables import UNLISTED
from filewallball.files.upload import Uploads
from filewallball.recording.caller import Caller
from filewallball.recording.event import SUCCESS, Event
from filewallball.recording.operations import Exchange, Ledger, Operation, operation
from filewallball.recording.steps import STAGE, entered_in, timed
from filewallball.storage.local import LocalStore
from filewallball.storage.stage import Stage
from filewallball.storage.upload_segments import Piece, UploadSegments

_STATES = {"upload_expired": EXPIRED, "upload_terminated": TERMINATED}
_NOT_FINAL = frozenset(kind.code for kind in (errors.NetworkError, errors.UploadLocked, errors.NotFound))


Also = Callable[[Connection, StoredFile], object]
"""Runs in the transaction that makes an upload a file."""


@dataclass(frozen=True, slots=True)
class Request:
    """The request that ends an upload; a job has none."""

    caller: Caller
    endpoint: str = ""
    exchange: Exchange | None = None
    also: Also = lambda connection, file: None

    def step(self, name: str) -> AbstractContextManager[None]:
        """A `with` block whose time the trace of the request shows by itself."""
        return timed(self.exchange.steps if self.exchange is not None else None, name)


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of an upload: of each of its sources those segments that count."""

    sources: Sequence[tuple[str, list[Piece]]]
    digest: Any = None
    """Their SHA-256, where it was computed as they came."""

    @property
    def size(self) -> int:
        return sum(size for _, pieces in self.sources for _, size in pieces)


class Endings:
    """Ends uploads. Each ends once: the row of the upload, its quota and its audit row change together."""

    def __init__(
        self,
        ledger: Ledger,
        store: LocalStore,
        segments: UploadSegments,
        files: Uploads,
        progress: Progress,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._segments = segments
        self._files = files
        self._progress = progress

    def store(
        self, upload: Upload, content: Content, request: Request, parts: Sequence[Upload] = ()
    ) -> StoredFile:
        """Make the bytes a file. `upload` is held by the caller; `parts` are those that it was made of.

        Raises what `Uploads.store` does. After a refusal that another attempt would meet as well, the upload is over;
        after any other error it can go on.
        """
        op = self._operation(upload, request, [upload, *parts])
        try:
            with entered_in(op.step(STAGE), self._staged(content)) as stage:
                stored = self._store_staged(op, upload, stage, request.also)
        except Exception as error:
            cause = translate(error)
            if is_final(cause):
                op.refuse(cause)
                self._segments.remove(upload.upload_id)
            raise
        op.finish()
        self._segments.remove(upload.upload_id)
        return stored

    def refuse(self, upload: Upload, error: errors.ApiError, request: Request) -> None:
        """End an upload without a file. A part of another upload is on record with that alone."""
        if upload.is_partial:
            self._progress.end_part(upload, _STATES.get(error.code, REFUSED), error.code)
        else:
            op = self._operation(upload, request, [upload])
            op.note(file_size=upload.received)
            op.refuse(error)
        self._segments.remove(upload.upload_id)

    def _store_staged(self, op: Operation, upload: Upload, stage: Stage, also: Also) -> StoredFile:
        metadata = read_metadata(upload.metadata)
        op.note(file_size=stage.size)
        require_digests(stage, metadata.option("sha256", ""), Headers())
        incoming = Incoming(
            stage,
            metadata.filename,
            metadata.claimed_type,
            metadata.option("visibility", UNLISTED),
            metadata.option("expires_in"),
            metadata.option("description", ""),
            (),
        )
        return self._files.store(op, incoming, also)

    def _operation(self, upload: Upload, request: Request, charged: Sequence[Upload]) -> Operation:
        op = operation(
            self._ledger,
            "file:upload",
            uploader(upload, request.caller),
            endpoint=request.endpoint,
            exchange=request.exchange,
            promise=lambda connection, event: _conclude(connection, event, upload, charged),
        )
        op.exclude_from_timing()  # it may have taken a day, most of it waiting
        op.note(
            details={
                "filename": upload.filename,
                "upload_id": upload.upload_id,
                "created_at": rfc3339(upload.created_us),
                "parts": len(charged) - 1,
                "pauses": upload.breaks,
            }
        )
        return op

    @contextmanager
    def _staged(self, content: Content) -> Iterator[Stage]:
        """The bytes as a stage: one segment gets a second name there, several are copied."""
        whole = [(source, piece) for source, pieces in content.sources for piece in pieces]
        if len(whole) == 1:
            (source, (number, size)) = whole[0]
            path = self._segments.path(source, number)
            with self._store.stage_of(path, content.digest) as stage:
                if stage.size == size:
                    yield stage
                    return
        with self._store.stage(max_bytes=content.size, declared_bytes=content.size) as stage:
            for source, pieces in content.sources:
                for data in self._segments.read(source, pieces):
                    stage.write(data)
            yield stage


def is_final(cause: errors.ApiError) -> bool:
    """True for a refusal that the same bytes would meet again."""
    return cause.code not in _NOT_FINAL and errors.is_refusal(cause.code)


def uploader(upload: Upload, sender: Caller) -> Caller:
    """Whoever began the upload, at the address that it goes on from."""
    return replace(
        sender,
        user_id=upload.user_id,
        username=upload.username,
        token_id=upload.token_id,
        counted_as=upload.principal,
        ip_address=sender.ip_address or upload.client_ip,
        operator=None,
    )


def _conclude(connection: Connection, event: Event, upload: Upload, charged: Sequence[Upload]) -> None:
    """End the row of an upload for the holder of its epoch, and give back what was charged for it and its parts.

    Raises UploadLocked for a former holder: then nothing of the end takes place.
    """
    is_stored = event.status == SUCCESS
    mine = uploads.c.upload_id == upload.upload_id
    changes: dict[str, Any] = {
        "state": DONE if is_stored else _STATES.get(event.error_type, REFUSED),
        "is_held": 0,
        "ended_us": now_us(),
        "event_id": event.event_id,
        "error_code": event.error_type,
        "digest": "",  # which may hold the last bytes themselves
    }
    if is_stored:
        changes |= {"file_id": event.resource_id, "received": event.file_size, "length": event.file_size}
    held = mine, uploads.c.epoch == upload.epoch, uploads.c.state == RECEIVING, uploads.c.is_held == 1
    if connection.execute(update(uploads).where(*held).values(**changes)).rowcount != 1:
        raise errors.UploadLocked
    for each in charged:
        give_back(connection, each.upload_id)
