"""The history of a file: who did what with it, when and from where, as the audit log has it.

Rows are read by the index over (resource, time, id), a bounded number for each page: so a page costs the same at any
depth, however long the log is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select

from filewallball.addresses import shown_network
from filewallball.clock import LATEST_US, rfc3339
from filewallball.database.columns import equals
from filewallball.database.connections import Database
from filewallball.database.dialect import by_index
from filewallball.files.lookup import find_file
from filewallball.files.ownership import check_visible, no_right_to_update, owns
from filewallball.files.rows import FoundFile
from filewallball.recording.caller import Caller
from filewallball.recording.event import SUCCESS
from filewallball.recording.operations import Operation
from filewallball.recording.tables import audit_log
from filewallball.web import paging

FULL, NETWORK, NONE = "full", "network", "none"
ALL, FETCHES, DOWNLOADS, CHANGES = "all", "fetches", "downloads", "changes"
ANONYMOUS = "anonymous"
_DOWNLOADS = frozenset({"file:download", "file:view"})
_FETCHES = _DOWNLOADS | {"file:thumbnail"}
_CHANGES = frozenset(
    {"file:upload", "file:replay", "file:update", "file:delete", "file:expire", "file:release", "file:scan"}
)
_ACTIONS = {FETCHES: _FETCHES, DOWNLOADS: _DOWNLOADS, CHANGES: _CHANGES}
_MOST_LOOKED_AT = 1000
_IN_TIME = audit_log.c.timestamp_us.between(0, LATEST_US)
"""Rows of no time that can be shown are not the service's own."""
_NAMES = ("id", "timestamp_us", "action", "status", "error_type", "user_id", "username", "ip_address")
_MORE = ("link_id", "request_id", "file_size", "count", "details", "block_id")
_COLUMNS = [audit_log.c[name] for name in (*_NAMES, *_MORE)]
_KEYS = select(audit_log.c.timestamp_us, audit_log.c.id, audit_log.c.action).order_by(
    audit_log.c.timestamp_us.desc(), audit_log.c.id.desc()
)
_OF_FILE = by_index(_KEYS, audit_log, "ix_audit_log_resource")
_OF_LINK = by_index(_KEYS, audit_log, "ix_audit_log_link")


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some rows, newest first, and the cursor that leads on; a page may be short, or empty, before the last one."""

    rows: Sequence[Mapping[str, Any]]
    next_cursor: str | None


class Histories:
    """Reads the histories of files. `addresses` says how much of a client's address is told."""

    def __init__(self, database: Database, addresses: str) -> None:
        self._database = database
        self._addresses = addresses

    def read(
        self, op: Operation, file_id: str, *, include: str, link_id: str, cursor: str, limit: int
    ) -> HistoryPage:
        """One page, of one link's requests alone if it is named.

        Raises NotFound, Expired, AuthMissing, Forbidden, or ValidationFailed for a foreign cursor.
        """
        file = self._readable(op, file_id)
        wanted = [equals(audit_log.c.resource_id, file.file_id), _IN_TIME]
        wanted += [equals(audit_log.c.link_id, link_id)] if link_id else []
        wanted += [_older(*paging.decode(cursor))] if cursor else []
        actions = _ACTIONS.get(include)
        most = limit + 1 if actions is None else _MOST_LOOKED_AT
        statement = (_OF_LINK if link_id else _OF_FILE).where(*wanted).limit(most)

        def look(connection: Connection) -> tuple[Sequence[Row[Any]], Sequence[Any], bool]:
            keys: Sequence[Any] = connection.execute(statement).all()
            found = [key for key in keys if actions is None or key.action in actions]
            is_last = len(found) <= limit and len(keys) < most
            seen = found[:limit] if len(found) > limit or is_last else keys
            ids = [key.id for key in found[:limit]]
            rows = connection.execute(select(*_COLUMNS).where(audit_log.c.id.in_(ids))).all() if ids else []
            return rows, seen, is_last

        rows, seen, is_last = self._database.query(look)
        last = None if is_last or not seen else paging.encode(seen[-1].timestamp_us, seen[-1].id)
        rows = sorted(rows, key=lambda row: (row.timestamp_us, row.id), reverse=True)
        return HistoryPage([self._shown(row) for row in rows if _is_sound(row)], last)

    def _readable(self, op: Operation, file_id: str) -> FoundFile:
        """The file, if the caller may read its history: of one that has ended as well, if it was theirs."""
        row = find_file(self._database, file_id)
        if row is not None and _may_read(op.caller, row):
            op.note(file_type=row.mime_type, details={"filename": row.filename})
            return row
        check_visible(op, row)
        raise no_right_to_update(op.caller)

    def _shown(self, row: Row[Any]) -> dict[str, Any]:
        details = details_of(row.details)
        changes = details.get("changes") if row.action == "file:update" else None
        is_fetch = row.action in _FETCHES
        by_nginx = is_fetch and details.get("delivery") == "nginx"
        return {
            "timestamp": rfc3339(row.timestamp_us),
            "action": row.action,
            "status": row.status,
            "error_type": row.error_type,
            "actor": row.username or ANONYMOUS,
            "address": self._address(row.ip_address),
            "link_id": row.link_id or None,
            "request_id": row.request_id,
            "bytes": row.file_size,
            "count": row.count,
            "sent_by_nginx": by_nginx,
            "complete": row.status == SUCCESS if is_fetch and not by_nginx else None,
            "changes": changes if isinstance(changes, dict) else None,
        }

    def _address(self, address: str) -> str | None:
        if self._addresses == NONE or not address:
            return None
        return address if self._addresses == FULL else shown_network(address)


def _may_read(caller: Caller, file: FoundFile) -> bool:
    """True of the file's owner and of administrators. Who else may read a history is to be added here."""
    return owns(caller, file)


def _older(moment: int, row_id: int) -> ColumnElement[bool]:
    return and_(
        audit_log.c.timestamp_us <= moment, or_(audit_log.c.timestamp_us < moment, audit_log.c.id < row_id)
    )


def _is_sound(row: Row[Any]) -> bool:
    """True unless the row is known, or seen, not to be the service's own; the audit log shows it as it is."""
    is_refused = row.block_id is not None and row.block_id < 1
    numbers = row.timestamp_us, row.file_size, row.count
    return not is_refused and all(type(number) is int for number in numbers)


def details_of(text: str) -> dict[str, Any]:
    """The details of a row; none where they were too long to keep, or cannot be read, of which verification tells."""
    try:
        details = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        return {}
    return details if isinstance(details, dict) else {}
