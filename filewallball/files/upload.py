"""Uploading: a staged body is judged, scanned, published and put into the database."""

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from filewallball import errors
from filewallball.access import Quotas
from filewallball.addresses import UNKNOWN_CLIENT
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.files.incoming import Incoming
from filewallball.files.inspection.labels import mislabelling
from filewallball.files.inspection.media_type import Inspection, inspect, is_allowed
from filewallball.files.inspection.suspicion import QUARANTINE, REJECT, Suspicion, judge
from filewallball.files.naming import display_name
from filewallball.files.ownership import token_digest
from filewallball.files.rows import NewFile
from filewallball.files.scanning import CLEAN, Scanner
from filewallball.files.stored import StoredFile, shown
from filewallball.files.tables import LIVE, PRIVATE, PUBLIC, QUARANTINED, blobs, files
from filewallball.recording.caller import Caller
from filewallball.recording.operations import Operation
from filewallball.recording.steps import SYNC
from filewallball.settings.service import Settings
from filewallball.storage.local import LocalStore
from filewallball.text import fold, sanitize_lines

_NEW = insert(files)  # built once: building a statement and recognising it again costs more than running it


class Uploads:
    """Storing uploads, in one process. Takes plain values and an operation, never a request."""

    def __init__(self, settings: Settings, database: Database, store: LocalStore, scanner: Scanner) -> None:
        self._settings = settings
        self._scanner = scanner
        self._database = database
        self._store = store
        self._quotas = Quotas(settings, database)
        self._count, self._count_clean = _counting(database), _counting(database, "scan_state", "scanned_us")

    def check_quota(self, op: Operation) -> None:
        """Before a body is read: raise QuotaExceeded if its sender's quota is used up."""
        self._quotas.refuse_early(op.caller)

    def store(
        self,
        op: Operation,
        incoming: Incoming,
        also: Callable[[Connection, StoredFile], object] = lambda connection, file: None,
    ) -> StoredFile:
        """Publish the staged bytes and commit their row, and with it, in the same transaction, what `also` does.

        Raises InvalidFileType, ValidationFailed, StorageFull, …
        """
        began = time.perf_counter()  # the last byte is in
        stage, caller = incoming.stage, op.caller
        seen = inspect(stage.head, incoming.claimed_type, incoming.filename, stage)
        details = {"filename": display_name(incoming.filename), "file_size": stage.size}
        details |= {"mime_type": seen.media_type, "sha256": stage.sha256}
        op.note(file_type=seen.media_type, file_size=stage.size, details=details)
        suspicion = self._judge(op, incoming, seen)
        refuse_ownerless(incoming.visibility, caller)
        scan_state = self._scanner.admit(op, stage)
        delete_token = secrets.token_urlsafe(32) if caller.is_anonymous else None
        file = _new_file(
            incoming,
            seen,
            caller,
            state=QUARANTINED if self._is_quarantined(suspicion) else LIVE,
            delete_digest=token_digest(delete_token) if delete_token else "",
            suspicion=",".join(suspicion.reasons)[:255],
        )
        with op.step(SYNC):
            path = self._store.publish(stage)
        op.note(resource_id=file.file_id)
        stored = shown(
            file,
            self._settings.public_url,
            quarantine_reasons=suspicion.content if file.state == QUARANTINED else (),
            delete_token=delete_token,
            ignored_fields=incoming.ignored_fields,
        )

        def work(connection: Connection) -> tuple[str, StoredFile]:
            kept, is_duplicate = self._insert(connection, file, path, scan_state)
            known = replace(stored, is_duplicate=True) if is_duplicate else stored
            also(connection, known)
            return kept, known

        kept, stored = op.change(work, undo=stage.discard)
        op.event.commit_us = round((time.perf_counter() - began) * 1e6)
        if kept != path:
            stage.discard()
        return stored

    def _insert(self, connection: Connection, file: NewFile, path: str, scan_state: str) -> tuple[str, bool]:
        """Count the bytes once more and insert the file; returns the blob's path and whether it was there before."""
        content = {
            "sha256": file.file_hash,
            "live": 1,
            "refs": 1,
            "size": file.file_size,
            "path": path,
            "verified_us": file.upload_us,
        }
        scan = {"scan_state": scan_state, "scanned_us": file.upload_us} if scan_state else {}
        statement = self._count_clean if scan_state == CLEAN else self._count
        blob = self._database.run(connection, statement, {**content, **scan}).one()
        kept = blob.path
        if kept != path and (blob.damaged_us or not self._store.holds(kept, file.file_size)):
            connection.execute(update(blobs).where(blobs.c.id == blob.id).values(path=path, damaged_us=None))
            kept = path
        is_known = blob.path != path and self._is_known(connection, blob.id, file)
        self._quotas.charge(connection, file.principal, file.file_size)
        self._database.run(connection, _NEW, {**vars(file), "blob_id": blob.id})
        return kept, is_known

    @staticmethod
    def _is_known(connection: Connection, blob_id: int, file: NewFile) -> bool:
        """True if the client may know that these bytes are here: its own, or public. Of others' it learns nothing.

        Nobody knows which files an unknown client's own are.
        """
        may_know = files.c.visibility == PUBLIC
        if file.owner_id or file.client_ip != UNKNOWN_CLIENT:
            may_know = or_(may_know, files.c.principal == file.principal)
        statement = (
            select(files.c.id).where(files.c.blob_id == blob_id, files.c.state == LIVE, may_know).limit(1)
        )
        return connection.execute(statement).first() is not None

    def _judge(self, op: Operation, incoming: Incoming, seen: Inspection) -> Suspicion:
        """Find what is suspicious of an upload. Raises InvalidFileType, and SuspiciousFile where policy rejects it."""
        suspicion = judge(incoming.stage, incoming.filename, seen)
        if mislabelled := mislabelling(incoming.filename, seen.claimed_type, seen.media_type):
            op.note(details={"mislabelled": mislabelled})
        if suspicion or (seen.executable and self._is_refused(seen)):
            op.note(suspicious=True, details={"suspicion": suspicion.reasons or ["executable"]})
        if self._is_refused(seen):
            raise errors.InvalidFileType(f"{seen.media_type} is not accepted here.")
        if suspicion.content and self._settings.suspicious_uploads == REJECT:
            raise errors.SuspiciousFile(f"Reasons: {', '.join(suspicion.content)}.")
        return suspicion

    def _is_refused(self, seen: Inspection) -> bool:
        policy = self._settings.allowed_file_types, self._settings.blocked_file_types
        return not is_allowed(seen.media_type, seen.executable, *policy)

    def _is_quarantined(self, suspicion: Suspicion) -> bool:
        return bool(suspicion.content) and self._settings.suspicious_uploads == QUARANTINE


