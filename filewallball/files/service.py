"""What can be done with a file: keep, describe, fetch, delete. Takes plain values and an operation, never a request."""

import secrets
import uuid
from typing import Any, BinaryIO

from sqlalchemy import Connection, Row, insert, or_, select, update
from sqlalchemy.sql.dml import ReturningInsert

from filewallball import errors, permissions
from filewallball.access import Quotas, refund
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.files.cache import HIT, MetadataCache
from filewallball.files.delivery import Content, Delivery
from filewallball.files.incoming import Incoming
from filewallball.files.inspection.media_type import Inspection, inspect, is_allowed
from filewallball.files.inspection.suspicion import QUARANTINE, REJECT, Suspicion, judge
from filewallball.files.lookup import FIND, SHOWN
from filewallball.files.naming import display_name
from filewallball.files.ownership import holds_token, no_right_to_delete, owns, token_digest
from filewallball.files.scanning import CLEAN, Scanner
from filewallball.files.stored import StoredFile
from filewallball.files.tables import DELETED, EXPIRED, KEPT, LIVE, PRIVATE, PUBLIC, QUARANTINED, blobs, files
from filewallball.recording.caller import Caller
from filewallball.recording.event import UNKNOWN_CLIENT
from filewallball.recording.operations import Operation
from filewallball.settings.service import Settings
from filewallball.storage.local import LocalStore
from filewallball.text import neutral

_NEW = insert(files)  # built once: building a statement and recognising it again costs more than running it


