"""Statistics at one moment: the sums of sealed rows and the rows not yet sealed, read in one snapshot.

Sums over hours that no row arrives in any more are remembered; `usage_state.revision`, read in the same snapshot, says
whether they still hold. To those of the newest hours, the rows of new blocks are added while they are few. So an answer
costs as much as the rows since the last one, at most as the newest hours, however long the log is.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from operator import add, attrgetter
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from filewallball.database.connections import Database
from filewallball.recording.tables import audit_chain, audit_log
from filewallball.stats.cache import Cache
from filewallball.stats.calendar import DAY_HOURS
from filewallball.stats.rollup import OPEN_HOURS, known_keys
from filewallball.stats.tables import (
    daily_distinct,
    inventory,
    latency_hourly,
    usage_client_daily,
    usage_hourly,
    usage_kinds,
    usage_link_daily,
    usage_state,
)
from filewallball.stats.tally import UPLOAD, OperationKind, Stock, Sums, Tally

T = TypeVar("T")
Numbers = tuple[int, ...]
Read = Callable[[int, int | None], dict[Any, Numbers]]
"""A function that reads sums from one hour on, up to another."""
Pick = Callable[[Tally], dict[Any, Numbers]]
"""A function that takes what a `Read` reads out of a tally."""
_NAMES = ("timestamp_us", "action", "status", "error_type", "user_id", "ip_address")
_NUMBERS = ("file_type", "file_size", "duration_us", "cache", "count", "link_id")
ROWS = select(
    *(audit_log.c[name] for name in (*_NAMES, *_NUMBERS)),
    case((audit_log.c.action == UPLOAD, audit_log.c.details), else_="").label("details"),
)
"""The rows of the audit log, with the columns that a Tally reads."""
BLOCKS_FOLLOWED = 200
"""The number of blocks for which a ranking is kept up to date: each adds clients whose changes are followed."""
_HEAD = select(audit_chain.c.number, usage_state.c.newest_hour, usage_state.c.revision).join_from(
    audit_chain, usage_state, usage_state.c.id == 1
)
SUMS = ("count", "bytes", "duration_us", "timed", "hits", "lookups", "suspicious")
numbers_of: Callable[[Sums], Numbers] = attrgetter(*SUMS)
_MOST_NEWS = 500
"""The rows of new blocks that are added to what is remembered; of more, the sums of the newest hours are read again."""


class Statistics:
    """The source of snapshots; one for each process, which remembers sums."""

    def __init__(self, database: Database, blocked_networks: Callable[[], int]) -> None:
        self.blocked_networks = blocked_networks
        self._database = database
        self._cache = Cache()
        self._kinds: dict[int, OperationKind] = {}

    def at_once(self, work: Callable[["Snapshot"], T]) -> T:
        """`work` on a snapshot of this moment."""
        return self._database.snapshot(
            lambda connection: work(Snapshot(connection, self._cache, self._kinds))
        )


class Snapshot:
    """The statistics at one moment."""

    def __init__(self, connection: Connection, cache: Cache, kinds: dict[int, OperationKind]) -> None:
        self.connection = connection
        self._cache = cache
        self._kinds = kinds
        head = connection.execute(_HEAD).one()
        self._revision = head.revision
        self.number: int = head.number
        """The last block."""
        self._version = head.number, head.revision
        self._closed = head.newest_hour - OPEN_HOURS + 1
        self._unsealed: Tally | None = None
        self._news: dict[int, Tally | None] = {}

    @property
    def unsealed(self) -> Tally:
        """The rows that no block seals yet."""
        if self._unsealed is None:
            self._unsealed = self.tally(audit_log.c.block_id.is_(None))
        return self._unsealed

    def news(self, number: int) -> Tally | None:
        """The rows of the blocks after this one; None if they are many."""
        if number not in self._news:
            later = audit_log.c.block_id.between(number + 1, self.number)
            rows: list[Any] = list(self.connection.execute(ROWS.where(later).limit(_MOST_NEWS + 1)))
            self._news[number] = Tally().add_all(rows) if len(rows) <= _MOST_NEWS else None
        return self._news[number]

    def tally(self, *conditions: ColumnElement[bool]) -> Tally:
        """Add up rows of the audit log."""
        return Tally().add_all(self.connection.execute(ROWS.where(*conditions)))

    def usage(self, first_hour: int) -> dict[OperationKind, Sums]:
        """The sums of all operations since an hour began, by kind."""

        def pick(tally: Tally) -> dict[Any, Numbers]:
            of = ((kind, sums) for (hour, kind), sums in tally.usage.items() if hour >= first_hour)
            return summed((self.key(kind), numbers_of(sums)) for kind, sums in of)

        found = self.sums("usage", first_hour, self._read_usage, pick)
        return {self.kind(key): Sums(*numbers) for key, numbers in found.items()}

    def latency(self, first_hour: int) -> dict[int, int]:
        """Count operations of clients by the bucket of their duration."""

        def pick(tally: Tally) -> dict[Any, Numbers]:
            return summed(
                (bucket, (count,)) for (hour, _, bucket), count in tally.latency.items() if hour >= first_hour
            )

        found = self.sums("latency", first_hour, self._read_latency, pick)
        return {bucket: count for bucket, (count,) in found.items()}

    def client(self, address: str, first_day: int, action: str = "") -> dict[tuple[int, OperationKind], Sums]:
        """The sums of one client, by day and kind; of all actions, or at least of this one."""
        mine = usage_client_daily.c.client_ip == address, usage_client_daily.c.day >= first_day
        statement = select(*usage_client_daily.c).where(*mine)
        if action:
            meant = usage_kinds.c.id == usage_client_daily.c.kind_id, usage_kinds.c.action == action
            statement = statement.join(usage_kinds, meant[0]).where(meant[1])
        rows = self.connection.execute(statement)
        sums = {(row[1], self.kind(row[2])): Sums(*row[3:]) for row in rows}
        unsealed = self.tally(audit_log.c.block_id.is_(None), audit_log.c.ip_address == address)
        for (_, day, kind), more in unsealed.clients.items():
            if day >= first_day:
                sums.setdefault((day, kind), Sums()).add(more)
        return sums

    def link(self, link_id: str, first_day: int) -> dict[tuple[int, OperationKind], Sums]:
        """The sums of one link, by day and kind: counts and bytes alone."""
        columns = (usage_link_daily.c[name] for name in ("day", "kind_id", "count", "bytes"))
        mine = usage_link_daily.c.link_id == link_id, usage_link_daily.c.day >= first_day
        rows = self.connection.execute(select(*columns).where(*mine))
        sums = {(day, self.kind(kind_id)): Sums(count, size) for day, kind_id, count, size in rows}
        unsealed = self.tally(audit_log.c.block_id.is_(None), audit_log.c.link_id == link_id)
        for (_, day, kind), more in unsealed.links.items():
            if day >= first_day:
                sums.setdefault((day, kind), Sums()).add(more)
        return sums

    def inventory(self) -> dict[str, Stock]:
        """The files that are kept, by type."""
        rows = self.connection.execute(select(*inventory.c))
        stock = {row.file_type: Stock(row.files, row.bytes) for row in rows}
        for file_type, more in self.unsealed.inventory.items():
            found = stock.setdefault(file_type, Stock())
            found.files += more.files
            found.bytes += more.bytes
        return {file_type: found for file_type, found in stock.items() if found.files or found.bytes}

    def distinct(self, day: int, kind: str) -> int:
        """Count the clients or users of a day."""
        known = self.connection.execute(
            select(daily_distinct.c.count).where(daily_distinct.c.day == day, daily_distinct.c.kind == kind)
        ).scalar()
        new = {key for of_day, of_kind, key in self.unsealed.seen if (of_day, of_kind) == (day, kind)}
        if new:
            new -= known_keys(self.connection, day, kind, new)
        return (known or 0) + len(new)

    def first_hour(self) -> int | None:
        """The oldest hour on record."""
        hours = [hour for hour, _ in self.unsealed.usage]
        oldest = self.connection.execute(select(func.min(usage_hourly.c.hour))).scalar()
        return min([*hours, oldest] if oldest is not None else hours, default=None)

    def follow(self, key: Hashable, advance: Callable[[T | None], T]) -> T:
        """The result of `advance`, which is given its own last result for the sealed rows, or None the first time."""
        return self._cache.follow((key, self._revision), advance)

    def kind(self, key: int) -> OperationKind:
        """The kind of an id."""
        if key not in self._kinds:
            self._read_kinds()
        return self._kinds[key]

    def key(self, kind: OperationKind) -> int:
        """The id of a kind, which then is known."""
        self._kinds[kind.id] = kind
        return kind.id

    def all_kinds(self) -> Iterable[OperationKind]:
        """Every kind of operation in sealed rows."""
        return self._followed("kinds", self._read_kinds, lambda tally: {kind: () for _, kind in tally.usage})

    def sums(self, name: str, first_hour: int, read: Read, pick: Pick) -> dict[Any, Numbers]:
        """What `read` finds from an hour on, and `pick` in rows that no sums hold yet."""

        def whole() -> dict[Any, Numbers]:
            # Days are read whole, so what is remembered ends with a day where days are asked for.
            end = self._closed if name in ("usage", "latency") else self._closed // DAY_HOURS * DAY_HOURS
            if end <= first_hour:
                return read(first_hour, None)
            past = self._cache.get((name, first_hour, end), self._revision, lambda: read(first_hour, end))
            return summed(
                self._cache.get((name, end, None), self._version, lambda: read(end, None)).items(), past
            )

        return summed(pick(self.unsealed).items(), self._followed((name, first_hour), whole, pick))

    def _followed(
        self, key: Hashable, whole: Callable[[], dict[Any, Numbers]], pick: Pick
    ) -> dict[Any, Numbers]:
        """The sums of sealed rows: those for an earlier block and its news, or else what `whole` reads."""

        def advance(old: tuple[int, dict[Any, Numbers]] | None) -> tuple[int, dict[Any, Numbers]]:
            number, sums = old or (self.number + 1, {})
            if number == self.number:
                return number, sums
            news = self.news(number) if number < self.number else None
            return self.number, whole() if news is None else summed(pick(news).items(), sums)

        return self.follow(key, advance)[1]

    def numbers(self, statement: Select[Any], *, keys: int) -> dict[Any, Numbers]:
        """The rows of a statement: their first columns are the key, the others what was added up."""
        found = {}
        for row in self.connection.execute(statement):
            key = row[0] if keys == 1 else tuple(row[:keys])
            found[key] = tuple(map(int, row[keys:]))
        return found

    def _read_kinds(self) -> dict[Any, Numbers]:
        found = {row.id: OperationKind(*row[1:]) for row in self.connection.execute(select(*usage_kinds.c))}
        self._kinds.update(found)
        return dict.fromkeys(found.values(), ())

    def _read_usage(self, first_hour: int, end: int | None) -> dict[Any, Numbers]:
        sums = [func.sum(usage_hourly.c[name]) for name in SUMS]
        statement = select(usage_hourly.c.kind_id, *sums).where(*span(usage_hourly.c.hour, first_hour, end))
        return self.numbers(statement.group_by(usage_hourly.c.kind_id), keys=1)

    def _read_latency(self, first_hour: int, end: int | None) -> dict[Any, Numbers]:
        of = latency_hourly.c
        statement = select(of.bucket, func.sum(of["count"])).where(*span(of.hour, first_hour, end))
        return self.numbers(statement.group_by(of.bucket), keys=1)


def span(of: ColumnElement[int], first: int, end: int | None) -> list[ColumnElement[bool]]:
    """That a column is at least `first`, and before `end`."""
    return [of >= first] if end is None else [of >= first, of < end]


def summed(
    items: Iterable[tuple[Any, Numbers]], to: Mapping[Any, Numbers] | None = None
) -> dict[Any, Numbers]:
    """Pairs of a key and what is added up for it, as one dictionary; on top of `to`, which stays as it is."""
    total = dict(to or {})
    for key, numbers in items:
        total[key] = tuple(map(add, total[key], numbers)) if key in total else numbers
    return total
