"""Listing files: public ones and the caller's own, in any order, by page or cursor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    func,
    literal,
    not_,
    or_,
    select,
    union_all,
)

from filewallball import errors, permissions
from filewallball.access.users import find_user
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.database.dialect import by_index
from filewallball.files.list_order import NEWEST, OWNER_INDEX, PUBLIC_INDEX, Order
from filewallball.files.lookup import COLUMNS
from filewallball.files.name_search import (
    KEYS,
    Conditions,
    count_unfolded,
    find,
    has_in_name,
    has_name,
    is_pending,
)
from filewallball.files.tables import EXPIRED, LIVE, PRIVATE, PUBLIC, UNLISTED, files
from filewallball.recording.caller import Caller
from filewallball.web.paging import Page, Total

DEEPEST_ROW = 10_000
ME = "me"
"""The owner that stands for the caller."""
_COUNT_LIMIT = 100_000
_ROW = (files.c.id, files.c.name_sort, files.c.owner_id, *COLUMNS)


@dataclass(frozen=True, slots=True)
class FileFilter:
    """A filter for lists of files. Sizes are bytes, dates microseconds; the bounds are inclusive."""

    type: str = ""
    name: str = ""
    date_from: int | None = None
    date_to: int | None = None
    size_min: int | None = None
    size_max: int | None = None
    visibility: str = ""
    owner: str = ""
    expired: bool = False
    """Those that have expired, instead of those that are there: one's own, or an administrator's all."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Files with an index of their own: `index` names it, but for the order."""

    index: str
    conditions: Conditions


def list_files(
    database: Database,
    caller: Caller,
    wanted: FileFilter,
    *,
    page: int,
    size: int,
    cursor: str = "",
    sort: str = NEWEST,
) -> Page[Row[Any]]:
    """One page. Raises PageTooDeep past 10,000 rows of offset, ValidationFailed for a foreign cursor, Forbidden for
    another's files as such, NotFound for an owner that does not exist."""
    if not cursor and page * size > DEEPEST_ROW:
        raise errors.PageTooDeep(f"page × size may not exceed {DEEPEST_ROW}; follow next_cursor from page 1.")
    order = Order(sort)
    scopes = [
        Scope(scope.index, [*scope.conditions, *_conditions(wanted)])
        for scope in _scopes(caller, wanted, _owner(database, caller, wanted.owner))
    ]
    offset = 0 if cursor else (page - 1) * size
    after = [order.after(cursor)] if cursor else []
    span = offset, offset + size + 1

    def work(connection: Connection) -> tuple[Sequence[Row[Any]], Total]:
        if not scopes:
            return [], Total(0)
        pending = bool(wanted.name) and is_pending(connection)
        if pending and order.is_newest_first:
            return _search(connection, scopes, wanted.name, after, span)
        named = has_name(wanted.name, pending=pending)
        rows = connection.execute(_first(_ROW, order, scopes, [*named, *after], *span)).all()
        return rows, _seen(rows, after, span) or _total(_count(connection, scopes, named))

    rows, total = database.query(work)
    more = len(rows) > size
    rows = rows[:size]
    return Page(
        rows=rows,
        total=total,
        page=page,
        size=size,
        next_cursor=order.cursor(rows[-1]) if more else None,
    )


def _search(
    connection: Connection, scopes: list[Scope], name: str, after: Conditions, span: tuple[int, int]
) -> tuple[Sequence[Row[Any]], Total]:
    """One page of files with such a name, and their number, where some names are not folded yet."""

    def newest(further: Conditions, limit: int) -> Select[Any]:
        return _first(KEYS, Order(), scopes, further, 0, limit)

    ids = list(islice(find(connection, newest, name, after, older), *span))
    places = {row_id: place for place, row_id in enumerate(ids)}
    found = connection.execute(select(*_ROW).where(files.c.id.in_(ids))).all() if ids else []
    rows = sorted(found, key=lambda row: places[row.id])
    if total := _seen(ids, after, span):
        return rows, total
    folded = _count(connection, scopes, [has_in_name(name)])
    unfolded, are_all = count_unfolded(connection, newest, name, _COUNT_LIMIT)
    total = _total(folded + unfolded)
    return rows, Total(total.rows, total.is_lower_bound or not are_all)


