"""Listing files: public ones and the caller's own, newest first, by page or cursor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, literal, or_, select, union_all

from filewallball import errors, permissions
from filewallball.clock import now_us, to_us
from filewallball.database.connections import Database
from filewallball.files.lookup import COLUMNS
from filewallball.files.tables import LIVE, PUBLIC, files
from filewallball.recording.caller import Caller
from filewallball.web import paging
from filewallball.web.paging import Page, Total

DEEPEST_ROW = 10_000
_COUNT_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class FileFilter:
    """A filter for lists of files. Sizes are bytes; a date without a zone is UTC."""

    type: str = ""
    name: str = ""
    date_from: datetime | None = None
    date_to: datetime | None = None
    size_min: int | None = None
    size_max: int | None = None


def list_files(
    database: Database, caller: Caller, wanted: FileFilter, *, page: int, size: int, cursor: str = ""
) -> Page[Row[Any]]:
    """One page. Raises PageTooDeep past 10,000 rows of offset, ValidationFailed for a foreign cursor."""
    if not cursor and page * size > DEEPEST_ROW:
        raise errors.PageTooDeep(f"page × size may not exceed {DEEPEST_ROW}; follow next_cursor from page 1.")
    scopes = [[*scope, *_conditions(wanted)] for scope in _scopes(caller)]
    offset = 0 if cursor else (page - 1) * size
    after = [_after(cursor)] if cursor else []
    statement = _newest([[*scope, *after] for scope in scopes], offset, size + 1)
    count = _count(scopes)

    def work(connection: Connection) -> tuple[Sequence[Row[Any]], int]:
        return connection.execute(statement).all(), int(connection.execute(count).scalar_one())

    rows, total = database.query(work)
    more = len(rows) > size
    rows = rows[:size]
    return Page(
        rows=rows,
        total=Total(min(total, _COUNT_LIMIT), is_lower_bound=total > _COUNT_LIMIT),
        page=page,
        size=size,
        next_cursor=paging.encode(rows[-1].upload_us, rows[-1].id) if more else None,
    )


def _scopes(caller: Caller) -> list[list[ColumnElement[bool]]]:
    """Disjoint sets that together hold what the caller may list, each with an index of its own."""
    if caller.may(permissions.ANY_FILE):
        return [[]]
    public = [files.c.visibility == PUBLIC]
    if caller.is_anonymous:
        return [public]
    return [[*public, files.c.owner_id != caller.user_id], [files.c.owner_id == caller.user_id]]


def _conditions(wanted: FileFilter) -> list[ColumnElement[bool]]:
    conditions = [files.c.state == LIVE, or_(files.c.expires_us.is_(None), files.c.expires_us > now_us())]
    if wanted.type.endswith("/*"):
        conditions.append(files.c.mime_type.startswith(wanted.type[:-1], autoescape=True))
    elif wanted.type:
        conditions.append(files.c.mime_type == wanted.type)
    if wanted.name:
        conditions.append(files.c.filename.contains(wanted.name, autoescape=True))
    bounds: Mapping[str, ColumnElement[bool] | None] = {
        "from": files.c.upload_us >= to_us(wanted.date_from) if wanted.date_from else None,
        "to": files.c.upload_us <= to_us(wanted.date_to) if wanted.date_to else None,
        "min": files.c.file_size >= wanted.size_min if wanted.size_min is not None else None,
        "max": files.c.file_size <= wanted.size_max if wanted.size_max is not None else None,
    }
    return conditions + [bound for bound in bounds.values() if bound is not None]


def _after(cursor: str) -> ColumnElement[bool]:
    moment, row_id = paging.decode(cursor)
    return or_(files.c.upload_us < moment, (files.c.upload_us == moment) & (files.c.id < row_id))


def _newest(scopes: list[list[ColumnElement[bool]]], offset: int, limit: int) -> Select[Any]:
    """Each scope's newest rows, merged: no scope needs more than offset + limit of them."""
    parts = [
        select(files.c.id, *COLUMNS)
        .where(*scope)
        .order_by(files.c.upload_us.desc(), files.c.id.desc())
        .limit(offset + limit)
        .subquery()
        for scope in scopes
    ]
    merged = union_all(*(select(part) for part in parts)).subquery()
    return select(merged).order_by(merged.c.upload_us.desc(), merged.c.id.desc()).limit(limit).offset(offset)


def _count(scopes: list[list[ColumnElement[bool]]]) -> Select[Any]:
    parts = [
        select(func.count().label("n")).select_from(
            select(literal(1)).select_from(files).where(*scope).limit(_COUNT_LIMIT + 1).subquery()
        )
        for scope in scopes
    ]
    merged = union_all(*parts).subquery()
    return select(func.sum(merged.c.n))
