"""Removing: a file is deleted, or ended by a job, and gives back its reference and its quota."""

from sqlalchemy import Connection, select, update

from filewallball import errors
from filewallball.access import refund
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.files.cache import MetadataCache
from filewallball.files.ownership import find_visible, holds_token, no_right_to_delete, owns
from filewallball.files.tables import DELETED, KEPT, blobs, files
from filewallball.recording.operations import Operation


class Removals:
    """Deletes files for their owners. Takes plain values and an operation, never a request."""

    def __init__(self, database: Database, cache: MetadataCache) -> None:
        self._database = database
        self._cache = cache

    def delete(self, op: Operation, file_id: str, delete_token: str) -> None:
        """Delete a file for ever. Raises NotFound, Expired, AuthMissing or Forbidden."""
        row = find_visible(self._database, op, file_id, delete_token, quarantined=True)
        op.note(file_size=row.file_size, details={"sha256": row.file_hash})
        if not (owns(op.caller, row) or holds_token(delete_token, row)):
            raise no_right_to_delete(op.caller, delete_token)
        self._cache.forget(file_id)
        op.change(lambda connection: end_file(connection, file_id, row.blob_id, DELETED))


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
