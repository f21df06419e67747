"""The use of one link, from the statistics: exact at any moment, as all of them are."""

from collections.abc import Mapping
from dataclasses import dataclass

from filewallball.recording.event import SUCCESS
from filewallball.stats.calendar import date_of
from filewallball.stats.snapshot import Snapshot
from filewallball.stats.tally import TRANSFERS, Sums


@dataclass(frozen=True, slots=True)
class DayOfLink:
    """The transfers by a link on a day."""

    date: str
    downloads: int
    transfers: int
    bytes_sent: int
    refused: int


@dataclass(frozen=True, slots=True)
class LinkUsage:
    """The transfers by a link in some days. Transfers are answers with content, of which a download may need several;
    `refusals` counts by error code."""

    link_id: str
    period_days: int
    downloads: int
    transfers: int
    bytes_sent: int
    refused: int
    refusals: Mapping[str, int]
    days: tuple[DayOfLink, ...]


@dataclass(slots=True)
class _Use:
    """Sums while they are added up."""

    downloads: int = 0
    transfers: int = 0
    bytes_sent: int = 0
    refused: int = 0


def link_usage(snapshot: Snapshot, link_id: str, today: int, days: int) -> LinkUsage:
    """The use of a link today and on the days before."""
    by_day: dict[int, _Use] = {}
    refusals: dict[str, int] = {}
    for (day, kind), sums in sorted(snapshot.link(link_id, today - days + 1).items()):
        _add(by_day.setdefault(day, _Use()), kind.action, kind.status, sums)
        if kind.status != SUCCESS:
            refusals[kind.error_type] = refusals.get(kind.error_type, 0) + sums.count
    found = tuple(
        DayOfLink(date_of(day), use.downloads, use.transfers, use.bytes_sent, use.refused)
        for day, use in sorted(by_day.items())
    )
    return LinkUsage(
        link_id,
        days,
        sum(day.downloads for day in found),
        sum(day.transfers for day in found),
        sum(day.bytes_sent for day in found),
        sum(day.refused for day in found),
        refusals,
        found,
    )


def _add(use: _Use, action: str, status: str, sums: Sums) -> None:
    if status != SUCCESS:
        use.refused += sums.count
    elif action == "link:claim":
        use.downloads += sums.count
    elif action in TRANSFERS:
        use.transfers += sums.count
        use.bytes_sent += sums.bytes
