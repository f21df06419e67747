"""The plain truth: every statistic computed again from all rows of the audit log, by the shortest code there is."""

import json
from collections import Counter
from datetime import UTC, datetime
from math import ceil
from typing import Any

from sqlalchemy import Connection, select, text

from filewallball.recording.tables import audit_log

_MOVED = ("file:upload", "file:download", "file:view", "file:thumbnail")
_BAD_TOKENS = ("auth_malformed", "auth_unknown", "auth_expired", "auth_revoked", "link_password_wrong")


def all_rows(connection: Connection) -> list[Any]:
    """The whole audit log."""
    connection.execute(text("SELECT 1"))
    return list(connection.execute(select(*audit_log.c).where(audit_log.c.block_id.is_distinct_from(-1))))


def client_uploads(rows: list[Any], address: str, today: int, days: int) -> dict[str, Any]:
    mine = [row for row in _uploads(rows, today, days) if row.ip_address == address]
    good = [row for row in mine if row.status == "success"]
    types = _counts((row.file_type or "unknown", row.count) for row in mine)
    trend = []
    for day in sorted({_day(row) for row in mine}):
        of_day = [row for row in mine if _day(row) == day]
        done = [row for row in of_day if row.status == "success"]
        count = _total(of_day)
        trend.append(
            {
                "date": _date(day),
                "count": count,
                "size": _bytes(done),
                "success_rate": round(100 * _total(done) / count, 1),
            }
        )
    return {
        "client_ip": address,
        "period_days": days,
        "total_uploads": _total(mine),
        "total_size": _bytes(good),
        "successful_uploads": _total(good),
        "failed_uploads": _total(mine) - _total(good),
        "average_file_size": _bytes(good) // _total(good) if good else 0,
        "most_common_type": next(iter(types), None),
        "upload_trend": trend,
        "file_type_distribution": types,
        "error_breakdown": _counts((row.error_type, row.count) for row in mine if row.status == "failed"),
    }


def upload_errors(rows: list[Any], today: int, days: int) -> dict[str, Any]:
    attempts = _uploads(rows, today, days)
    bad = [row for row in attempts if row.status == "failed"]
    failed = _total(bad)
    trend = Counter[tuple[int, str]]()
    for row in bad:
        trend[_day(row), row.error_type] += row.count
    sources = _counts((row.ip_address, row.count) for row in bad if row.ip_address)
    return {
        "period_days": days,
        "total_errors": failed,
        "error_rate": round(100 * failed / _total(attempts), 1) if attempts else 0.0,
        "error_types": _counts((row.error_type, row.count) for row in bad),
        "error_trend": [
            {"date": _date(day), "count": count, "type": cause, "percentage": round(100 * count / failed, 1)}
            for (day, cause), count in sorted(
                trend.items(), key=lambda item: (item[0][0], -item[1], item[0][1])
            )
        ],
        "top_error_sources": [
            {
                "client_ip": address,
                "error_count": count,
                "most_common_error": next(
                    iter(_counts((row.error_type, row.count) for row in bad if row.ip_address == address))
                ),
            }
            for address, count in list(sources.items())[:10]
        ],
    }


def clients(rows: list[Any], today: int, days: int, order: str) -> list[dict[str, Any]]:
    """The whole ranking."""
    recent = [row for row in rows if row.ip_address and _day(row) > today - days]
    uses = []
    for address in {row.ip_address for row in recent}:
        mine = [row for row in recent if row.ip_address == address]
        moved = [row for row in mine if row.status == "success" and row.action in _MOVED]
        errors = _total(row for row in mine if row.status == "failed")
        uses.append({"client_ip": address, "count": _total(mine), "bytes": _bytes(moved), "errors": errors})
    return sorted(uses, key=lambda use: (-use[order], use["client_ip"]))


def detailed(rows: list[Any], now: int, days: int) -> dict[str, Any]:
    """The detailed metrics but for the disk, the blocks and the capacity; response times are exact."""
    recent = [row for row in rows if row.timestamp_us // 3_600_000_000 >= now // 3_600_000_000 - 24 * days]
    todays = [row for row in rows if _day(row) >= now // 86_400_000_000]
    types, size = Counter[str](), 0
    for row in rows:
        if row.status == "success" and row.action in ("file:upload", "file:delete", "file:expire"):
            sign = row.count if row.action == "file:upload" else -row.count
            types[row.file_type] += sign
            size += sign * row.file_size
    lookups = _total(row for row in recent if row.cache != "none")
    failed = _total(row for row in recent if row.status == "failed")
    done = _total(row for row in recent if row.status == "success")
    times = sorted(
        row.duration_us for row in recent if row.duration_us and row.ip_address for _ in range(row.count)
    )
    return {
        "total_files": sum(types.values()),
        "total_storage_used": size,
        "files_by_type": _counts(types.items()),
        "average_upload_time": _average(
            row for row in recent if (row.action, row.status) == ("file:upload", "success")
        ),
        "average_download_time": _average(
            row for row in recent if (row.action, row.status) == ("file:download", "success")
        ),
        "cache_hit_rate": round(100 * _total(row for row in recent if row.cache == "hit") / lookups, 1)
        if lookups
        else 0.0,
        "error_rate": round(100 * failed / (failed + done), 1) if failed + done else 0.0,
        "p95": times[ceil(0.95 * len(times)) - 1] / 1e6 if times else 0.0,
        "p99": times[ceil(0.99 * len(times)) - 1] / 1e6 if times else 0.0,
        "active_users_today": len({row.user_id for row in todays} - {0}),
        "total_downloads_today": _total(
            row for row in todays if (row.action, row.status) == ("file:download", "success")
        ),
        "total_views_today": _total(
            row for row in todays if (row.action, row.status) == ("file:view", "success")
        ),
        "unique_ips_today": len({row.ip_address for row in todays} - {""}),
        "failed_authentications": _total(row for row in recent if row.error_type in _BAD_TOKENS),
        "rate_limit_violations": _total(row for row in recent if row.error_type == "rate_limited"),
        "suspicious_uploads": _total(
            row for row in recent if row.action == "file:upload" and _details(row).get("suspicious") is True
        ),
    }


def _uploads(rows: list[Any], today: int, days: int) -> list[Any]:
    return [
        row
        for row in rows
        if row.action == "file:upload" and row.status != "denied" and _day(row) > today - days
    ]


def _details(row: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row.details or "{}")
    return found


def _day(row: Any) -> int:
    return int(row.timestamp_us // 86_400_000_000)


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * 86400, UTC).strftime("%Y-%m-%d")


def _total(rows: Any) -> int:
    return sum(row.count for row in rows)


def _bytes(rows: Any) -> int:
    return sum(row.count * row.file_size for row in rows)


def _average(rows: Any) -> float:
    timed = [row for row in rows if row.duration_us]
    return round(sum(row.duration_us * row.count for row in timed) / _total(timed) / 1e6, 6) if timed else 0.0


def _counts(pairs: Any) -> dict[str, int]:
    counts = Counter[str]()
    for key, count in pairs:
        counts[key] += count
    return dict(sorted(((k, n) for k, n in counts.items() if n), key=lambda item: (-item[1], item[0])))
