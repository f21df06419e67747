"""The guide's own examples come out of a log that holds what they tell, wherever they agree with themselves."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from filewallball.clock import parse_moment
from filewallball.recording.event import Event
from filewallball.stats.calendar import day_of
from filewallball.stats.detailed import detailed_metrics
from filewallball.stats.snapshot import Statistics
from filewallball.stats.uploads import client_uploads, upload_errors
from filewallball.storage.local import Space
from harness.parts import Parts, put_on_record
from tests.stats.conftest import make_event

_MIB = 1024 * 1024
_NOW = parse_moment("2024-01-16T12:00:00Z")
_TODAY = day_of(_NOW)
_CLIENT, _OTHER, _CROWD = "192.168.1.100", "192.168.1.101", "192.168.1.7"


def test_the_client_of_the_guide(parts: Parts, statistics: Statistics) -> None:
    put_on_record(parts, [*_client_history(), *_other_errors()])

    found = asdict(statistics.at_once(lambda snapshot: client_uploads(snapshot, _CLIENT, _TODAY, 7)))

    trend = found.pop("upload_trend")
    assert trend[-2:] == [
        {"date": "2024-01-15", "count": 5, "size": 10485760, "success_rate": 100.0},
        {"date": "2024-01-16", "count": 3, "size": 6291456, "success_rate": 66.7},
    ]
    assert sum(day["count"] for day in trend) == 25
    assert found == {
        "client_ip": "192.168.1.100",
        "period_days": 7,
        "total_uploads": 25,
        "total_size": 52428800,
        "successful_uploads": 23,
        "failed_uploads": 2,
        "average_file_size": 52428800 // 23,  # the guide divides by all 25
        "most_common_type": "image/jpeg",
        "file_type_distribution": {
            "image/jpeg": 15,
            "image/png": 5,
            "application/pdf": 3,
            "text/plain": 2,
        },
        "error_breakdown": {"file_too_large": 1, "invalid_file_type": 1},
    }


def test_the_errors_of_the_guide(parts: Parts, statistics: Statistics) -> None:
    put_on_record(
        parts, [*_client_history(), *_other_errors(), _upload("2024-01-02", _CROWD, count=2985 - 23)]
    )
    parts.sealer.run()

    found = asdict(statistics.at_once(lambda snapshot: upload_errors(snapshot, _TODAY, 30)))

    trend = found.pop("error_trend")
    assert trend[-2:] == [
        {"date": "2024-01-15", "count": 2, "type": "file_too_large", "percentage": 13.3},
        {"date": "2024-01-16", "count": 1, "type": "invalid_file_type", "percentage": 6.7},
    ]
    assert sum(entry["count"] for entry in trend) == 15
    assert found.pop("top_error_sources")[:2] == [
        {"client_ip": "192.168.1.100", "error_count": 5, "most_common_error": "file_too_large"},
        {"client_ip": "192.168.1.101", "error_count": 3, "most_common_error": "invalid_file_type"},
    ]
    assert found == {
        "period_days": 30,
        "total_errors": 15,
        "error_rate": 0.5,
        "error_types": {"file_too_large": 8, "invalid_file_type": 4, "storage_full": 2, "network_error": 1},
    }


def test_the_detailed_metrics_of_the_guide(parts: Parts, statistics: Statistics) -> None:
    put_on_record(parts, [*_files(), *_today(), *_refusals()])
    parts.sealer.run()
    free = 268435456
    space = Space(total=4 * free, used=round(free * 75.5 / 24.5), free=free, reserved=0)

    found = asdict(statistics.at_once(lambda snapshot: detailed_metrics(snapshot, _NOW, 1, space, blocked=2)))

    performance = found["performance_metrics"]
    assert abs(performance.pop("response_time_p95") - 1.2) <= 1.2 * 0.02
    assert abs(performance.pop("response_time_p99") - 3.5) <= 3.5 * 0.02
    kinds = found["system_metrics"].pop("files_by_type")
    assert kinds.pop("application/zip") == 350  # the guide's types are 350 short of its total
    assert kinds == {"image/jpeg": 450, "application/pdf": 200, "text/plain": 150, "video/mp4": 100}
    assert found["system_metrics"] == {
        "total_files": 1250,
        "total_storage_used": 1073741824,
        "average_file_size": 858993,
        "storage_utilization": 75.5,
        "disk_free_space": 268435456,
    }
    assert performance == {
        "average_upload_time": 2.5,
        "average_download_time": 0.8,
        "cache_hit_rate": 85.5,
        "error_rate": 0.5,
    }
    assert found["user_metrics"] == {
        "active_users_today": 45,
        "total_downloads_today": 120,
        "total_views_today": 300,
        "unique_ips_today": 25,
    }
    assert found["security_metrics"] == {
        "failed_authentications": 12,
        "rate_limit_violations": 8,
        "suspicious_uploads": 3,
        "blocked_ips": 2,
    }


def _client_history() -> list[Event]:
    """25 uploads in 7 days, two of them failed."""
    types = [*["image/jpeg"] * 14, *["image/png"] * 4, *["application/pdf"] * 3, *["text/plain"] * 2]
    sizes = [*[2 * _MIB] * 5, *[3 * _MIB] * 2, *[2228224] * 16]
    days = [*["2024-01-15"] * 5, *["2024-01-16"] * 2, *["2024-01-12"] * 16]
    kept = [
        _upload(day, _CLIENT, file_type=file_type, file_size=size)
        for day, file_type, size in zip(days, types, sizes, strict=True)
    ]
    return [
        *kept,
        _failure("2024-01-16", _CLIENT, "invalid_file_type", file_type="image/png"),
        _failure("2024-01-12", _CLIENT, "file_too_large", file_type="image/jpeg"),
    ]


def _other_errors() -> list[Event]:
    """13 more failures in 30 days, three of them the first client's."""
    causes = ["file_too_large"] * 2 + ["storage_full"]
    return [
        *(_failure("2023-12-28", _CLIENT, cause) for cause in causes),
        *(_failure("2023-12-29", _OTHER, "invalid_file_type") for _ in range(3)),
        *(_failure("2024-01-15", f"192.168.1.{host}", "file_too_large") for host in (102, 103)),
        *(_failure("2024-01-03", f"192.168.1.{host}", "file_too_large") for host in (104, 105, 106)),
        _failure("2024-01-04", "192.168.1.104", "storage_full"),
        _failure("2024-01-04", "192.168.1.105", "network_error"),
    ]


