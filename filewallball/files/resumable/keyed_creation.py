"""Creating an upload under an idempotency key: however often a client repeats the request, there is one upload."""

import hashlib
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection

from filewallball import errors
from filewallball.files.resumable.creation import Announced
from filewallball.files.resumable.ending import Also
from filewallball.files.resumable.service import ResumableUploads
from filewallball.files.stored import StoredFile
from filewallball.idempotency.keys import IdempotencyKey, read_key
from filewallball.idempotency.reservations import Outcome, Reservations
from filewallball.recording.operations import Operation


@dataclass(frozen=True, slots=True)
class Begun:
    """The upload under a key, and whether an earlier request created it."""

    upload_id: str
    is_replayed: bool
    keep_token: Also
    """Keeps the delete token of the file that the creation itself brings, in the transaction of the file."""
    delete_token: str = ""
    """The token that the first answer told."""


class KeyedCreation:
    """Creations under a key, in one process."""

    def __init__(self, uploads: ResumableUploads, reservations: Reservations) -> None:
        self._uploads = uploads
        self._reservations = reservations

    def create(self, op: Operation, header: str, announced: Announced) -> Begun:
        """Begin an upload, or find the one that the first request with this key began, unless that was given up, was
        refused, came too late, or ended more than a day ago: then this begins another.

        Raises what `Creation.create` does, and IdempotencyKeyInUse, IdempotencyKeyReused, ValidationFailed. A
        concatenation needs no key: asked for again it is the same one.
        """
        key, content = read_key(header, op.caller), _content_digest(announced)
        found = self._reservations.reserve(key, op.event.event_id)
        if isinstance(found, Outcome) and self._uploads.is_over(_told(found)[0]):
            self._reservations.forget(key, found)
            found = self._reservations.reserve(key, op.event.event_id)
        if isinstance(found, Outcome):
            return self._replay(op, key, found, content)
        with found as reservation:
            reservation.at_work()
            upload = self._uploads.create(
                op,
                announced,
                lambda connection, upload_id: reservation.fulfil(connection, content, upload_id.encode()),
            )
        keep_token = self._keeping(key, op.event.event_id, upload.upload_id)
        return Begun(upload.upload_id, is_replayed=False, keep_token=keep_token)

    def _replay(self, op: Operation, key: IdempotencyKey, outcome: Outcome, content: str) -> Begun:
        if outcome.content_digest != content:
            raise errors.IdempotencyKeyReused
        upload_id, delete_token = _told(outcome)
        op.note(resource_id=upload_id, details={"replayed": True})
        return Begun(upload_id, True, self._keeping(key, outcome.holder, upload_id), delete_token)

    def _keeping(self, key: IdempotencyKey, holder: str, upload_id: str) -> Also:
        def keep(connection: Connection, file: StoredFile) -> None:
            if file.delete_token:
                answer = f"{upload_id} {file.delete_token}"
                self._reservations.amend(connection, key, holder, answer.encode())

        return keep


def _told(outcome: Outcome) -> tuple[str, str]:
    """The upload and the delete token, if any, that the first answer told."""
    upload_id, _, delete_token = outcome.answer.decode().partition(" ")
    return upload_id, delete_token


def _content_digest(announced: Announced) -> str:
    """Tells what a creation asks for: the length, the metadata, and whether it is a part."""
    asked = ["upload", announced.length, announced.metadata.raw, announced.kind]
    return hashlib.sha256(orjson.dumps(asked)).hexdigest()