class Files:
    """The file service of one process."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        store: LocalStore,
        scanner: Scanner,
        cache: MetadataCache,
    ) -> None:
        self._settings = settings
        self._cache = cache
        self._scanner = scanner
        self._database = database
        self._store = store
        self._quotas = Quotas(settings, database)
        self._count, self._count_clean = _counting(database), _counting(database, "scan_state", "scanned_us")

    def expect(self, op: Operation) -> None:
        """Before a body is read: raise QuotaExceeded if its sender has no room for anything."""
        self._quotas.refuse_early(op.caller)

    def keep(self, op: Operation, incoming: Incoming) -> StoredFile:
        """Publish the staged bytes and commit their row. Raises InvalidFileType, ValidationFailed, StorageFull, …"""
        stage, caller = incoming.stage, op.caller
        filename = display_name(incoming.filename)
        seen = inspect(stage.head, incoming.claimed_type, incoming.filename)
        details = {"filename": filename, "file_size": stage.size, "mime_type": seen.media_type}
        op.note(file_type=seen.media_type, file_size=stage.size, details=details)
        suspicion = self._judge(op, incoming, seen)
        if incoming.visibility == PRIVATE and caller.is_anonymous:
            raise errors.ValidationFailed(
                errors={"visibility": ["A private file needs an owner: send a token."]}
            )
        scan_state = self._scanner.admit(op, stage)
        delete_token = secrets.token_urlsafe(32) if caller.is_anonymous else None
        values = {
            **_described(incoming, seen, caller),
            "state": QUARANTINED if self._is_quarantined(suspicion) else LIVE,
            "filename": filename,
            "delete_digest": token_digest(delete_token) if delete_token else "",
            "suspicion": ",".join(suspicion.reasons)[:255],
        }
        path = self._store.publish(stage)
        op.note(resource_id=values["file_id"])
        kept, duplicate = op.change(
            lambda connection: self._insert(connection, values, path, scan_state), undo=stage.discard
        )
        if kept != path:
            stage.discard()
        return self._stored(
            values,
            is_duplicate=duplicate,
            quarantine_reasons=suspicion.content if values["state"] == QUARANTINED else (),
            delete_token=delete_token,
        )

    def describe(self, op: Operation, file_id: str) -> StoredFile:
        """A file's metadata. Raises NotFound or Expired."""
        row = self._visible(op, file_id, quarantined=op.caller.may(permissions.QUARANTINE))
        op.note(file_size=row.file_size)
        return self.shown(row)

    def fetch(self, op: Operation, file_id: str) -> Content:
        """What is needed to send a file. Raises NotFound, Expired, ScanPending, InfectedFile or ContentDamaged."""
        row, cache = self._cache.find(file_id, lambda: self._find(file_id))
        if cache == HIT and row.damaged_us is not None:
            row = self._find(file_id)  # somebody may have brought the bytes again
        op.note(cache=cache)
        self._check_visible(op, row)
        self._scanner.check_servable(row.scan_state)
        if row.damaged_us is not None:
            raise errors.ContentDamaged
        return Content(
            file_id=row.file_id,
            filename=row.filename,
            media_type=row.mime_type,
            size=row.file_size,
            sha256=row.file_hash,
            modified_us=row.upload_us,
            path=row.path,
        )

    def open(self, content: Content) -> BinaryIO:
        """The bytes of a file, or those that took their place since the cache heard of it. Raises StorageFailed."""
        try:
            return self._store.open(content.path)
        except errors.StorageFailed:
            row = self._find(content.file_id)
            if row is None or row.state != LIVE or row.path == content.path:
                raise
            return self._store.open(row.path)

    def delivered(self, op: Operation, delivery: Delivery) -> None:
        """End a fetch: what was sent, by whom, and whether all of it arrived (ruling 10)."""
        if delivery.kind == "check":
            op.note(action="file:check")
        op.note(file_size=delivery.bytes_sent, details={"delivery": delivery.by, "kind": delivery.kind})
        if delivery.by == "nginx":
            op.untime()
        if delivery.bytes_sent < delivery.bytes_expected and delivery.by == "app":
            op.note(details={"expected": delivery.bytes_expected})
            op.finish(errors.NetworkError())
        else:
            op.finish()

    def delete(self, op: Operation, file_id: str, delete_token: str) -> None:
        """Delete a file for ever. Raises NotFound, Expired, AuthMissing or Forbidden."""
        row = self._visible(op, file_id, delete_token, quarantined=True)
        op.note(file_size=row.file_size)
        if not (owns(op.caller, row) or holds_token(delete_token, row)):
            raise no_right_to_delete(op.caller, delete_token)
        self._cache.forget(file_id)
        op.change(lambda connection: end_file(connection, file_id, row.blob_id, DELETED))

    def shown(self, row: Row[Any]) -> StoredFile:
        """A row of `COLUMNS` as the API shows it."""
        return self._stored(row._asdict())

    def _stored(self, values: Any, **more: Any) -> StoredFile:
        return StoredFile(
            **{name: values[name] for name in SHOWN}, base_url=self._settings.public_url, **more
        )

    def _insert(
        self, connection: Connection, values: dict[str, Any], path: str, scan_state: str
    ) -> tuple[str, bool]:
        """Count the bytes once more and insert the file; returns the blob's path and whether it was there before."""
        content = {
            "sha256": values["file_hash"],
            "live": 1,
            "refs": 1,
            "size": values["file_size"],
            "path": path,
            "verified_us": values["upload_us"],
        }
        scan = {"scan_state": scan_state, "scanned_us": values["upload_us"]} if scan_state else {}
        statement = self._count_clean if scan_state == CLEAN else self._count
        blob = self._database.run(connection, statement, {**content, **scan}).one()
        kept = blob.path
        if kept != path and (blob.damaged_us or not self._store.holds(kept, values["file_size"])):
            connection.execute(update(blobs).where(blobs.c.id == blob.id).values(path=path, damaged_us=None))
            kept = path
        is_known = blob.path != path and self._is_known(connection, blob.id, values)
        self._quotas.charge(connection, values["principal"], values["file_size"])
        self._database.run(connection, _NEW, {**values, "blob_id": blob.id})
        return kept, is_known

    @staticmethod
    def _is_known(connection: Connection, blob_id: int, values: dict[str, Any]) -> bool:
        """Whether the client may know that these bytes are here: its own, or public. Of others' it learns nothing.

        Nobody knows which files an unknown client's own are.
        """
        may_know = files.c.visibility == PUBLIC
        if values["owner_id"] or values["client_ip"] != UNKNOWN_CLIENT:
            may_know = or_(may_know, files.c.principal == values["principal"])
        statement = (
            select(files.c.id).where(files.c.blob_id == blob_id, files.c.state == LIVE, may_know).limit(1)
        )
        return connection.execute(statement).first() is not None

    def _judge(self, op: Operation, incoming: Incoming, seen: Inspection) -> Suspicion:
        """What is suspicious of an upload. Raises InvalidFileType, and SuspiciousFile where such files are rejected."""
        suspicion = judge(incoming.stage, incoming.filename, seen)
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

    def _visible(
        self, op: Operation, file_id: str, delete_token: str = "", *, quarantined: bool = False
    ) -> Any:
        """The kept row that the caller may know of, as the database has it now."""
        row = self._find(file_id)
        self._check_visible(op, row, delete_token, quarantined=quarantined)
        return row

    def _find(self, file_id: str) -> Any:
        return self._database.find(FIND, {"file_id": file_id})

    @staticmethod
    def _check_visible(op: Operation, row: Any, delete_token: str = "", *, quarantined: bool = False) -> None:
        """Refuse what the caller may not know of: a foreign private file does not exist for them, on record it does."""
        if row is not None:
            op.note(file_type=row.mime_type, details={"filename": row.filename})
        if row is None or row.state == DELETED:
            raise errors.NotFound
        if row.visibility == PRIVATE and not (owns(op.caller, row) or holds_token(delete_token, row)):
            raise errors.NotFound
        if row.state == EXPIRED or (row.expires_us is not None and row.expires_us <= now_us()):
            raise errors.Expired
        if row.state == QUARANTINED and not quarantined:
            raise errors.Quarantined


