"""The clients that use the service most, ranked by operations, bytes or failures."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from filewallball import errors
from filewallball.recording.tables import audit_log
from filewallball.stats.snapshot import BLOCKS_FOLLOWED, Snapshot
from filewallball.stats.tables import daily_seen
from filewallball.stats.tally import CLIENT, Seen, Tally
from filewallball.web.paging import Page, Total

ORDERS = ("count", "bytes", "errors")
DEEPEST_CLIENT = 10_000
_SUMS = {order: func.sum(daily_seen.c[order]) for order in ORDERS}


@dataclass(frozen=True, slots=True)
class ClientUse:
    """The use by one client; bytes are those of files that it sent or was sent."""

    client_ip: str
    count: int
    bytes: int
    errors: int


def rank_clients(
    snapshot: Snapshot, today: int, days: int, *, order: str, page: int, size: int
) -> Page[ClientUse]:
    """One page of the clients of so many days, today among them; the most first, equal ones by address.

    Raises PageTooDeep past 10,000 clients. Adding up every client costs the more the longer the log is, so the best are
    remembered, and with them all who had rows since: nobody else can have become one of the best.
    """
    wanted = page * size
    if wanted > DEEPEST_CLIENT:
        raise errors.PageTooDeep(f"page × size may not exceed {DEEPEST_CLIENT}.")
    first_day = today - days + 1
    active = snapshot.follow(("active", first_day), lambda old: _active(snapshot, first_day, today, old))
    best = snapshot.follow(
        ("best", first_day, order, wanted),
        lambda old: _best(
            snapshot, first_day, order, wanted, old if old and old.number >= active.since else None
        ),
    )
    unsealed = _by_client(snapshot.unsealed, first_day)
    known = _known(snapshot, first_day, today, unsealed, active)
    news = {key: _plus(known.get(key, ClientUse(key, 0, 0, 0)), more) for key, more in unsealed.items()}
    candidates = {**_candidates(best, active, order, wanted), **news}
    ranked = sorted(candidates.values(), key=lambda use: (-getattr(use, order), use.client_ip))
    return Page(
        rows=ranked[wanted - size : wanted],
        total=Total(active.total + len(unsealed.keys() - known.keys())),
        page=page,
        size=size,
    )


@dataclass(frozen=True, slots=True)
class _Best:
    """The best clients when `number` was the last block."""

    number: int
    clients: list[ClientUse]


@dataclass(frozen=True, slots=True)
class _Active:
    """The number of clients when `number` was the last block, and all the use of those clients that have rows in blocks
    after `since`."""

    since: int
    number: int
    clients: dict[str, ClientUse]
    total: int


def _best(snapshot: Snapshot, first_day: int, order: str, wanted: int, old: _Best | None) -> _Best:
    if old is not None and old.number <= snapshot.number:
        return old
    return _Best(
        snapshot.number,
        _read(snapshot, first_day, order_by=(_SUMS[order].desc(), daily_seen.c.key), limit=wanted),
    )


def _active(snapshot: Snapshot, first_day: int, today: int, old: _Active | None) -> _Active:
    if old is None or not old.number <= snapshot.number <= old.since + BLOCKS_FOLLOWED:
        return _Active(snapshot.number, snapshot.number, {}, _count(snapshot, first_day))
    if old.number == snapshot.number:
        return old
    news = _by_client(snapshot.tally(audit_log.c.block_id > old.number), first_day)
    found = {
        use.client_ip: use
        for use in _of_clients(snapshot, first_day, today, news.keys() - old.clients.keys())
    }
    moved = {key: _plus(old.clients[key], more) for key, more in news.items() if key in old.clients}
    fresh = sum(use.count == news[key].count for key, use in found.items())  # it had done nothing before
    return _Active(old.since, snapshot.number, {**old.clients, **found, **moved}, old.total + fresh)


def _candidates(best: _Best, active: _Active, order: str, wanted: int) -> dict[str, ClientUse]:
    """The clients who can be the best by their sealed rows: those who were, and who has as much since."""
    least = getattr(best.clients[-1], order) if len(best.clients) == wanted else 0
    since = {key: use for key, use in active.clients.items() if getattr(use, order) >= least}
    return {use.client_ip: use for use in best.clients} | since


def _known(
    snapshot: Snapshot, first_day: int, today: int, addresses: Iterable[str], active: _Active
) -> dict[str, ClientUse]:
    """Those of the clients who are among the sealed rows."""
    known = {key: active.clients[key] for key in addresses if key in active.clients}
    others = [key for key in addresses if key not in known]
    return known | {use.client_ip: use for use in _of_clients(snapshot, first_day, today, others)}


def _plus(use: ClientUse, more: Seen) -> ClientUse:
    return ClientUse(use.client_ip, use.count + more.count, use.bytes + more.bytes, use.errors + more.errors)


def _by_client(tally: Tally, first_day: int) -> dict[str, Seen]:
    """The use by each client since a day began."""
    found: dict[str, Seen] = {}
    for (day, kind, key), more in tally.seen.items():
        if kind == CLIENT and day >= first_day:
            seen = found.setdefault(key, Seen())
            seen.count += more.count
            seen.bytes += more.bytes
            seen.errors += more.errors
    return found


def _of_clients(
    snapshot: Snapshot, first_day: int, today: int, addresses: Collection[str]
) -> list[ClientUse]:
    """The use by these clients, read day by day: a range of days would have the database read every client of them."""
    if not addresses:
        return []
    days = or_(daily_seen.c.day.in_(range(first_day, today + 1)), daily_seen.c.day > today)
    return _read(snapshot, first_day, days, daily_seen.c.key.in_(sorted(addresses)))


def _read(
    snapshot: Snapshot,
    first_day: int,
    *conditions: ColumnElement[bool],
    order_by: tuple[Any, ...] = (),
    limit: int | None = None,
) -> list[ClientUse]:
    statement = (
        select(daily_seen.c.key, *_SUMS.values())
        .where(daily_seen.c.kind == CLIENT, *(conditions or (daily_seen.c.day >= first_day,)))
        .group_by(daily_seen.c.key)
        .order_by(*order_by)
        .limit(limit)
    )
    return [ClientUse(key, *map(int, sums)) for key, *sums in snapshot.connection.execute(statement)]


def _count(snapshot: Snapshot, first_day: int) -> int:
    statement = select(func.count(daily_seen.c.key.distinct())).where(
        daily_seen.c.day >= first_day, daily_seen.c.kind == CLIENT
    )
    return int(snapshot.connection.execute(statement).scalar_one())