def refuse_ownerless(visibility: str, caller: Caller) -> None:
    """Raise ValidationFailed for a private file that would be nobody's."""
    if visibility == PRIVATE and caller.is_anonymous:
        raise errors.ValidationFailed(errors={"visibility": ["A private file needs an owner: send a token."]})


def _new_file(
    incoming: Incoming, seen: Inspection, caller: Caller, *, state: str, delete_digest: str, suspicion: str
) -> NewFile:
    now = now_us()
    filename = display_name(incoming.filename)
    return NewFile(
        file_id=_random_id(),
        state=state,
        visibility=incoming.visibility,
        filename=filename,
        name_folded=fold(filename),
        description=sanitize_lines(incoming.description, 4000),
        file_size=incoming.stage.size,
        mime_type=seen.media_type,
        claimed_type=seen.claimed_type,
        file_hash=incoming.stage.sha256,
        owner_id=caller.user_id,
        delete_digest=delete_digest,
        client_ip=caller.ip_address,
        principal=caller.principal,
        suspicion=suspicion,
        upload_us=now,
        expires_us=now + incoming.expires_in * 1_000_000 if incoming.expires_in else None,
    )


def _random_id() -> str:
    """128 random bits, in the form of a UUID."""
    digits = secrets.token_hex(16)
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _counting(database: Database, *renewed: str) -> Any:
    """The upsert that counts one more file with the same bytes; where there were any, it renews these columns."""
    statement = database.dialect.insert(blobs)
    new = database.dialect.incoming(statement)
    changes = {"refs": blobs.c.refs + 1, **{name: new[name] for name in renewed}}
    statement = database.dialect.upsert(statement, [blobs.c.sha256, blobs.c.live], changes)
    return statement.returning(blobs.c.id, blobs.c.path, blobs.c.damaged_us)