def _described(incoming: Incoming, seen: Inspection, caller: Caller) -> dict[str, Any]:
    """The columns of a new file that nothing but the upload itself decides."""
    now = now_us()
    return {
        "file_id": str(uuid.UUID(bytes=secrets.token_bytes(16))),
        "visibility": incoming.visibility,
        "description": neutral(incoming.description, 4000),
        "file_size": incoming.stage.size,
        "mime_type": seen.media_type,
        "claimed_type": seen.claimed_type,
        "file_hash": incoming.stage.sha256,
        "owner_id": caller.user_id,
        "client_ip": caller.ip_address,
        "principal": caller.principal,
        "upload_us": now,
        "expires_us": now + incoming.expires_in * 1_000_000 if incoming.expires_in else None,
    }


def end_file(
    connection: Connection, file_id: str, blob_id: int, state: str, among: tuple[str, ...] = KEPT
) -> None:
    """Take a kept file out of service; give its reference and its quota back, once.

    Raises NotFound if somebody was faster.
    """
    kept = files.c.file_id == file_id, files.c.state.in_(among)
    if connection.execute(update(files).where(*kept).values(state=state, ended_us=now_us())).rowcount != 1:
        raise errors.NotFound
    connection.execute(update(blobs).where(blobs.c.id == blob_id).values(refs=blobs.c.refs - 1))
    row = connection.execute(
        select(files.c.principal, files.c.file_size).where(files.c.file_id == file_id)
    ).one()
    refund(connection, row.principal, row.file_size)


def _counting(database: Database, *renewed: str) -> ReturningInsert[Any]:
    """The upsert that counts one more file with the same bytes; where there were any, it renews these columns."""
    statement = database.dialect.insert(blobs)
    new = database.dialect.incoming(statement)
    changes = {"refs": blobs.c.refs + 1, **{name: new[name] for name in renewed}}
    statement = database.dialect.upsert(statement, [blobs.c.sha256, blobs.c.live], changes)
    return statement.returning(blobs.c.id, blobs.c.path, blobs.c.damaged_us)
