"""Statistics over time: one value for each step of a window, made of the hourly sums, or of one client's daily ones.

What an answer costs depends on the window's length and on the rows not sealed yet, not on the length of the log.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from filewallball import errors
from filewallball.clock import rfc3339
from filewallball.errors import WRONG_CREDENTIALS
from filewallball.recording.event import DENIED, FAILED, SUCCESS
from filewallball.stats.buckets import middle_us, quantile_us
from filewallball.stats.calendar import DAY_HOURS, HOUR_US, hour_of
from filewallball.stats.detailed import capacity_of
from filewallball.stats.snapshot import SUMS, Numbers, Snapshot, numbers_of, span, summed
from filewallball.stats.tables import latency_hourly, usage_hourly
from filewallball.stats.tally import DOWNLOAD, ENDINGS, UPLOAD, VIEW, OperationKind, Sums, Tally
from filewallball.stats.uploads import percent
from filewallball.storage.local import Space

MOST_POINTS = 500
MOST_HOURS = 366 * DAY_HOURS
_USUAL_POINTS = 200
_STEPS = (1, 3, 6, 12, 24, 2 * 24, 7 * 24, 30 * 24)
_FETCHES = frozenset({DOWNLOAD, VIEW})
Usage = Mapping[OperationKind, Sums]
Value = int | float | None
ByHour = Callable[[Tally], Iterable[tuple[int, int, Numbers]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Whole hours from `first` up to `end`, in steps of so many; the last step may be shorter."""

    first: int
    end: int
    step: int

    @property
    def points(self) -> range:
        """The first hour of each step."""
        return range(self.first, self.end, self.step)

    def place(self, hour: int) -> int:
        """The number of the step that an hour lies in."""
        return (hour - self.first) // self.step


@dataclass(slots=True)
class Step:
    """The sums of one step of a window."""

    usage: dict[OperationKind, Sums] = field(default_factory=dict)
    latency: dict[int, int] = field(default_factory=dict)
    stored_bytes: int = 0

    def add(self, kind: OperationKind, sums: Sums) -> None:
        self.usage.setdefault(kind, Sums()).add(sums)

    def count(self, matches: Callable[[OperationKind], bool]) -> int:
        return sum(sums.count for kind, sums in self.usage.items() if matches(kind))

    def bytes(self, matches: Callable[[OperationKind], bool]) -> int:
        return sum(sums.bytes for kind, sums in self.usage.items() if matches(kind))


def read_series(
    snapshot: Snapshot,
    now: int,
    space: Space,
    *,
    series: Sequence[str],
    first_us: int | None,
    last_us: int | None,
    step: int | None,
    client: str | None,
) -> dict[str, Any]:
    """The answer of the route. Raises ValidationFailed for a window too long, or too many points."""
    last = now if last_us is None else last_us
    first = last - DAY_HOURS * HOUR_US if first_us is None else first_us
    window = window_of(first, last, step, in_days=client is not None)
    steps = (
        service_steps(snapshot, window, series) if client is None else client_steps(snapshot, window, client)
    )
    found = {name: series_of(name, window, steps, of_client=client is not None) for name in series}
    answer = {
        "from": rfc3339(window.first * HOUR_US),
        "to": rfc3339(window.end * HOUR_US),
        "step": window.step * 3600,
        "client": client,
        "series": found,
    }
    if "bytes" in series:
        answer["capacity"] = capacity_of(snapshot, hour_of(now), space)
    return answer


def window_of(first_us: int, last_us: int, step_hours: int | None, *, in_days: bool) -> Window:
    """The window between two moments, widened to whole steps. Raises ValidationFailed for more than 500 points."""
    unit = DAY_HOURS if in_days else 1
    first, end = first_us // HOUR_US // unit * unit, (last_us // HOUR_US // unit + 1) * unit
    if end - first > MOST_HOURS + unit:
        raise errors.ValidationFailed(errors={"from": ["The window may be 366 days long at most."]})
    step = step_hours or next(
        (step for step in _STEPS if step % unit == 0 and (end - first) / step <= _USUAL_POINTS), _STEPS[-1]
    )
    if step % unit:
        raise errors.ValidationFailed(errors={"step": ["For one client, whole days."]})
    if step > MOST_HOURS:  # the window is widened to it
        raise errors.ValidationFailed(errors={"step": ["A step may be 366 days long at most."]})
    first = first // step * step
    if (end - first) / step > MOST_POINTS:
        raise errors.ValidationFailed(errors={"step": [f"That would be more than {MOST_POINTS} points."]})
    return Window(first=first, end=end, step=step)


def service_steps(snapshot: Snapshot, window: Window, wanted: Collection[str]) -> list[Step]:
    """The steps of the whole service."""
    steps = [Step() for _ in window.points]
    of_kinds = _sums(snapshot, "usage", window, lambda tally: _of_kinds(snapshot, tally))
    for (place, key), numbers in of_kinds.items():
        steps[place].add(snapshot.kind(key), Sums(*numbers))
    if "duration" in wanted:
        _add_latency(snapshot, window, steps)
    if "bytes" in wanted:
        _add_stock(snapshot, window, steps)
    return steps