def _owner(database: Database, caller: Caller, name: str) -> int | None:
    """The id of the owner who is meant; None for anybody, 0 for nobody. Raises Forbidden or NotFound."""
    if not name:
        return None
    if name in (ME, caller.username):
        return caller.user_id
    if not caller.may(permissions.ANY_FILE):
        raise errors.Forbidden("Only administrators may ask for the files of others.")
    return int(find_user(database, name).id)


def _scopes(caller: Caller, wanted: FileFilter, owner: int | None) -> list[Scope]:
    """Disjoint sets that together hold what the caller may list, each with an index of its own."""
    visible = [files.c.visibility == wanted.visibility] if wanted.visibility else []
    if owner is not None:
        mine = Scope(OWNER_INDEX, [files.c.owner_id == owner, *visible])
        return [] if owner == 0 and not caller.may(permissions.ANY_FILE) else [mine]
    if caller.may(permissions.ANY_FILE):
        every = (wanted.visibility,) if wanted.visibility else (PUBLIC, UNLISTED, PRIVATE)
        return [Scope(PUBLIC_INDEX, [files.c.visibility == each]) for each in every]
    mine = Scope(OWNER_INDEX, [files.c.owner_id == caller.user_id, *visible])
    others = [files.c.owner_id != caller.user_id] if caller.user_id else []
    public = Scope(PUBLIC_INDEX, [files.c.visibility == PUBLIC, *others])
    found = [public] if wanted.visibility in ("", PUBLIC) and not wanted.expired else []
    return found if caller.is_anonymous else [*found, mine]


def _conditions(wanted: FileFilter) -> Conditions:
    conditions = [files.c.state == EXPIRED]
    if not wanted.expired:
        is_due = files.c.expires_us <= now_us()
        conditions = [files.c.state == LIVE, or_(files.c.expires_us.is_(None), not_(is_due))]
    if wanted.type.endswith("/*"):
        conditions.append(
            func.instr(files.c.mime_type, literal(wanted.type[:-1], files.c.mime_type.type)) == 1
        )
    elif wanted.type:
        conditions.append(files.c.mime_type == wanted.type)
    bounds: Mapping[str, ColumnElement[bool] | None] = {
        "from": files.c.upload_us >= wanted.date_from if wanted.date_from is not None else None,
        "to": files.c.upload_us <= wanted.date_to if wanted.date_to is not None else None,
        "min": files.c.file_size >= wanted.size_min if wanted.size_min is not None else None,
        "max": files.c.file_size <= wanted.size_max if wanted.size_max is not None else None,
    }
    return conditions + [bound for bound in bounds.values() if bound is not None]


def older(moment: int, row_id: int) -> ColumnElement[bool]:
    """The rows after that one, as a range of the index: an OR alone would have the database walk from its start."""
    return and_(files.c.upload_us <= moment, or_(files.c.upload_us < moment, files.c.id < row_id))


def _first(
    columns: Sequence[Any], order: Order, scopes: list[Scope], further: Conditions, start: int, end: int
) -> Select[Any]:
    """Rows `start` to `end` of the scopes in order, merged: no scope needs more than the first `end` of its own."""
    keyed = [*columns, order.column.label("sort_key")]
    parts = [
        by_index(select(*keyed), files, order.index(scope.index))
        .where(*scope.conditions, *further)
        .order_by(*order.by(order.column, files.c.id))
        .limit(end)
        .subquery()
        for scope in scopes
    ]
    merged = union_all(*(select(part) for part in parts)).subquery()
    ordered = select(merged).order_by(*order.by(merged.c.sort_key, merged.c.id))
    return ordered.limit(end - start).offset(start)


def _count(connection: Connection, scopes: list[Scope], further: Conditions) -> int:
    """Count the rows, of each scope no more than it takes to exceed _COUNT_LIMIT."""
    parts = [
        select(func.count().label("n")).select_from(
            select(literal(1))
            .select_from(files)
            .where(*scope.conditions, *further)
            .limit(_COUNT_LIMIT + 1)
            .subquery()
        )
        for scope in scopes
    ]
    merged = union_all(*parts).subquery()
    return int(connection.execute(select(func.sum(merged.c.n))).scalar_one())


def _seen(rows: Sequence[Any], after: Conditions, span: tuple[int, int]) -> Total | None:
    """The number of all rows where these are the last of them and their places are known: nobody need count again."""
    start, end = span
    if after or len(rows) == end - start or (start and not rows):
        return None
    return Total(start + len(rows))


def _total(count: int) -> Total:
    return Total(min(count, _COUNT_LIMIT), is_lower_bound=count > _COUNT_LIMIT)
