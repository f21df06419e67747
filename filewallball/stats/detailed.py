"""The detailed metrics of the whole service: what it keeps, how it performs, who uses it, what it turned away."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from filewallball.errors import WRONG_CREDENTIALS
from filewallball.recording.event import FAILED, SUCCESS
from filewallball.stats.buckets import quantile_us
from filewallball.stats.calendar import DAY_HOURS, hour_of
from filewallball.stats.snapshot import Snapshot
from filewallball.stats.tally import CLIENT, DOWNLOAD, ENDINGS, UPLOAD, USER, VIEW, OperationKind, Sums
from filewallball.stats.uploads import percent, ranked
from filewallball.storage.local import Space

_SHORT_DAYS, _LONG_DAYS = 7, 30
Usage = Mapping[OperationKind, Sums]


@dataclass(frozen=True, slots=True)
class SystemMetrics:
    total_files: int
    total_storage_used: int
    average_file_size: int
    files_by_type: dict[str, int]
    storage_utilization: float
    disk_free_space: int


@dataclass(frozen=True, slots=True)
class PerformanceMetrics:
    average_upload_time: float
    average_download_time: float
    cache_hit_rate: float
    error_rate: float
    response_time_p95: float
    response_time_p99: float


@dataclass(frozen=True, slots=True)
class UserMetrics:
    active_users_today: int
    total_downloads_today: int
    total_views_today: int
    unique_ips_today: int


@dataclass(frozen=True, slots=True)
class SecurityMetrics:
    failed_authentications: int
    rate_limit_violations: int
    suspicious_uploads: int
    blocked_ips: int


@dataclass(frozen=True, slots=True)
class Capacity:
    """Net growth in bytes a day, and how long the space lasts at the faster of the two; None while it does not grow."""

    growth_per_day_7_days: int
    growth_per_day_30_days: int
    days_until_full: float | None


@dataclass(frozen=True, slots=True)
class DetailedMetrics:
    period_days: int
    system_metrics: SystemMetrics
    performance_metrics: PerformanceMetrics
    user_metrics: UserMetrics
    security_metrics: SecurityMetrics
    capacity: Capacity
    active_connections: int | None = None


def detailed_metrics(snapshot: Snapshot, now: int, days: int, space: Space, blocked: int) -> DetailedMetrics:
    """All groups at the moment `now` (microseconds); performance and security over the last 24 h times `days`."""
    this_hour = hour_of(now)
    first_hour = this_hour - days * DAY_HOURS
    recent = snapshot.usage(first_hour)
    return DetailedMetrics(
        period_days=days,
        system_metrics=_system(snapshot, space),
        performance_metrics=_performance(recent, snapshot.latency(first_hour)),
        user_metrics=_users(snapshot, this_hour // DAY_HOURS),
        security_metrics=SecurityMetrics(
            failed_authentications=_count(recent, lambda kind: kind.error_type in WRONG_CREDENTIALS),
            rate_limit_violations=_count(recent, lambda kind: kind.error_type == "rate_limited"),
            suspicious_uploads=sum(sums.suspicious for sums in recent.values()),
            blocked_ips=blocked,
        ),
        capacity=capacity_of(snapshot, this_hour, space),
    )


def _system(snapshot: Snapshot, space: Space) -> SystemMetrics:
    stock = snapshot.inventory()
    files = sum(kept.files for kept in stock.values())
    size = sum(kept.bytes for kept in stock.values())
    return SystemMetrics(
        total_files=files,
        total_storage_used=size,
        average_file_size=size // files if files else 0,
        files_by_type=ranked({file_type: kept.files for file_type, kept in stock.items()}),
        storage_utilization=round(space.utilization_percent, 1),
        disk_free_space=space.free,
    )


def _performance(recent: Usage, latency: Mapping[int, int]) -> PerformanceMetrics:
    failed = _count(recent, lambda kind: kind.status == FAILED)
    done = _count(recent, lambda kind: kind.status == SUCCESS)
    return PerformanceMetrics(
        average_upload_time=_average_seconds(recent, UPLOAD),
        average_download_time=_average_seconds(recent, DOWNLOAD),
        cache_hit_rate=percent(
            sum(sums.hits for sums in recent.values()), sum(sums.lookups for sums in recent.values())
        ),
        error_rate=percent(failed, failed + done),
        response_time_p95=_seconds(quantile_us(latency, 0.95)),
        response_time_p99=_seconds(quantile_us(latency, 0.99)),
    )


def _users(snapshot: Snapshot, today: int) -> UserMetrics:
    since_midnight = snapshot.usage(today * DAY_HOURS)
    return UserMetrics(
        active_users_today=snapshot.distinct(today, USER),
        total_downloads_today=_count(since_midnight, lambda kind: _succeeded(kind, DOWNLOAD)),
        total_views_today=_count(since_midnight, lambda kind: _succeeded(kind, VIEW)),
        unique_ips_today=snapshot.distinct(today, CLIENT),
    )


def capacity_of(snapshot: Snapshot, this_hour: int, space: Space) -> Capacity:
    """The growth up to an hour, and how long the space lasts."""
    oldest = snapshot.first_hour()
    age_days = (this_hour - oldest) / DAY_HOURS if oldest is not None else 0.0
    short, long = (_growth(snapshot, this_hour, days, age_days) for days in (_SHORT_DAYS, _LONG_DAYS))
    fastest = max(short, long)
    return Capacity(
        growth_per_day_7_days=short,
        growth_per_day_30_days=long,
        days_until_full=round(max(0, space.spare) / fastest, 1) if fastest > 0 else None,
    )


def _growth(snapshot: Snapshot, this_hour: int, days: int, age_days: float) -> int:
    """Bytes kept minus bytes given up, a day; a service younger than the period is measured by its own age."""
    net = 0
    for kind, sums in snapshot.usage(this_hour - days * DAY_HOURS).items():
        if kind.status == SUCCESS and kind.action == UPLOAD:
            net += sums.bytes
        elif kind.status == SUCCESS and kind.action in ENDINGS:
            net -= sums.bytes
    return round(net / max(1.0, min(days, age_days)))


def _average_seconds(recent: Usage, action: str) -> float:
    matching = [sums for kind, sums in recent.items() if _succeeded(kind, action)]
    timed = sum(sums.timed for sums in matching)
    return _seconds(sum(sums.duration_us for sums in matching) / timed) if timed else 0.0


def _succeeded(kind: OperationKind, action: str) -> bool:
    return kind.action == action and kind.status == SUCCESS


def _count(usage: Usage, matches: Callable[[OperationKind], bool]) -> int:
    return sum(sums.count for kind, sums in usage.items() if matches(kind))


def _seconds(microseconds: float) -> float:
    return round(microseconds / 1e6, 6)
