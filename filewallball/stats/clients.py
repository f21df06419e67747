"""Who uses the service most: clients ranked by operations, bytes or failures."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select

from filewallball import errors
from filewallball.stats.models import DailySeen
from filewallball.stats.tally import CLIENT, Seen, Tally
from filewallball.stats.view import View

ORDERS = ("count", "bytes", "errors")
DEEPEST_CLIENT = 10_000
_NOTHING = Seen()
_SEEN: Any = DailySeen.__table__
_SUMS = {order: func.sum(_SEEN.c[order]) for order in ORDERS}


@dataclass(frozen=True, slots=True)
class ClientUse:
    """What a client did; bytes are those of files that it sent or was sent."""

    client_ip: str
    count: int
    bytes: int
    errors: int


@dataclass(frozen=True, slots=True)
class ClientPage:
    """Part of the ranking."""

    clients: list[ClientUse]
    total: int
    page: int
    size: int
    period_days: int
    order: str

    @property
    def pages(self) -> int:
        return -(-self.total // self.size)


def rank_clients(view: View, today: int, days: int, *, order: str, page: int, size: int) -> ClientPage:
    """One page of the clients of so many days, today among them; the most first, equal ones by address.

    Raises PageTooDeep past 10,000 clients. Nobody outside the best of some blocks ago can be among the best of now
    without having rows since.
    """
    wanted = page * size
    if wanted > DEEPEST_CLIENT:
        raise errors.PageTooDeep(f"page × size may not exceed {DEEPEST_CLIENT}.")
    first_day = today - days + 1
    ranking = _ranking(view, first_day, order, wanted)
    sealed = _by_client(view.sealed_after(ranking.number), first_day)
    unsealed = _by_client(view.unsealed, first_day)
    active = sealed.keys() | unsealed.keys()
    known = {use.client_ip: use for use in _of_clients(view, first_day, today, active)} if active else {}
    merged = {use.client_ip: use for use in ranking.best}
    fresh = 0
    for key in active:
        use, more = known.get(key, ClientUse(key, 0, 0, 0)), unsealed.get(key, _NOTHING)
        merged[key] = ClientUse(key, use.count + more.count, use.bytes + more.bytes, use.errors + more.errors)
        fresh += use.count == sealed.get(key, _NOTHING).count  # it had done nothing before
    best = sorted(merged.values(), key=lambda use: (-getattr(use, order), use.client_ip))
    return ClientPage(
        clients=best[wanted - size : wanted],
        total=ranking.total + fresh,
        page=page,
        size=size,
        period_days=days,
        order=order,
    )


@dataclass(frozen=True, slots=True)
class _Ranking:
    """The best clients, and how many there were, when `number` was the last block."""

    number: int
    best: list[ClientUse]
    total: int


def _ranking(view: View, first_day: int, order: str, wanted: int) -> _Ranking:
    """Remembered over some blocks, because adding up every client costs the more the longer the log is."""

    def compute() -> _Ranking:
        return _Ranking(view.number, _best(view, first_day, order, wanted), _count(view, first_day))

    return view.remember_awhile(("ranking", first_day, order, wanted), compute)


def _by_client(tally: Tally, first_day: int) -> dict[str, Seen]:
    """What each client did since a day began."""
    found: dict[str, Seen] = {}
    for (day, kind, key), more in tally.seen.items():
        if kind == CLIENT and day >= first_day:
            seen = found.setdefault(key, Seen())
            seen.count += more.count
            seen.bytes += more.bytes
            seen.errors += more.errors
    return found


def _of_clients(view: View, first_day: int, today: int, addresses: Iterable[str]) -> list[ClientUse]:
    """What these clients did in all, day by day: a range of days would have the database read every client of them."""
    days = or_(_SEEN.c.day.in_(range(first_day, today + 1)), _SEEN.c.day > today)
    return _read(view, first_day, days, _SEEN.c.key.in_(sorted(addresses)))


def _best(view: View, first_day: int, order: str, wanted: int) -> list[ClientUse]:
    return _read(view, first_day, order_by=(_SUMS[order].desc(), _SEEN.c.key), limit=wanted)


def _read(
    view: View, first_day: int, *conditions: Any, order_by: tuple[Any, ...] = (), limit: int | None = None
) -> list[ClientUse]:
    statement = (
        select(_SEEN.c.key, *_SUMS.values())
        .where(_SEEN.c.kind == CLIENT, *(conditions or (_SEEN.c.day >= first_day,)))
        .group_by(_SEEN.c.key)
        .order_by(*order_by)
        .limit(limit)
    )
    return [ClientUse(key, *map(int, sums)) for key, *sums in view.connection.execute(statement)]


def _count(view: View, first_day: int) -> int:
    statement = select(func.count(_SEEN.c.key.distinct())).where(
        _SEEN.c.day >= first_day, _SEEN.c.kind == CLIENT
    )
    return int(view.connection.execute(statement).scalar_one())
