"""Quarantine: files that are kept but not served, listed, released and purged by administrators."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, literal, select, update

from filewallball import errors
from filewallball.database.connections import Database
from filewallball.files.inspection.media_type import inspect
from filewallball.files.inspection.staged import Kept
from filewallball.files.inspection.suspicion import judge
from filewallball.files.name_search import has_name
from filewallball.files.queries import older
from filewallball.files.removal import end_file
from filewallball.files.tables import DELETED, LIVE, QUARANTINED, blobs, files
from filewallball.recording.operations import Operation
from filewallball.storage.local import LocalStore
from filewallball.web import paging

_COLUMNS = tuple(
    files.c[name]
    for name in (
        "file_id",
        "filename",
        "file_size",
        "mime_type",
        "claimed_type",
        "file_hash",
        "suspicion",
        "owner_id",
        "client_ip",
        "upload_us",
        "blob_id",
    )
)


def list_quarantined(
    database: Database, *, page: int, size: int, before_us: int | None = None
) -> Sequence[Row[Any]]:
    """One page of the files in quarantine, newest first; or only those uploaded before a moment."""
    statement = select(*_COLUMNS).where(files.c.state == QUARANTINED)
    if before_us is not None:
        statement = statement.where(files.c.upload_us < before_us)
    statement = statement.order_by(files.c.upload_us.desc(), files.c.id.desc())
    statement = statement.limit(size).offset((page - 1) * size)
    return database.rows(statement)


def search_quarantined(
    database: Database, *, name: str, reason: str, page: int, size: int, cursor: str
) -> tuple[Sequence[Row[Any]], int, str | None]:
    """One page of the files in quarantine, newest first, the number of all that match, and the cursor that leads on.

    Raises ValidationFailed for a foreign cursor.
    """
    wanted = [files.c.state == QUARANTINED, *has_name(name, pending=bool(name))]
    if reason:
        kept = literal(",") + files.c.suspicion + literal(",")
        wanted.append(func.instr(kept, literal(f",{reason},", files.c.suspicion.type)) > 0)
    after = [older(*paging.decode(cursor))] if cursor else []
    statement = select(*_COLUMNS, files.c.id).where(*wanted, *after)
    statement = statement.order_by(files.c.upload_us.desc(), files.c.id.desc())
    rows = database.rows(statement.limit(size + 1).offset(0 if cursor else (page - 1) * size))
    total = database.scalar(select(func.count()).select_from(files).where(*wanted))
    last = paging.encode(rows[size - 1].upload_us, rows[size - 1].id) if len(rows) > size else None
    return rows[:size], int(total), last


def is_dangerous(database: Database, store: LocalStore, row: Row[Any]) -> bool:
    """True if a file in quarantine would be put there today.

    Raises NotFound for one that was purged meanwhile, StorageFailed where its bytes cannot be read.
    """
    blob = database.row(select(blobs.c.path).where(blobs.c.id == row.blob_id))
    if blob is None:
        raise errors.NotFound
    with store.open(blob.path) as file:
        kept = Kept(file, row.file_size)
        seen = inspect(kept.head, row.claimed_type, row.filename, kept)
        return bool(judge(kept, row.filename, seen).content)


def release(op: Operation, file_id: str) -> None:
    """Serve a file after all. Raises NotFound if it is not in quarantine."""

    def work(connection: Connection) -> None:
        row = _note(connection, op, file_id)
        kept = files.c.file_id == row.file_id, files.c.state == QUARANTINED
        if connection.execute(update(files).where(*kept).values(state=LIVE)).rowcount != 1:
            raise errors.NotFound("There is no such file in quarantine.")

    op.change(work)


def purge(op: Operation, file_id: str) -> None:
    """Delete a file in quarantine for ever. Raises NotFound if it is not there (any more)."""

    def work(connection: Connection) -> None:
        row = _note(connection, op, file_id)
        end_file(connection, file_id, row.blob_id, DELETED, among=(QUARANTINED,))

    op.change(work)


def _note(connection: Connection, op: Operation, file_id: str) -> Row[Any]:
    row = connection.execute(select(*_COLUMNS).where(files.c.file_id == file_id)).one_or_none()
    if row is None or row.file_id != file_id:  # MariaDB overlooks spaces at the end
        raise errors.NotFound("There is no such file in quarantine.")
    details = {"filename": row.filename, "sha256": row.file_hash, "suspicion": row.suspicion.split(",")}
    op.note(resource_id=file_id, file_type=row.mime_type, file_size=row.file_size, details=details)
    return row
