"""Statistics of uploads: one client's, and what failed for all. Denied ones are no uploads."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from filewallball.recording.event import FAILED, SUCCESS
from filewallball.stats import failures
from filewallball.stats.calendar import DAY_HOURS, date_of
from filewallball.stats.snapshot import Snapshot
from filewallball.stats.tally import UPLOAD, Sums

UNKNOWN = "unknown"
"""The file type of uploads that were refused before anybody saw their content."""
_SOURCES = 10


@dataclass(frozen=True, slots=True)
class DayOfUploads:
    date: str
    count: int
    size: int
    success_rate: float


@dataclass(frozen=True, slots=True)
class ClientUploads:
    """One client's uploads; sizes are of those that succeeded."""

    client_ip: str
    period_days: int
    total_uploads: int
    total_size: int
    successful_uploads: int
    failed_uploads: int
    average_file_size: int
    most_common_type: str | None
    upload_trend: list[DayOfUploads]
    file_type_distribution: dict[str, int]
    error_breakdown: dict[str, int]


@dataclass(frozen=True, slots=True)
class DayOfErrors:
    date: str
    count: int
    type: str
    percentage: float


@dataclass(frozen=True, slots=True)
class ErrorSource:
    client_ip: str
    error_count: int
    most_common_error: str


@dataclass(frozen=True, slots=True)
class UploadErrors:
    """Failed uploads of a period: number, rate, causes, days and clients."""

    period_days: int
    total_errors: int
    error_rate: float
    error_types: dict[str, int]
    error_trend: list[DayOfErrors]
    top_error_sources: list[ErrorSource]


def client_uploads(snapshot: Snapshot, address: str, today: int, days: int) -> ClientUploads:
    """The uploads of one client over so many days, today among them."""
    types, causes = Counter[str](), Counter[str]()
    by_day: dict[int, tuple[Sums, Sums]] = {}
    good, bad = Sums(), Sums()
    for (day, kind), sums in snapshot.client(address, today - days + 1, UPLOAD).items():
        if kind.action != UPLOAD or kind.status not in (SUCCESS, FAILED):
            continue
        of_day = by_day.setdefault(day, (Sums(), Sums()))
        for total in (bad, of_day[1]) if kind.status == FAILED else (good, of_day[0]):
            total.add(sums)
        types[kind.file_type or UNKNOWN] += sums.count
        if kind.status == FAILED:
            causes[kind.error_type] += sums.count
    distribution = ranked(types)
    return ClientUploads(
        client_ip=address,
        period_days=days,
        total_uploads=good.count + bad.count,
        total_size=good.bytes,
        successful_uploads=good.count,
        failed_uploads=bad.count,
        average_file_size=good.bytes // good.count if good.count else 0,
        most_common_type=next(iter(distribution), None),
        upload_trend=[
            DayOfUploads(
                date=date_of(day),
                count=done.count + failed.count,
                size=done.bytes,
                success_rate=percent(done.count, done.count + failed.count),
            )
            for day, (done, failed) in sorted(by_day.items())
        ],
        file_type_distribution=distribution,
        error_breakdown=ranked(causes),
    )


def upload_errors(snapshot: Snapshot, today: int, days: int) -> UploadErrors:
    """Summarize the failed uploads of so many days, today among them."""
    first_day = today - days + 1
    failed_by_day = failures.by_day(snapshot, first_day)
    causes = Counter[str]()
    for (_, cause), count in failed_by_day.items():
        causes[cause] += count
    failed = sum(causes.values())
    done = sum(
        sums.count
        for kind, sums in snapshot.usage(first_day * DAY_HOURS).items()
        if (kind.action, kind.status) == (UPLOAD, SUCCESS)
    )
    return UploadErrors(
        period_days=days,
        total_errors=failed,
        error_rate=percent(failed, failed + done),
        error_types=ranked(causes),
        error_trend=[
            DayOfErrors(date=date_of(day), count=count, type=cause, percentage=percent(count, failed))
            for (day, cause), count in sorted(failed_by_day.items(), key=_latest_last)
        ],
        top_error_sources=_sources(snapshot, first_day),
    )


def ranked(counts: Mapping[str, int]) -> dict[str, int]:
    """The largest first, equal ones by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def percent(part: int, whole: int) -> float:
    """Per cent with one decimal; 0 of nothing."""
    return round(100 * part / whole, 1) if whole else 0.0


def _sources(snapshot: Snapshot, first_day: int) -> list[ErrorSource]:
    counts = ranked(failures.by_client(snapshot, first_day, _SOURCES))
    worst = list(counts)[:_SOURCES]
    causes = failures.causes(snapshot, worst, first_day)
    return [
        ErrorSource(
            client_ip=each, error_count=counts[each], most_common_error=next(iter(ranked(causes[each])))
        )
        for each in worst
    ]


def _latest_last(item: tuple[tuple[int, str], int]) -> tuple[int, int, str]:
    (day, cause), count = item
    return day, -count, cause