def client_steps(snapshot: Snapshot, window: Window, address: str) -> list[Step]:
    """The steps of one client, of whom days are known."""
    steps = [Step() for _ in window.points]
    for (day, kind), sums in snapshot.client(address, window.first // DAY_HOURS).items():
        if day * DAY_HOURS < window.end:
            steps[window.place(day * DAY_HOURS)].add(kind, sums)
    return steps


def series_of(
    name: str, window: Window, steps: Iterable[Step], *, of_client: bool = False
) -> list[dict[str, Any]]:
    """The points of one series, the oldest first."""
    values = (_OF_CLIENT if of_client else _SERIES)[name]
    return [
        {"start": rfc3339(hour * HOUR_US), **values(step)}
        for hour, step in zip(window.points, steps, strict=True)
    ]


def _sums(snapshot: Snapshot, name: str, window: Window, by_hour: ByHour) -> dict[Any, Numbers]:
    """The sums by step; `by_hour` finds in a tally what the tables hold for an hour and a key."""
    of, key, sums = _TABLES[name]
    place = of.c.hour - (of.c.hour - window.first) % window.step

    def read(first: int, end: int | None) -> dict[Any, Numbers]:
        last = window.end if end is None else min(end, window.end)
        columns = (func.min(of.c.hour), of.c[key], *(func.sum(of.c[each]) for each in sums))
        statement = select(*columns).where(*span(of.c.hour, first, last)).group_by(place, of.c[key])
        found = snapshot.numbers(statement, keys=2)
        return {(window.place(hour), each): numbers for (hour, each), numbers in found.items()}

    def pick(tally: Tally) -> dict[Any, Numbers]:
        return summed(
            ((window.place(hour), each), numbers)
            for hour, each, numbers in by_hour(tally)
            if window.first <= hour < window.end
        )

    return snapshot.sums(f"{name} {window}", window.first, read, pick)


def _of_kinds(snapshot: Snapshot, tally: Tally) -> Iterator[tuple[int, int, Numbers]]:
    return ((hour, snapshot.key(kind), numbers_of(sums)) for (hour, kind), sums in tally.usage.items())


def _of_buckets(tally: Tally) -> Iterator[tuple[int, int, Numbers]]:
    return ((hour, bucket, (count,)) for (hour, _, bucket), count in tally.latency.items())


def _add_latency(snapshot: Snapshot, window: Window, steps: list[Step]) -> None:
    for (place, bucket), (count,) in _sums(snapshot, "latency", window, _of_buckets).items():
        steps[place].latency[bucket] = count


def _add_stock(snapshot: Snapshot, window: Window, steps: list[Step]) -> None:
    """The bytes kept at the end of each step: what is kept now, without what came and with what went since."""
    kept = sum(stock.bytes for stock in snapshot.inventory().values())
    kept -= _growth(snapshot.usage(window.end))
    for step in reversed(steps):
        step.stored_bytes = max(0, kept)
        kept -= _growth(step.usage)


def _growth(usage: Usage) -> int:
    done = {kind: sums.bytes for kind, sums in usage.items() if kind.status == SUCCESS}
    stored = sum(size for kind, size in done.items() if kind.action == UPLOAD)
    return stored - sum(size for kind, size in done.items() if kind.action in ENDINGS)


def _uploaded(kind: OperationKind) -> bool:
    return kind.action == UPLOAD and kind.status == SUCCESS


def _fetched(kind: OperationKind) -> bool:
    return kind.action in _FETCHES and kind.status == SUCCESS


def _errors(step: Step) -> dict[str, Value]:
    failed = step.count(lambda kind: kind.status == FAILED)
    done = step.count(lambda kind: kind.status == SUCCESS)
    return {"value": percent(failed, failed + done), "failed": failed, "total": failed + done}


def _duration(step: Step) -> dict[str, Value]:
    """Seconds that operations of clients took; None where none was timed."""
    timed = sum(step.latency.values())
    spent = sum(middle_us(bucket) * count for bucket, count in step.latency.items())
    found: dict[str, Value] = {"value": _seconds(spent / timed) if timed else None}
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        found[name] = _seconds(quantile_us(step.latency, share)) if timed else None
    return found


def _duration_of_client(step: Step) -> dict[str, Value]:
    timed = sum(sums.timed for sums in step.usage.values())
    spent = sum(sums.duration_us for sums in step.usage.values())
    return {"value": _seconds(spent / timed) if timed else None, "p50": None, "p95": None, "p99": None}


def _seconds(microseconds: float) -> float:
    return round(microseconds / 1e6, 6)


def _counted(matches: Callable[[OperationKind], bool]) -> Callable[[Step], dict[str, Value]]:
    return lambda step: {"value": step.count(matches)}


_SERIES: dict[str, Callable[[Step], dict[str, Value]]] = {
    "uploads": _counted(_uploaded),
    "failures": _counted(lambda kind: kind.action == UPLOAD and kind.status == FAILED),
    "downloads": _counted(_fetched),
    "operations": _counted(lambda kind: True),
    "received": lambda step: {"value": step.bytes(_uploaded)},
    "sent": lambda step: {"value": step.bytes(_fetched)},
    "bytes": lambda step: {"value": step.stored_bytes},
    "duration": _duration,
    "errors": _errors,
    "denied": _counted(lambda kind: kind.status == DENIED),
    "auth_failures": _counted(lambda kind: kind.error_type in WRONG_CREDENTIALS),
    "rate_limited": _counted(lambda kind: kind.error_type == "rate_limited"),
    "suspicious": lambda step: {"value": sum(sums.suspicious for sums in step.usage.values())},
}
NAMES = tuple(_SERIES)
_OF_CLIENT = {**_SERIES, "duration": _duration_of_client}
OF_ALL = frozenset({"bytes", "suspicious"})
"""The series that are known of the whole service alone."""
_TABLES: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "usage": (usage_hourly, "kind_id", SUMS),
    "latency": (latency_hourly, "bucket", ("count",)),
}
