"""The number of rows that match: exact from hourly totals where the filter allows it, else counted up to a bound."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Select, func, literal, or_, select, update

from filewallball.audit.filters import Scope
from filewallball.audit.tables import audit_totals
from filewallball.clock import rfc3339
from filewallball.database.connections import Database
from filewallball.recording.tables import AuditRecord, audit_log
from filewallball.web.paging import Total

COUNT_LIMIT = 100_000
HOUR_US = 3_600_000_000
_DAY_HOURS = 24
_DAY_US = _DAY_HOURS * HOUR_US
_KNOWN_DAYS = range(2_932_897)
"""From the epoch to the end of the year 9999, the last that can be written."""


class Totals:
    """The rollup that keeps the hourly totals."""

    def __init__(self, database: Database) -> None:
        statement = database.dialect.insert(audit_totals)
        more = {"row_count": audit_totals.c.row_count + database.dialect.incoming(statement).row_count}
        self._add = database.dialect.upsert(statement, list(audit_totals.primary_key), more)

    def rollup(self, connection: Connection, rows: Sequence[AuditRecord]) -> None:
        """Count rows that are being sealed."""
        counts = Counter((row.action, row.status, row.timestamp_us // HOUR_US) for row in rows)
        names = ("action", "status", "hour", "row_count")
        connection.execute(
            self._add, [dict(zip(names, (*key, n), strict=True)) for key, n in sorted(counts.items())]
        )


def forget(connection: Connection, condition: ColumnElement[bool]) -> None:
    """Take rows that are about to be pruned out of the totals."""
    start = audit_log.c.timestamp_us - audit_log.c.timestamp_us % HOUR_US
    gone = (
        select(audit_log.c.action, audit_log.c.status, start.label("start"), func.count().label("n"))
        .where(condition)
        .group_by(audit_log.c.action, audit_log.c.status, start)
    )
    for row in connection.execute(gone).all():
        key = zip(audit_totals.primary_key, (row.action, row.status, row.start // HOUR_US), strict=True)
        connection.execute(
            update(audit_totals)
            .where(*(column == value for column, value in key))
            .values(row_count=audit_totals.c.row_count - row.n)
        )


def count(connection: Connection, scope: Scope) -> Total:
    """Count the rows of the log in the scope."""
    statement = _exact(scope) if _is_served(scope) else None
    if statement is None:
        rows = connection.execute(select(_bounded(scope.conditions()))).scalar_one()
        return Total(min(rows, COUNT_LIMIT), rows > COUNT_LIMIT)
    hours, unsealed, before, after = connection.execute(statement).one()
    edges = (min(before, COUNT_LIMIT), min(after, COUNT_LIMIT))
    return Total(int(hours) + unsealed + sum(edges), max(before, after) > COUNT_LIMIT)


def wrong_hours(database: Database) -> list[str]:
    """The hours whose totals are not how many sealed rows the log has of them; a look at the whole log, day by day."""
    found: list[int] = []
    lost = [f"totals of no hour: {hour}" for hour in database.query(_odd_hours)]
    for day in database.query(_days):
        hours = range(day * _DAY_HOURS, (day + 1) * _DAY_HOURS)
        found += database.snapshot(lambda connection: _wrong_in(connection, hours))  # noqa: B023
    return lost + [f"totals of {rfc3339(hour * HOUR_US)}" for hour in found]


def _odd_hours(connection: Connection) -> list[Any]:
    """Hours in the totals that no row can be of: they would add to every answer, and no day's check would find them."""
    counted = select(audit_totals.c.hour).where(audit_totals.c.row_count != 0).distinct()
    return [hour for hour in connection.execute(counted).scalars() if not _is_known(hour)]


def _is_known(hour: Any) -> bool:
    return type(hour) is int and hour // _DAY_HOURS in _KNOWN_DAYS


