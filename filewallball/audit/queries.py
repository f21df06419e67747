"""Read the audit log, newest first: by page, by cursor, or all of it in pieces."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, ScalarSelect, select, union_all

from filewallball import errors
from filewallball.audit.filters import AuditFilter, Scope, resolve
from filewallball.audit.totals import count
from filewallball.database.connections import Database
from filewallball.database.dialect import by_index
from filewallball.recording.tables import audit_log
from filewallball.web import paging
from filewallball.web.paging import Page, Total

DEEPEST_ROW = 10_000
_PIECE = 1000
_COLUMNS = audit_log.c
_OF_ANOTHER_KIND = -(2**63)
"""Stands in a cursor for the time of a row that only a forger can have made, no integer: it is read there again."""
_Position = tuple[int | ScalarSelect[Any], int]


def list_events(
    database: Database,
    wanted: AuditFilter,
    *,
    page: int = 1,
    size: int = 50,
    cursor: str = "",
    with_total: bool = True,
) -> Page[Row[Any]]:
    """One page of the log. Raises PageTooDeep past 10,000 rows of offset, ValidationFailed for a foreign cursor."""
    if not cursor and page * size > DEEPEST_ROW:
        raise errors.PageTooDeep(f"page × size may not exceed {DEEPEST_ROW}; follow next_cursor instead.")
    after = _position_at(cursor) if cursor else None
    offset = 0 if cursor else (page - 1) * size

    def work(connection: Connection) -> Page[Row[Any]]:
        scope = resolve(connection, wanted)
        rows = _newest(connection, scope, after, offset, size + 1)
        more = len(rows) > size
        rows = rows[:size]
        return Page(
            rows=rows,
            total=count(connection, scope) if with_total else None,
            page=page,
            size=size,
            next_cursor=_cursor(rows[-1]) if more else None,
        )

    return database.query(work)


def count_events(database: Database, wanted: AuditFilter) -> Total:
    """Count the rows that match."""
    return database.query(lambda connection: count(connection, resolve(connection, wanted)))


def walk(database: Database, wanted: AuditFilter) -> Iterator[Sequence[Row[Any]]]:
    """All matching rows, newest first, in pieces; no connection is held while the caller works on one."""
    scope = database.query(lambda connection: resolve(connection, wanted))
    after: _Position | None = None
    while rows := database.query(_piece(scope, after)):
        yield rows
        if len(rows) < _PIECE:
            return
        after = _position(rows[-1])


def _piece(scope: Scope, after: _Position | None) -> Callable[[Connection], Sequence[Row[Any]]]:
    return lambda connection: _newest(connection, scope, after, 0, _PIECE)


def _newest(
    connection: Connection, scope: Scope, after: _Position | None, offset: int, limit: int
) -> Sequence[Row[Any]]:
    """The rows of a page: their keys first, from indexes alone, then just those rows."""
    branches = scope.branches()
    if not branches:
        return []
    keys = connection.execute(_keys(branches, scope.index, after, offset, limit)).all()
    if not keys:
        return []
    places = {key.id: place for place, key in enumerate(keys)}
    found = connection.execute(select(*_COLUMNS).where(audit_log.c.id.in_(places))).all()
    return sorted(found, key=lambda row: places[row.id])


def _keys(
    branches: list[list[ColumnElement[bool]]],
    index: str | None,
    after: _Position | None,
    offset: int,
    limit: int,
) -> Any:
    """Each branch's newest keys, merged: no branch needs more than offset + limit of them."""
    further = [_older(after)] if after else []
    keys = select(audit_log.c.timestamp_us, audit_log.c.id)
    if index is not None:
        keys = by_index(keys, audit_log, index)
    parts = [
        keys.where(*branch, *further).order_by(audit_log.c.timestamp_us.desc(), audit_log.c.id.desc())
        for branch in branches
    ]
    if len(parts) == 1:
        return parts[0].limit(limit).offset(offset)
    merged = union_all(*(select(part.limit(offset + limit).subquery()) for part in parts)).subquery()
    return (
        select(merged.c.timestamp_us, merged.c.id)
        .order_by(merged.c.timestamp_us.desc(), merged.c.id.desc())
        .limit(limit)
        .offset(offset)
    )


def _older(position: _Position) -> ColumnElement[bool]:
    moment, row_id = position
    return (audit_log.c.timestamp_us <= moment) & (
        (audit_log.c.timestamp_us < moment) | (audit_log.c.id < row_id)
    )


def _position(row: Row[Any]) -> _Position:
    return row.timestamp_us, row.id


def _cursor(row: Row[Any]) -> str:
    moment, row_id = _position(row)
    return paging.encode(moment if type(moment) is int else _OF_ANOTHER_KIND, row_id)


def _position_at(cursor: str) -> _Position:
    moment, row_id = paging.decode(cursor)
    if moment == _OF_ANOTHER_KIND:
        return select(audit_log.c.timestamp_us).where(audit_log.c.id == row_id).scalar_subquery(), row_id
    return moment, row_id
