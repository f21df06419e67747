"""Fetching: a file is described, looked up for sending, opened, and put on record as it was sent."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from sqlalchemy import Row, select

from filewallball import errors, permissions
from filewallball.access.tables import users
from filewallball.database.connections import Database
from filewallball.files.cache import HIT, MetadataCache
from filewallball.files.delivery import Content, Delivery
from filewallball.files.lookup import find_file
from filewallball.files.ownership import check_visible, find_visible, owns
from filewallball.files.rows import FoundFile
from filewallball.files.scanning import Scanner
from filewallball.files.stored import StoredFile, shown
from filewallball.files.tables import LIVE
from filewallball.recording.caller import Caller
from filewallball.recording.operations import Operation
from filewallball.settings.service import Settings
from filewallball.storage.local import LocalStore


class Downloads:
    """Fetching files for readers, in one process. Takes plain values and an operation, never a request."""

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

    def describe(self, op: Operation, file_id: str) -> StoredFile:
        """A file's metadata. Raises NotFound or Expired."""
        row = find_visible(self._database, op, file_id, quarantined=op.caller.may(permissions.QUARANTINE))
        op.note(file_size=row.file_size)
        return self.described(op, row)

    def described(self, op: Operation, row: FoundFile) -> StoredFile:
        """A file that was looked up, with its owner's name for whoever may know it."""
        return self.listed(op.caller, [row])[0]

    def listed(self, caller: Caller, rows: Sequence[FoundFile | Row[Any]]) -> list[StoredFile]:
        """Files of a list, each with its owner's name for whoever may know it: one query for all names."""
        names = self._owner_names(caller, rows)
        return [replace(self.shown(row), owner=names.get(row.owner_id)) for row in rows]

    def fetch(self, op: Operation, file_id: str, *, is_shared: bool = False) -> Content:
        """Find a file to send; one that is shared with the caller may be another's private one. Raises NotFound,
        Expired, ScanPending, InfectedFile or ContentDamaged."""
        row, cache = self._cache.find(file_id, lambda: find_file(self._database, file_id))
        if cache == HIT and row is not None and row.damaged_us is not None:
            row = find_file(self._database, file_id)  # somebody may have brought the bytes again
        op.note(cache=cache)
        file = check_visible(op, row, is_shared=is_shared)
        self._scanner.check_servable(file.scan_state)
        if file.damaged_us is not None:
            raise errors.ContentDamaged
        return Content(
            file_id=file.file_id,
            filename=file.filename,
            media_type=file.mime_type,
            size=file.file_size,
            sha256=file.file_hash,
            modified_us=file.upload_us,
            path=file.path,
            claimed_type=file.claimed_type,
        )

    def open(self, content: Content) -> BinaryIO:
        """The bytes of a file, or those that took their place since the cache heard of it. Raises StorageFailed."""
        try:
            return self._store.open(content.path)
        except errors.StorageFailed:
            row = find_file(self._database, content.file_id)
            if row is None or row.state != LIVE or row.path == content.path:
                raise
            return self._store.open(row.path)

    def delivered(self, op: Operation, delivery: Delivery) -> None:
        """End a fetch: what was sent, by whom, and whether all of it arrived."""
        if delivery.kind == "check":
            op.note(action="file:check")
        op.note(file_size=delivery.bytes_sent, details={"delivery": delivery.by, "kind": delivery.kind})
        if delivery.by == "nginx":
            op.exclude_from_timing()
        if delivery.bytes_sent < delivery.bytes_expected and delivery.by == "app":
            op.note(details={"expected": delivery.bytes_expected})
            op.finish(errors.NetworkError())
        else:
            op.finish()

    def _owner_names(self, caller: Caller, rows: Sequence[FoundFile | Row[Any]]) -> dict[int, str]:
        """The names by id of those owners whom the caller may know; empty for nobody, and for a user who is gone."""
        names = {row.owner_id: "" for row in rows if owns(caller, row)}
        if caller.user_id in names and caller.user_id:
            names[caller.user_id] = caller.username
        if others := [user_id for user_id in names if user_id not in (0, caller.user_id)]:
            found = self._database.rows(select(users.c.id, users.c.username).where(users.c.id.in_(others)))
            names.update((row.id, str(row.username)) for row in found)
        return names

    def shown(self, file: FoundFile | Row[Any]) -> StoredFile:
        """A file or a row of `COLUMNS` as the API shows it."""
        return shown(file, self._settings.public_url)
