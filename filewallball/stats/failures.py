"""Uploads that failed, as a snapshot of the statistics has them: when, why, and whose."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import func, select

from filewallball.recording.event import FAILED
from filewallball.recording.tables import audit_log
from filewallball.stats.calendar import DAY_HOURS
from filewallball.stats.snapshot import BLOCKS_FOLLOWED, Numbers, Snapshot, span, summed
from filewallball.stats.tables import upload_errors_daily, usage_client_daily, usage_hourly
from filewallball.stats.tally import UPLOAD, OperationKind, Tally


def by_day(snapshot: Snapshot, first_day: int) -> Counter[tuple[int, str]]:
    """Count the failed uploads by day and cause."""
    kinds = _kinds(snapshot)

    def read(first_hour: int, end: int | None) -> dict[Any, Numbers]:
        day = (usage_hourly.c.hour - usage_hourly.c.hour % DAY_HOURS).label("start")
        statement = select(day, usage_hourly.c.kind_id, func.sum(usage_hourly.c["count"])).where(
            *span(usage_hourly.c.hour, first_hour, end), usage_hourly.c.kind_id.in_(kinds)
        )
        return snapshot.numbers(statement.group_by(day, usage_hourly.c.kind_id), keys=2)

    def pick(tally: Tally) -> dict[Any, Numbers]:
        return summed(
            ((hour - hour % DAY_HOURS, snapshot.key(kind)), (sums.count,))
            for (hour, kind), sums in tally.usage.items()
            if _is_failure(kind) and hour >= first_day * DAY_HOURS
        )

    counts = Counter[tuple[int, str]]()
    found = snapshot.sums(f"failures {len(kinds)}", first_day * DAY_HOURS, read, pick)
    for (start, key), (count,) in found.items():
        counts[start // DAY_HOURS, snapshot.kind(key).error_type] += count
    return counts


def by_client(snapshot: Snapshot, first_day: int, most: int) -> Counter[str]:
    """Count the failed uploads by client: of those who failed lately, and of the `most` worst of the others."""
    ranking = snapshot.follow(("failures", first_day), lambda old: _ranking(snapshot, first_day, old))
    counts = Counter(ranking.moved)
    for (day, address), count in snapshot.unsealed.upload_errors.items():
        if day >= first_day:
            counts[address] = (counts[address] or ranking.counts.get(address, 0)) + count
    others = list(islice((address for address in ranking.counts if address not in counts), most))
    counts.update({address: ranking.counts[address] for address in others})
    return counts


def causes(snapshot: Snapshot, addresses: Sequence[str], first_day: int) -> dict[str, Counter[str]]:
    """The causes of these clients' failed uploads, counted."""
    found = {address: Counter[str]() for address in addresses}
    of = usage_client_daily.c
    statement = select(of.client_ip, of.kind_id, func.sum(of["count"])).where(
        of.client_ip.in_(addresses), of.day >= first_day, of.kind_id.in_(_kinds(snapshot))
    )
    numbers = snapshot.numbers(statement.group_by(of.client_ip, of.kind_id), keys=2)
    for (address, key), (count,) in numbers.items():
        found[address][snapshot.kind(key).error_type] += count
    for (address, day, kind), sums in snapshot.unsealed.clients.items():
        if address in found and day >= first_day and _is_failure(kind):
            found[address][kind.error_type] += sums.count
    return found


@dataclass(frozen=True, slots=True)
class FailureRanking:
    """The failed uploads of each client when `since` was the last block, the worst first (`counts`), and of those
    clients whose number changed until block `number` (`moved`)."""

    since: int
    number: int
    counts: dict[str, int]
    moved: dict[str, int]


def _ranking(snapshot: Snapshot, first_day: int, old: FailureRanking | None) -> FailureRanking:
    if old is None or not old.number <= snapshot.number <= old.since + BLOCKS_FOLLOWED:
        of = upload_errors_daily.c
        statement = (
            select(of.client_ip, func.sum(of["count"])).where(of.day >= first_day).group_by(of.client_ip)
        )
        found = {address: count for address, (count,) in snapshot.numbers(statement, keys=1).items()}
        counts = dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
        return FailureRanking(snapshot.number, snapshot.number, counts, {})
    if old.number == snapshot.number:
        return old
    moved = dict(old.moved)
    news = snapshot.news(old.number) or snapshot.tally(
        audit_log.c.block_id > old.number, audit_log.c.action == UPLOAD, audit_log.c.status == FAILED
    )
    for (day, address), count in news.upload_errors.items():
        if day >= first_day:
            moved[address] = moved.get(address, old.counts.get(address, 0)) + count
    return FailureRanking(old.since, snapshot.number, old.counts, moved)


def _kinds(snapshot: Snapshot) -> list[int]:
    return [kind.id for kind in snapshot.all_kinds() if _is_failure(kind)]


def _is_failure(kind: OperationKind) -> bool:
    return (kind.action, kind.status) == (UPLOAD, FAILED)
