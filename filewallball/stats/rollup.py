"""The rollup that the sealer calls: sealed rows become sums in the transaction that seals them, a statement a table."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import BindParameter, Connection, Table, bindparam, or_, select, update

from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.recording.tables import AuditRecord
from filewallball.stats.calendar import hour_of
from filewallball.stats.tables import (
    daily_distinct,
    daily_seen,
    expected_clients,
    inventory,
    latency_hourly,
    upload_errors_daily,
    usage_client_daily,
    usage_hourly,
    usage_kinds,
    usage_link_daily,
    usage_state,
)
from filewallball.stats.tally import Tally

TABLES = (
    usage_kinds,
    usage_hourly,
    usage_client_daily,
    usage_link_daily,
    upload_errors_daily,
    latency_hourly,
    daily_seen,
    daily_distinct,
    inventory,
)
_CLIENT_SUMS = ("count", "bytes", "duration_us", "timed", "hits", "lookups")
_client_sums = attrgetter(*_CLIENT_SUMS)
_sums = attrgetter(*_CLIENT_SUMS, "suspicious")
OPEN_HOURS = 2
"""The newest hours, in which rows still arrive as a matter of course."""


class UsageRollup:
    """Registered with the sealer, which runs it again from scratch if its transaction is rolled back."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._adding = {
            table.name: database.bulk(
                database.dialect.adding(table), [column.name for column in table.columns]
            )
            for table in TABLES
        }
        self._ignore_kinds = database.dialect.insert_ignoring(usage_kinds)

    def __call__(self, connection: Connection, rows: Sequence[AuditRecord]) -> None:
        tally = Tally().add_all(rows)
        if not tally.usage:
            return
        self.write(connection, tally)
        self._write(
            connection,
            inventory,
            ((key, stock.files, stock.bytes) for key, stock in tally.inventory.items()),
        )
        _note_uploads(connection, tally)
        note_hours(connection, min(hour for hour, _ in tally.usage))

    def write(self, connection: Connection, tally: Tally) -> None:
        """Add the sums of hours and days; the inventory, which is of the present, is not among them."""
        kinds = {kind for _, kind in tally.usage}
        connection.execute(self._ignore_kinds, [{"id": kind.id, **kind._asdict()} for kind in sorted(kinds)])
        self._write(
            connection,
            usage_hourly,
            ((hour, kind.id, *_sums(sums)) for (hour, kind), sums in tally.usage.items()),
        )
        self._write(
            connection,
            usage_client_daily,
            (
                (address, day, kind.id, *_client_sums(sums))
                for (address, day, kind), sums in tally.clients.items()
            ),
        )
        self._write(
            connection,
            usage_link_daily,
            (
                (link_id, day, kind.id, sums.count, sums.bytes)
                for (link_id, day, kind), sums in tally.links.items()
            ),
        )
        self._write(connection, latency_hourly, ((*key, count) for key, count in tally.latency.items()))
        self._write(
            connection, upload_errors_daily, ((*key, count) for key, count in tally.upload_errors.items())
        )
        self._write_seen(connection, tally)

    def _write_seen(self, connection: Connection, tally: Tally) -> None:
        days = _by_day(tally)
        fresh = [(*day, len(keys) - len(known_keys(connection, *day, keys))) for day, keys in days.items()]
        self._write(connection, daily_distinct, (row for row in fresh if row[-1]))
        self._write(
            connection,
            daily_seen,
            ((*key, seen.count, seen.bytes, seen.errors) for key, seen in tally.seen.items()),
        )

    def _write(self, connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
        """Add rows in the order of their keys, so that no two writers can wait for each other."""
        self._adding[table.name].execute(connection, sorted(rows))


def known_keys(connection: Connection, day: int, kind: str, keys: Iterable[str]) -> set[str]:
    """Those of `keys` that the sums of the day already know."""
    return set(connection.execute(_KNOWN, {"day": day, "kind": kind, "keys": sorted(keys)}).scalars())


def note_hours(connection: Connection, oldest_hour: int, now: int | None = None) -> None:
    """Tell readers what they may go on remembering: the hours before the newest ones, unless one of them changed."""
    state = connection.execute(select(usage_state.c.newest_hour, usage_state.c.revision)).one()
    newest = hour_of(now or now_us())  # an earlier one than before where the clock was set back
    if newest != state.newest_hour or oldest_hour <= newest - OPEN_HOURS:
        connection.execute(
            update(usage_state).values(newest_hour=newest, revision=usage_state.c.revision + 1)
        )


def _note_uploads(connection: Connection, tally: Tally) -> None:
    if not tally.last_uploads:
        return
    expected = set(connection.execute(select(expected_clients.c.client_ip)).scalars())
    now = now_us()
    moved = [
        {"address": address, "moment": moment, "now": now}
        for address, moment in sorted(tally.last_uploads.items())
        if address in expected
    ]
    if moved:
        connection.execute(_MOVE, moved)


def _by_day(tally: Tally) -> dict[tuple[int, str], list[str]]:
    days: dict[tuple[int, str], list[str]] = {}
    for day, kind, key in sorted(tally.seen):
        days.setdefault((day, kind), []).append(key)
    return days


_keys: BindParameter[list[str]] = bindparam("keys", expanding=True)
_KNOWN = select(daily_seen.c.key).where(
    daily_seen.c.day == bindparam("day"), daily_seen.c.kind == bindparam("kind"), daily_seen.c.key.in_(_keys)
)
_MOVE = (
    update(expected_clients)
    .where(
        expected_clients.c.client_ip == bindparam("address"),
        or_(
            expected_clients.c.last_upload_us < bindparam("moment"),
            expected_clients.c.last_upload_us > bindparam("now"),  # by a clock that was set back since
        ),
    )
    .values(last_upload_us=bindparam("moment"))
)
