"""Changing what is known of a file: its name, description, visibility and expiry, never its bytes."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, select, update

from filewallball import errors
from filewallball.clock import now_us, rfc3339
from filewallball.database.connections import Database
from filewallball.files.cache import MetadataCache
from filewallball.files.inspection.labels import extension_of
from filewallball.files.inspection.staged import Kept
from filewallball.files.inspection.suspicion import FLAG, dangers_under
from filewallball.files.lookup import FIND
from filewallball.files.naming import deceptions, display_name
from filewallball.files.ownership import check_visible, find_visible, no_right_to_update, owns
from filewallball.files.rows import FoundFile
from filewallball.files.tables import KEPT, LIVE, PRIVATE, files
from filewallball.recording.operations import Operation
from filewallball.settings.service import Settings
from filewallball.storage.local import LocalStore
from filewallball.text import fold, sanitize_lines

_SHOWN_AS = {"filename": "file_name", "expires_us": "expires_at"}
_CHANGING = ("filename", "description", "visibility", "expires_us")


@dataclass(frozen=True, slots=True)
class FileChange:
    """The columns that are to change, with their new values as they were sent."""

    values: Mapping[str, Any]


class Changes:
    """Changes files for their owners. Takes plain values and an operation, never a request."""

    def __init__(
        self, settings: Settings, database: Database, store: LocalStore, cache: MetadataCache
    ) -> None:
        self._settings = settings
        self._database = database
        self._store = store
        self._cache = cache

    def change(
        self, op: Operation, file_id: str, change: FileChange, versions: Collection[str] | None
    ) -> FoundFile:
        """Change a file and return it. `versions` are those that the caller has seen, None where it does not matter.

        Raises NotFound, Expired, AuthMissing, Forbidden, ValidationFailed, SuspiciousFile, StorageFailed or
        PreconditionFailed.
        """
        row = find_visible(self._database, op, file_id, quarantined=True)
        op.note(file_size=row.file_size)
        if not owns(op.caller, row):
            raise no_right_to_update(op.caller)
        values = _stored(change.values)
        if deceptive := deceptions(str(change.values.get("filename", ""))):
            op.note(details={"suspicion": list(deceptive)})
        if "filename" in values:
            self._judge(op, row, values["filename"])
        self._cache.forget(file_id)

        def work(connection: Connection) -> FoundFile:
            current = self._lock(connection, op, file_id)
            if versions is not None and version_of(current) not in versions:
                raise errors.PreconditionFailed("The file has changed since: read it again.")
            if values.get("visibility") == PRIVATE and not current.owner_id:
                raise errors.ValidationFailed(
                    errors={"visibility": ["A private file needs an owner, and this one has none."]}
                )
            if values:
                connection.execute(update(files).where(files.c.file_id == file_id).values(**values))
            op.note(details={"changes": _differences(current, values)})
            return current._replace(**{name: values[name] for name in _CHANGING if name in values})

        return op.change(work)

    def _judge(self, op: Operation, row: FoundFile, filename: str) -> None:
        """Refuse a name under which the file would not have been served if it had been uploaded so."""
        if row.state != LIVE or extension_of(filename) == extension_of(row.filename):
            return
        with self._store.open(row.path) as file:
            kept = Kept(file, row.file_size)
            known = dangers_under(row.filename, row.claimed_type, kept)
            found = [each for each in dangers_under(filename, row.claimed_type, kept) if each not in known]
        if not found:
            return
        op.note(suspicious=True, details={"suspicion": found})
        if self._settings.suspicious_uploads != FLAG:
            raise errors.SuspiciousFile(f"Under that name: {', '.join(found)}.")

    def _lock(self, connection: Connection, op: Operation, file_id: str) -> FoundFile:
        """The file as it is now, held until the transaction ends. Raises NotFound or Expired."""
        kept = files.c.file_id == file_id, files.c.state.in_(KEPT)
        connection.execute(select(files.c.id).where(*kept).with_for_update())
        found = connection.execute(FIND, {"file_id": file_id}).one_or_none()
        return check_visible(op, None if found is None else FoundFile._make(found), quarantined=True)


def version_of(file: Any) -> str:
    """The entity tag of a file's description: another one as soon as anything in it has changed."""
    values = [getattr(file, name) for name in (*_CHANGING, "state")]
    return hashlib.sha256(orjson.dumps(values)).hexdigest()[:32]


def expiry_of(expires_in: int | None) -> int | None:
    """The moment that lies so many seconds ahead; None for never."""
    return None if expires_in is None else now_us() + expires_in * 1_000_000


def _stored(sent: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(sent)
    if "filename" in values:
        values["filename"] = display_name(values["filename"])
        values["name_folded"] = fold(values["filename"])
    if "description" in values:
        values["description"] = sanitize_lines(values["description"], 4000)
    return values


def _differences(current: FoundFile, values: Mapping[str, Any]) -> dict[str, Any]:
    """The old and the new value of each field that changes, by the name that callers know."""
    found = {}
    for name in _CHANGING:
        old = getattr(current, name)
        if name in values and values[name] != old:
            found[_SHOWN_AS.get(name, name)] = {"old": _told(name, old), "new": _told(name, values[name])}
    return found


def _told(name: str, value: Any) -> Any:
    if name == "expires_us":
        return None if value is None else rfc3339(value)
    return value
