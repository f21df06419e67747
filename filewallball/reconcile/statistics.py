"""Comparing the sums with the sealed audit log: a recount by the database itself, an hour at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import add
from typing import Any

from sqlalchemy import Connection, Select, Table, and_, case, exists, func, select

from filewallball.database.connections import Database
from filewallball.recording.event import FAILED, SUCCESS
from filewallball.recording.tables import audit_log
from filewallball.stats.calendar import DAY_HOURS, HOUR_US, date_of
from filewallball.stats.rebuild import first_whole_hour, known_days
from filewallball.stats.tables import (
    daily_distinct,
    daily_seen,
    latency_hourly,
    upload_errors_daily,
    usage_client_daily,
    usage_hourly,
    usage_kinds,
    usage_link_daily,
)
from filewallball.stats.tally import CLIENT, SUSPICIOUS, TRANSFERS, UPLOAD, USER

_KEY = ("action", "status", "error_type", "file_type")
_NUMBERS = ("count", "bytes", "duration_us", "timed", "hits", "lookups")
_TIMED = _NUMBERS.index("timed")
_CHUNK = 500
Numbers = tuple[int, ...]
Sums = dict[Any, Numbers]


def disagreements(database: Database) -> tuple[int, list[str]]:
    """Count the sealed operations that the log still holds completely, and list where the sums differ."""
    first = database.query(first_whole_hour)
    found: list[str] = []
    total = 0
    for day in database.query(lambda connection: list(known_days(connection, first))):
        count, wrong = database.snapshot(lambda connection: _compare(connection, day, first))  # noqa: B023
        total += count
        found += wrong
    return total, found + database.query(lambda connection: _strays(connection, first))


@dataclass(slots=True)
class _Recount:
    """Sums of one day's log: by client and kind, by link and kind, by those who were seen, and by client of failed
    uploads."""

    clients: Sums = field(default_factory=dict)
    links: Sums = field(default_factory=dict)
    seen: Sums = field(default_factory=dict)
    errors: Sums = field(default_factory=dict)

    def add(self, address: str, user_id: int, link_id: str, kind: tuple[str, ...], numbers: Numbers) -> None:
        """Count some rows of the log, which are of one client, user, link and kind."""
        count, size = numbers[:2]
        action, status = kind[:2]
        done = (
            count,
            size if status == SUCCESS and action in TRANSFERS else 0,
            count if status == FAILED else 0,
        )
        if link_id:
            _add(self.links, (link_id, *kind), numbers[:2])
        if user_id:
            _add(self.seen, (USER, str(user_id)), done)
        if address:
            _add(self.seen, (CLIENT, address), done)
            _add(self.clients, (address, *kind), numbers[: len(_NUMBERS)])
            if (action, status) == (UPLOAD, FAILED):
                _add(self.errors, (address,), (count,))


def _compare(connection: Connection, day: int, first: int) -> tuple[int, list[str]]:
    total, found, recount = 0, [], _Recount()
    for hour in range(max(first, day * DAY_HOURS), (day + 1) * DAY_HOURS):
        usage, times = Sums(), Sums()
        for address, user_id, link_id, kind, numbers in _logged(connection, hour):
            total += numbers[0]
            _add(usage, kind, numbers)
            if address and numbers[_TIMED]:
                _add(times, kind[:1], (numbers[_TIMED],))
            recount.add(address, user_id, link_id, kind, numbers)
        at = f"{date_of(day)} {hour % DAY_HOURS:02}:00"
        found += [at] if usage != _usage(connection, hour) else []
        found += [f"response times of {at}"] if times != _times(connection, hour) else []
    if first <= day * DAY_HOURS:
        found += [f"{what} of {date_of(day)}" for what in _wrong_of_day(connection, day, recount)]
    return total, found


def _wrong_of_day(connection: Connection, day: int, recount: _Recount) -> Iterator[str]:
    who = [key for _, key in sorted(key for key in recount.seen if key[0] == CLIENT)]
    distinct = {(kind,): (sum(key[0] == kind for key in recount.seen),) for kind in (CLIENT, USER)}
    if recount.seen != _of_day(connection, daily_seen, day, 2):
        yield "clients and users"
    if distinct != {**dict.fromkeys(distinct, (0,)), **_of_day(connection, daily_distinct, day, 1)}:
        yield "distinct clients and users"
    if recount.errors != _of_day(connection, upload_errors_daily, day, 1):
        yield "failed uploads"
    if recount.clients != _uses(connection, day, who):
        yield "uses by client"
    if recount.links != _uses_by_link(connection, day):
        yield "uses by link"


def _logged(connection: Connection, hour: int) -> Iterator[tuple[str, int, str, tuple[str, ...], Numbers]]:
    count, asked = audit_log.c["count"], audit_log.c.cache != "none"
    is_suspicious = and_(audit_log.c.action == UPLOAD, func.instr(audit_log.c.details, SUSPICIOUS) > 0)
    numbers = (
        count,
        audit_log.c.file_size * count,
        audit_log.c.duration_us * count,
        case((audit_log.c.duration_us > 0, count), else_=0),
        case((audit_log.c.cache == "hit", count), else_=0),
        case((asked, count), else_=0),
        case((is_suspicious, count), else_=0),
    )
    link_id = func.coalesce(audit_log.c.link_id, "")
    keys = [audit_log.c.ip_address, audit_log.c.user_id, link_id, *(audit_log.c[name] for name in _KEY)]
    within = audit_log.c.timestamp_us.between(hour * HOUR_US, (hour + 1) * HOUR_US - 1)
    statement = select(*keys, *map(func.sum, numbers)).where(audit_log.c.block_id > 0, within).group_by(*keys)
    for key, found in _by_key(connection, statement, len(keys)).items():
        yield key[0], key[1], key[2], key[3:], found


def _usage(connection: Connection, hour: int) -> Sums:
    columns = [
        *(usage_kinds.c[name] for name in _KEY),
        *(usage_hourly.c[name] for name in (*_NUMBERS, "suspicious")),
    ]
    statement = select(*columns).join_from(
        usage_hourly, usage_kinds, usage_kinds.c.id == usage_hourly.c.kind_id
    )
    return _by_key(connection, statement.where(usage_hourly.c.hour == hour), len(_KEY))


def _times(connection: Connection, hour: int) -> Sums:
    statement = select(latency_hourly.c.action, func.sum(latency_hourly.c["count"])).where(
        latency_hourly.c.hour == hour
    )
    return _by_key(connection, statement.group_by(latency_hourly.c.action), 1)


def _uses(connection: Connection, day: int, addresses: list[str]) -> Sums:
    columns = [
        usage_client_daily.c.client_ip,
        *(usage_kinds.c[name] for name in _KEY),
        *(usage_client_daily.c[name] for name in _NUMBERS),
    ]
    statement = select(*columns).join_from(
        usage_client_daily, usage_kinds, usage_kinds.c.id == usage_client_daily.c.kind_id
    )
    found = Sums()
    for start in range(0, len(addresses), _CHUNK):
        some = usage_client_daily.c.client_ip.in_(addresses[start : start + _CHUNK])
        found |= _by_key(connection, statement.where(some, usage_client_daily.c.day == day), len(_KEY) + 1)
    return found


def _uses_by_link(connection: Connection, day: int) -> Sums:
    columns = (usage_link_daily.c.link_id, *(usage_kinds.c[name] for name in _KEY))
    numbers = (usage_link_daily.c["count"], usage_link_daily.c.bytes)
    statement = select(*columns, *numbers).join_from(
        usage_link_daily, usage_kinds, usage_kinds.c.id == usage_link_daily.c.kind_id
    )
    return _by_key(connection, statement.where(usage_link_daily.c.day == day), len(columns))


def _strays(connection: Connection, first: int) -> list[str]:
    """Days on which sums of clients stand that were not there at all."""
    of, seen = usage_client_daily.c, daily_seen.c
    there = exists().where(seen.day == of.day, seen.kind == CLIENT, seen.key == of.client_ip)
    whole = -(-first // DAY_HOURS)
    days = select(of.day).where(of.day >= whole, ~there).distinct().order_by(of.day)
    return [f"uses by nobody on {date_of(day)}" for day in connection.execute(days).scalars()]


def _of_day(connection: Connection, of: Table, day: int, width: int) -> Sums:
    """Read a table's sums of a day; after the day come `width` more columns of its key, then numbers."""
    columns = [column for column in of.columns if column is not of.c.day]
    return _by_key(connection, select(*columns).where(of.c.day == day), width)


def _by_key(connection: Connection, statement: Select[Any], width: int) -> Sums:
    return {tuple(row[:width]): tuple(map(int, row[width:])) for row in connection.execute(statement)}


def _add(sums: Sums, key: Any, numbers: Numbers) -> None:
    known = sums.get(key)
    sums[key] = numbers if known is None else tuple(map(add, known, numbers))
