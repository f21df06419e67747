"""Making the sums again from the sealed audit log, a day at a time, while the service goes on.

A day is added up without any lock; then, in one transaction that holds the chain's head, rows sealed meanwhile are
added and the day's old sums replaced. Hours that retention has begun to prune stay as they are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, update

from filewallball.database.connections import Database
from filewallball.recording.tables import audit_blocks, audit_chain, audit_log
from filewallball.stats.calendar import DAY_HOURS, HOUR_US, hour_of
from filewallball.stats.rollup import UsageRollup
from filewallball.stats.snapshot import ROWS
from filewallball.stats.tables import (
    daily_distinct,
    daily_seen,
    inventory,
    latency_hourly,
    upload_errors_daily,
    usage_client_daily,
    usage_hourly,
    usage_link_daily,
    usage_state,
)
from filewallball.stats.tally import CLIENT, Stock, Tally

_CHUNK = 500
CountFiles = Callable[[Connection], Mapping[str, tuple[int, int]]]
"""Tells how many files of each media type are kept, and their bytes."""


class Rebuild:
    """One rebuild at a time; the sealer may run all the while."""

    def __init__(self, database: Database, count_files: CountFiles) -> None:
        self._database = database
        self._count_files = count_files
        self._fold = UsageRollup(database)

    def run(self, progress: Callable[[int], None] = lambda day: None) -> int:
        """Rebuild all that the log still holds; returns the number of days. Raises database errors."""
        first_hour = self._database.query(first_whole_hour)
        days = self._database.query(lambda connection: list(known_days(connection, first_hour)))
        for day in days:
            progress(day)
            while not self._rebuild_day(day):
                pass  # retention pruned meanwhile: the hours that it reached stay as they are
        self._rebuild_inventory()
        with self._database.begin() as connection:
            connection.execute(update(usage_state).values(revision=func.abs(usage_state.c.revision) + 1))
        return len(days)

    def run_if_incomplete(self) -> None:
        """Rebuild if rows were sealed before there were sums: the migration leaves a negative revision then."""
        state = select(usage_state.c.revision)
        if self._database.scalar(state) < 0:
            self.run()

    def _rebuild_day(self, day: int) -> bool:
        """False if rows may have been pruned while they were added up: then nothing has changed."""
        number, whole_from = self._database.snapshot(
            lambda connection: (_head(connection), first_whole_hour(connection))
        )
        first_hour, end = max(whole_from, day * DAY_HOURS), (day + 1) * DAY_HOURS
        tally = Tally()
        for hour in range(first_hour, end):
            tally.add_all(self._rows(audit_log.c.block_id.between(1, number), *_within(hour, hour + 1)))
        with self._database.begin() as connection:
            newest = connection.execute(select(audit_chain.c.number).with_for_update()).scalar_one()
            if first_whole_hour(connection) != whole_from:
                return False
            if newest > number:
                late = ROWS.where(audit_log.c.block_id.between(number + 1, newest), *_within(first_hour, end))
                tally.add_all(connection.execute(late))
            whole = first_hour == day * DAY_HOURS
            _delete_hours(connection, first_hour, end)
            if whole:
                _delete_day(connection, day, {address for address, _, _ in tally.clients})
            else:
                tally.clients, tally.links, tally.seen, tally.upload_errors = {}, {}, {}, {}
            if tally.usage:
                self._fold.write(connection, tally)
            connection.execute(update(usage_state).values(revision=usage_state.c.revision + 1))
        return True

    def _rows(self, *conditions: ColumnElement[bool]) -> Sequence[Row[Any]]:
        return self._database.rows(ROWS.where(*conditions))

    def _rebuild_inventory(self) -> None:
        """Set the inventory to the files that are kept now, less what unsealed rows will add."""
        number, stock = self._database.snapshot(self._sealed_stock)
        with self._database.begin() as connection:
            newest = connection.execute(select(audit_chain.c.number).with_for_update()).scalar_one()
            if newest > number:
                late = ROWS.where(audit_log.c.block_id.between(number + 1, newest))
                _add_stock(stock, Tally().add_all(connection.execute(late)), 1)
            connection.execute(delete(inventory))
            values = [
                {"file_type": file_type, "files": kept.files, "bytes": kept.bytes}
                for file_type, kept in sorted(stock.items())
            ]
            if values:
                connection.execute(self._database.dialect.insert(inventory), values)

    def _sealed_stock(self, connection: Connection) -> tuple[int, dict[str, Stock]]:
        stock = {name: Stock(*kept) for name, kept in self._count_files(connection).items()}
        unsealed = Tally().add_all(connection.execute(ROWS.where(audit_log.c.block_id.is_(None))))
        _add_stock(stock, unsealed, -1)
        return _head(connection), stock


def first_whole_hour(connection: Connection) -> int:
    """The first hour of which nothing was pruned."""
    pruned = select(audit_chain.c.pruned).scalar_subquery()
    newest = select(func.max(audit_blocks.c.last_us)).where(audit_blocks.c.number <= pruned)
    last_us = connection.execute(newest).scalar()
    return 0 if last_us is None else hour_of(last_us) + 1


def known_days(connection: Connection, first_hour: int) -> Iterator[int]:
    """Every day from that hour on that the log or the sums know, oldest first."""
    hour = first_hour
    while True:
        logged = select(audit_log.c.timestamp_us).where(
            audit_log.c.timestamp_us >= hour * HOUR_US, audit_log.c.block_id > 0
        )
        moment = connection.execute(logged.order_by(audit_log.c.timestamp_us).limit(1)).scalar()
        summed = connection.execute(
            select(func.min(usage_hourly.c.hour)).where(usage_hourly.c.hour >= hour)
        ).scalar()
        found = [summed] if summed is not None else []
        if moment is not None:
            found.append(hour_of(moment))
        if not found:
            return
        yield min(found) // DAY_HOURS
        hour = (min(found) // DAY_HOURS + 1) * DAY_HOURS


def _add_stock(stock: dict[str, Stock], tally: Tally, sign: int) -> None:
    for file_type, more in tally.inventory.items():
        kept = stock.setdefault(file_type, Stock())
        kept.files += sign * more.files
        kept.bytes += sign * more.bytes


def _head(connection: Connection) -> int:
    return int(connection.execute(select(audit_chain.c.number)).scalar_one())


def _within(first_hour: int, end: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return audit_log.c.timestamp_us >= first_hour * HOUR_US, audit_log.c.timestamp_us < end * HOUR_US


def _delete_hours(connection: Connection, first_hour: int, end: int) -> None:
    for of in (usage_hourly, latency_hourly):
        connection.execute(delete(of).where(of.c.hour >= first_hour, of.c.hour < end))


def _delete_day(connection: Connection, day: int, addresses: Iterable[str]) -> None:
    seen = select(daily_seen.c.key).where(daily_seen.c.day == day, daily_seen.c.kind == CLIENT)
    known = sorted({*addresses, *connection.execute(seen).scalars()})
    for start in range(0, len(known), _CHUNK):
        some = usage_client_daily.c.client_ip.in_(known[start : start + _CHUNK])
        connection.execute(delete(usage_client_daily).where(some, usage_client_daily.c.day == day))
    for of in (usage_link_daily, upload_errors_daily, daily_seen, daily_distinct):
        connection.execute(delete(of).where(of.c.day == day))
