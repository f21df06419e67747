"""Whether the sums are what the sealed audit log says: a recount by the database itself, hour by hour."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, and_, case, func, select

from filewallball.database import Database
from filewallball.stats.calendar import DAY_HOURS, HOUR_US, date_of
from filewallball.stats.models import DailyDistinct, DailySeen, UsageHourly, UsageKind
from filewallball.stats.rebuild import first_whole_hour, known_days
from filewallball.stats.tally import CLIENT
from filewallball.stats.view import AUDIT

_HOURLY: Any = UsageHourly.__table__
_KINDS: Any = UsageKind.__table__
_SEEN: Any = DailySeen.__table__
_DISTINCT: Any = DailyDistinct.__table__
_KEY = ("action", "status", "error_type", "file_type")
_NUMBERS = ("count", "bytes", "duration_us", "timed", "hits", "lookups")


def disagreements(database: Database) -> tuple[int, list[str]]:
    """How many sealed operations the log still holds completely, and where the sums say otherwise."""
    first = database.query(first_whole_hour)
    found: list[str] = []
    total = 0
    for day in database.query(lambda connection: list(known_days(connection, first))):
        count, wrong = database.snapshot(lambda connection: _compare(connection, day, first))  # noqa: B023
        total += count
        found += wrong
    return total, found


def _compare(connection: Connection, day: int, first: int) -> tuple[int, list[str]]:
    total, found, addresses, operations = 0, [], set[str](), 0
    for hour in range(max(first, day * DAY_HOURS), (day + 1) * DAY_HOURS):
        logged, told = _recounted(connection, hour), _told(connection, hour)
        total += sum(numbers[0] for numbers in logged.values())
        if logged != told:
            found.append(f"{date_of(day)} {hour % DAY_HOURS:02}:00")
        for address, count in _clients(connection, hour):
            addresses.add(address)
            operations += count
    if first <= day * DAY_HOURS and (len(addresses), operations, len(addresses)) != _seen(connection, day):
        found.append(f"clients of {date_of(day)}")
    return total, found


def _recounted(connection: Connection, hour: int) -> dict[Any, tuple[int, ...]]:
    count, timed, asked = AUDIT.c["count"], AUDIT.c.duration_us > 0, AUDIT.c.cache != "none"
    numbers = (
        count,
        AUDIT.c.file_size * count,
        AUDIT.c.duration_us * count,
        case((timed, count), else_=0),
        case((AUDIT.c.cache == "hit", count), else_=0),
        case((asked, count), else_=0),
    )
    keys = [AUDIT.c[name] for name in _KEY]
    statement = select(*keys, *map(func.sum, numbers)).where(_within(hour)).group_by(*keys)
    return _by_key(connection, statement)


def _told(connection: Connection, hour: int) -> dict[Any, tuple[int, ...]]:
    columns = [*(_KINDS.c[name] for name in _KEY), *(_HOURLY.c[name] for name in _NUMBERS)]
    statement = select(*columns).join_from(_HOURLY, _KINDS, _KINDS.c.id == _HOURLY.c.kind_id)
    return _by_key(connection, statement.where(_HOURLY.c.hour == hour))


def _by_key(connection: Connection, statement: Any) -> dict[Any, tuple[int, ...]]:
    width = len(_KEY)
    return {tuple(row[:width]): tuple(map(int, row[width:])) for row in connection.execute(statement)}


def _clients(connection: Connection, hour: int) -> Iterator[tuple[str, int]]:
    statement = select(AUDIT.c.ip_address, func.sum(AUDIT.c["count"])).where(
        _within(hour), AUDIT.c.ip_address != ""
    )
    for address, count in connection.execute(statement.group_by(AUDIT.c.ip_address)):
        yield address, int(count)


def _seen(connection: Connection, day: int) -> tuple[int, int, int]:
    mine = _SEEN.c.day == day, _SEEN.c.kind == CLIENT
    rows, operations = connection.execute(select(func.count(), func.sum(_SEEN.c["count"])).where(*mine)).one()
    told = select(_DISTINCT.c["count"]).where(_DISTINCT.c.day == day, _DISTINCT.c.kind == CLIENT)
    return rows, int(operations or 0), connection.execute(told).scalar() or 0


def _within(hour: int) -> Any:
    return and_(AUDIT.c.block_id > 0, AUDIT.c.timestamp_us.between(hour * HOUR_US, (hour + 1) * HOUR_US - 1))
