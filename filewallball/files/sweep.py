"""The sweep: expires files whose time is up, frees bytes that nobody refers to, clears what crashes left behind."""

import logging
from collections.abc import Callable
from typing import Any

from sqlalchemy import Row, delete, select, update

from filewallball import errors
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.files.removal import end_file
from filewallball.files.tables import EXPIRED, KEPT, blobs, files
from filewallball.recording.operations import Operation
from filewallball.storage.leases import LeaseWatch
from filewallball.storage.local import LocalStore

_BATCH = 200
_DUE = [files.c[name] for name in ("file_id", "filename", "blob_id", "mime_type", "file_size", "file_hash")]
_STAYS = "Bytes that nobody needs cannot be removed"
logger = logging.getLogger("filewallball.sweep")


class Sweep:
    """Several may run at once, on one host or many: every step is a conditional update or happens under a lock."""

    def __init__(
        self,
        database: Database,
        store: LocalStore,
        begin: Callable[[str, str], Operation],
        forget: Callable[[str], None] = lambda file_id: None,
        leases: LeaseWatch | None = None,
    ) -> None:
        """`forget` bars a file from caches; it is called before the file ends."""
        self._leases = leases or LeaseWatch(database)
        self._forget = forget
        self._database = database
        self._store = store
        self._begin = begin

    def run(self) -> None:
        """Do all that is due every few seconds: expire files, remove and condemn blobs."""
        self._store.check_mounted()
        self.expire_files()
        self.remove_condemned()
        self.condemn_unreferenced()

    def clear_litter(self) -> int:
        """Remove stages and blob files that a killed worker left; what an upload holds stays."""
        if self._leases.is_any_held():
            return 0
        return self._store.drop_abandoned_stages() + sum(
            1 for path in self._store.blobs() if self._drop_if_orphan(path)
        )

    def expire_files(self) -> int:
        """End files whose time has come, each as an operation of its own."""
        due = (
            select(*_DUE)
            .where(files.c.state.in_(KEPT), files.c.expires_us <= now_us())
            .order_by(files.c.expires_us)
            .limit(_BATCH)
        )
        rows = self._database.rows(due)
        return sum(self._expire(row) for row in rows)

    def condemn_unreferenced(self) -> int:
        """Mark blobs without references: from now on the same bytes get a new blob. Unlinked by the next pass, so that
        a download which was let through a moment ago still finds its file."""
        candidates = select(blobs.c.id).where(blobs.c.refs == 0, blobs.c.live == 1).limit(_BATCH)
        ids = self._database.scalars(candidates)
        if not ids:
            return 0
        condemn = (
            update(blobs).where(blobs.c.id.in_(ids), blobs.c.refs == 0, blobs.c.live == 1).values(live=None)
        )
        with self._database.begin() as connection:
            return connection.execute(condemn).rowcount

    def remove_condemned(self) -> int:
        """Unlink condemned blobs, then drop their rows; not while somebody holds a lease. Returns how many went."""
        if self._leases.is_any_held():
            return 0
        rows = self._database.rows(
            select(blobs.c.id, blobs.c.path).where(blobs.c.refs == 0, blobs.c.live.is_(None)).limit(_BATCH)
        )
        return sum(self._remove(row) for row in rows)

    def _remove(self, row: Row[Any]) -> bool:
        """Remove one condemned blob. One that cannot be unlinked stays, and keeps no other from going."""
        try:
            self._store.remove(row.path)
        except (errors.StorageFailed, ValueError):  # the latter where somebody changed the row
            logger.warning(_STAYS, extra={"blob": row.path})
            return False
        with self._database.begin() as connection:
            connection.execute(delete(blobs).where(blobs.c.id == row.id, blobs.c.live.is_(None)))
        return True

    def _expire(self, row: Row[Any]) -> bool:
        try:
            with self._begin("file:expire", row.file_id) as op:
                details = {"filename": row.filename, "sha256": row.file_hash}
                op.note(file_type=row.mime_type, file_size=row.file_size, details=details)
                self._forget(row.file_id)
                op.change(lambda connection: end_file(connection, row.file_id, row.blob_id, EXPIRED))
        except errors.NotFound:
            return False  # deleted, or expired by another sweep, in between
        return True

    def _drop_if_orphan(self, path: str) -> bool:
        """Remove a blob file without a row: only under its own lock and after a second look at the database."""
        if self._is_known(path):
            return False
        try:
            with self._store.try_lock(path) as won:
                if not won or self._is_known(path) or self._leases.is_any_held():
                    return False
                self._store.remove(path)
        except errors.StorageFailed:
            logger.warning(_STAYS, extra={"blob": path})
            return False
        logger.info("orphan blob removed", extra={"blob": path})
        return True

    def _is_known(self, path: str) -> bool:
        return self._database.row(select(blobs.c.id).where(blobs.c.path == path)) is not None