def _days(connection: Connection) -> list[int]:
    """The days, counted from the epoch, of which there are rows or totals."""
    hours = select(audit_totals.c.hour).where(audit_totals.c.row_count != 0).distinct()
    days = {hour // _DAY_HOURS for hour in connection.execute(hours).scalars() if _is_known(hour)}
    start = 0
    while True:
        later = audit_log.c.timestamp_us >= start
        moment = connection.execute(select(func.min(audit_log.c.timestamp_us)).where(later)).scalar_one()
        if type(moment) is not int or (day := moment // _DAY_US) not in _KNOWN_DAYS:
            return sorted(days)
        days.add(day)
        start = (day + 1) * _DAY_US


def _wrong_in(connection: Connection, hours: range) -> list[int]:
    """Those of the hours that have other totals than rows."""
    told = select(audit_totals).where(
        audit_totals.c.hour.between(hours[0], hours[-1]), audit_totals.c.row_count != 0
    )
    totals: dict[Any, float] = defaultdict(int)
    for row in connection.execute(told):  # each once, if the primary key is still one
        # Text, which SQLite keeps anywhere, equals no number of rows.
        number = row.row_count if type(row.row_count) is int else float("nan")
        totals[row.hour, row.action, row.status] += number
    rows: dict[Any, int] = {}
    for hour in hours:
        moments = audit_log.c.timestamp_us.between(hour * HOUR_US, (hour + 1) * HOUR_US - 1)
        kinds = audit_log.c.action, audit_log.c.status
        counted = select(*kinds, func.count()).where(moments, audit_log.c.block_id > 0).group_by(*kinds)
        rows |= {(hour, action, status): n for action, status, n in connection.execute(counted)}
    keys = totals.keys() | rows.keys()
    return sorted({key[0] for key in keys if totals.get(key) != rows.get(key)})


def _is_served(scope: Scope) -> bool:
    return not scope.wanted.is_selective and not scope.wanted.q


def _exact(scope: Scope) -> Select[Any] | None:
    """Whole hours from the totals, unsealed rows of those hours, and the rows of the hours at both edges; in one
    statement, so that a block sealed meanwhile is seen on one side only."""
    wanted = scope.wanted
    first = -(-wanted.date_from // HOUR_US) if wanted.date_from is not None else None
    end = (wanted.date_to + 1) // HOUR_US if wanted.date_to is not None else None
    if first is not None and end is not None and end <= first:
        return None
    hours, times, before, after = [], [], None, None
    if first is not None:
        hours.append(audit_totals.c.hour >= first)
        times.append(audit_log.c.timestamp_us >= first * HOUR_US)
        before = audit_log.c.timestamp_us < first * HOUR_US
    if end is not None:
        hours.append(audit_totals.c.hour < end)
        times.append(audit_log.c.timestamp_us < end * HOUR_US)
        after = audit_log.c.timestamp_us >= end * HOUR_US
    if scope.actions is not None:
        hours.append(audit_totals.c.action.in_(scope.actions))
    if wanted.status:
        hours.append(audit_totals.c.status == wanted.status)
    rows = scope.conditions()
    unsealed = or_(audit_log.c.block_id.is_(None), audit_log.c.block_id < 0)
    return select(
        select(func.coalesce(func.sum(audit_totals.c.row_count), 0))
        .where(*hours)
        .scalar_subquery()
        .label("hours"),
        _bounded([*rows, *times, unsealed], limit=None).label("unsealed"),
        _bounded([*rows, before]).label("before") if before is not None else literal(0).label("before"),
        _bounded([*rows, after]).label("after") if after is not None else literal(0).label("after"),
    )


def _bounded(conditions: list[ColumnElement[bool]], limit: int | None = COUNT_LIMIT) -> ScalarSelect[int]:
    matches = select(literal(1).label("one")).select_from(audit_log).where(*conditions)
    if limit is not None:
        matches = matches.limit(limit + 1)
    return select(func.count()).select_from(matches.subquery()).scalar_subquery()