def _files() -> Iterator[Event]:
    """1250 files of 1 GiB in all: 20 uploaded lately, in 2.5 seconds on average."""
    lately: dict[str, Any] = {"count": 9, "file_type": "image/jpeg", "file_size": 858993}
    yield _upload("2024-01-16", **{**lately, "count": 1, "file_size": 858993 + 574}, duration_us=3_500_000)
    yield _upload("2024-01-16", **lately, duration_us=3_500_000)
    yield _upload("2024-01-16", **{**lately, "count": 7}, duration_us=1_500_000)
    suspicious = {**lately, "count": 3, "details": '{"suspicious":true}'}
    yield _upload("2024-01-16", **suspicious, duration_us=1_500_000)
    types = {
        "image/jpeg": 430,
        "application/pdf": 200,
        "text/plain": 150,
        "video/mp4": 100,
        "application/zip": 350,
    }
    for file_type, count in types.items():
        yield _upload("2024-01-10", count=count, file_type=file_type, file_size=858993)


def _today() -> Iterator[Event]:
    """120 downloads in 0.8 seconds on average, 300 views, of which some asked the cache; 45 users, 25 addresses."""
    for number in range(300):
        cache = "hit" if number < 171 else "miss" if number < 200 else "none"
        who = {"user_id": 1 + number % 45, "ip_address": f"192.168.1.{1 + number % 25}"}
        yield _event("2024-01-16", "file:view", duration_us=100_000, cache=cache, **who)
    yield _event("2024-01-16", "file:download", count=20, duration_us=1_200_000)
    yield _event("2024-01-16", "file:download", count=100, duration_us=720_000)


def _refusals() -> Iterator[Event]:
    denied = {"status": "denied", "duration_us": 10_000}
    yield _event("2024-01-16", "auth:fail", error_type="auth_unknown", count=12, **denied)
    yield _event("2024-01-16", "file:list", error_type="rate_limited", count=8, **denied)
    yield _event(
        "2024-01-16", "file:view", status="failed", error_type="not_found", count=2, duration_us=9_000
    )


def _upload(day: str, address: str = _CROWD, **fields: Any) -> Event:
    return _event(day, "file:upload", ip_address=address, **fields)


def _failure(day: str, address: str, cause: str, **fields: Any) -> Event:
    return _upload(day, address, status="failed", error_type=cause, **fields)


def _event(day: str, action: str, **fields: Any) -> Event:
    moment = parse_moment(f"{day}T09:00:00Z")
    return make_event(**{"timestamp_us": moment, "action": action, "ip_address": _CROWD, **fields})
