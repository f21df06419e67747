"""Uploading under an idempotency key: however often a client repeats the request, there is one file and one answer."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import orjson
from sqlalchemy import Connection

from filewallball import errors
from filewallball.files.incoming import Body, Incoming, UploadRequest
from filewallball.files.naming import display_name
from filewallball.files.stored import StoredFile
from filewallball.files.upload import Uploads
from filewallball.idempotency.keys import read_key
from filewallball.idempotency.reservations import Outcome, Reservation, Reservations
from filewallball.recording.operations import Operation

REPLAY = "file:replay"
_UNKNOWN = (
    "Repeat the request with the same Idempotency-Key, from Retry-After on: it answers 201 with the one file, whether "
    "this change took effect or not, and 409 until that is known, a minute after the database's return at most."
)
Receive = Callable[[UploadRequest], AbstractContextManager[Incoming]]
Render = Callable[[StoredFile], bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of the answer to an upload, the file that it describes, and whether it was given before."""

    body: bytes
    file_id: str
    is_replayed: bool


class KeyedUploads:
    """Uploads under a key, in one process. Takes plain values and an operation, never a request."""

    def __init__(self, uploads: Uploads, reservations: Reservations) -> None:
        self._uploads = uploads
        self._reservations = reservations

    def store(
        self, op: Operation, header: str, request: UploadRequest, receive: Receive, render: Render
    ) -> Answer:
        """Store the file, or answer as the first request with this key was answered.

        Raises what `Uploads.store` raises, and IdempotencyKeyInUse, IdempotencyKeyReused, ValidationFailed.
        """
        key = read_key(header, op.caller)
        found = self._reservations.reserve(key, op.event.event_id)
        if isinstance(found, Outcome):
            with receive(request) as incoming:
                return _replay(op, found, incoming)
        with found:
            self._uploads.check_quota(op)
            arriving = replace(request, stream=_Arriving(request.stream, found))
            with receive(arriving) as incoming:
                found.at_work()
                return self._create(op, found, incoming, render)

    def _create(self, op: Operation, reservation: Reservation, incoming: Incoming, render: Render) -> Answer:
        content, bodies = content_digest(incoming), []

        def fulfil(connection: Connection, file: StoredFile) -> None:
            bodies.append(render(file))
            reservation.fulfil(connection, content, bodies[-1])

        try:
            file = self._uploads.store(op, incoming, fulfil)
        except errors.CommitUnknown as error:
            raise errors.CommitUnknown(_UNKNOWN) from error
        return Answer(bodies[-1], file.file_id, is_replayed=False)


def content_digest(incoming: Incoming) -> str:
    """Tells what an upload asks for: the bytes, the name and the options."""
    options = incoming.visibility, incoming.expires_in, incoming.description
    asked = [incoming.stage.sha256, display_name(incoming.filename), *options]
    return hashlib.sha256(orjson.dumps(asked)).hexdigest()


def _replay(op: Operation, outcome: Outcome, incoming: Incoming) -> Answer:
    """Answer once more. On record it is no upload, for none is stored or charged."""
    if content_digest(incoming) != outcome.content_digest:
        raise errors.IdempotencyKeyReused
    file_id = str(orjson.loads(outcome.answer)["file_id"])
    op.note(action=REPLAY, resource_id=file_id, details={"filename": display_name(incoming.filename)})
    return Answer(outcome.answer, file_id, is_replayed=True)


class _Arriving:
    """A body that keeps the key reserved while it arrives."""

    def __init__(self, stream: Body, reservation: Reservation) -> None:
        self._stream = stream
        self._reservation = reservation

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self._reservation.progress()
        return data
