"""The two health answers, field for field as the specification shows them: its names, units and formats."""

from collections.abc import Mapping
from typing import Any

from filewallball.clock import now_us, rfc3339
from filewallball.health.checks import DISABLED, CheckResult, worst
from filewallball.installation import __version__

DATABASE, REDIS, STORAGE, JOURNAL = "database", "redis", "storage", "audit_journal"
EXTERNAL = ("virus_scan_service", "thumbnail_service", "backup_service")
READINESS = (DATABASE, STORAGE, JOURNAL)
_KNOWN = {DATABASE, REDIS, STORAGE, *EXTERNAL}
_SHOWN_AS = {DATABASE: "database_connection", REDIS: "redis_connection", STORAGE: "file_system"}
_NOTHING = CheckResult(DISABLED)


def summary(results: Mapping[str, CheckResult], *, dialect: str, uptime_seconds: float) -> dict[str, Any]:
    """`GET /health`: what anybody may know."""
    database, redis, storage = (results.get(name, _NOTHING) for name in (DATABASE, REDIS, STORAGE))
    services: dict[str, Any] = {
        DATABASE: {**_timed(database), "connections": database.details.get("active_connections")},
        REDIS: {
            **_timed(redis),
            "memory_usage": _percent(redis.details.get("memory_used"), redis.details.get("memory_max")),
        },
        STORAGE: {
            **_timed(storage),
            "free_space": _size(storage.details.get("free_space")),
            "utilization": _percent(storage.details.get("utilization"), 100),
        },
    }
    for name, result in results.items():
        services.setdefault(name, _timed(result))
    return {
        "status": worst(results.values()),
        "timestamp": rfc3339(now_us() // 1_000_000 * 1_000_000),
        "version": __version__,
        "uptime": uptime(uptime_seconds),
        "services": services,
        "dependencies": {
            **{name: database.status if name == dialect else DISABLED for name in ("mariadb", "sqlite")},
            "redis": redis.status,
            "file_system": storage.status,
        },
    }


def detailed(results: Mapping[str, CheckResult]) -> dict[str, Any]:
    """The body of `GET /health/detailed`, for those who run the service."""
    database, redis, storage = (results.get(name, _NOTHING) for name in (DATABASE, REDIS, STORAGE))
    checks = {
        _SHOWN_AS[DATABASE]: _check(
            database, _plain(database, "active_connections", "max_connections", "connection_pool_size")
        ),
        _SHOWN_AS[REDIS]: _check(
            redis, {**_sizes(redis, "memory_used", "memory_max"), **_plain(redis, "connected_clients")}
        ),
        _SHOWN_AS[STORAGE]: _check(
            storage,
            {
                **_sizes(storage, "total_space", "used_space", "free_space"),
                **_texts(storage, "inodes_used", "inodes_total"),
            },
        ),
        "external_services": _external(results),
    }
    for name, result in results.items():
        if name not in _KNOWN:
            checks[name] = _check(result, dict(result.details))
    return {"status": worst(results.values()), "checks": checks}


def readiness(results: Mapping[str, CheckResult], *, draining: bool) -> dict[str, Any]:
    """The body of `GET /health/ready`: whether requests may be sent here."""
    status = "draining" if draining else worst(results.values())
    body = {"status": status, "checks": {name: result.status for name, result in results.items()}}
    failures = {name: result.error for name, result in results.items() if result.error}
    return {**body, "errors": failures} if failures else body


def uptime(seconds: float) -> str:
    """`72h 15m 30s`."""
    whole = max(0, int(seconds))
    return f"{whole // 3600}h {whole // 60 % 60}m {whole % 60}s"


def size(count: int) -> str:
    """`2.5GB`: units of 1024, one decimal where there is one."""
    value, unit = float(count), "B"
    for larger in ("KB", "MB", "GB", "TB", "PB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.1f}".removesuffix(".0") + unit


def _external(results: Mapping[str, CheckResult]) -> dict[str, Any]:
    found = {name: results.get(name, _NOTHING) for name in EXTERNAL}
    return {
        "status": worst(found.values()),
        "checks": {name: result.status for name, result in found.items()},
        "details": {name: _check(result, dict(result.details)) for name, result in found.items()},
    }


def _check(result: CheckResult, details: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {**_timed(result), "details": details}
    if result.error:
        shown["error"] = result.error
    return shown


def _timed(result: CheckResult) -> dict[str, Any]:
    seconds = result.seconds
    return {"status": result.status, "response_time": None if seconds is None else f"{seconds:.3f}s"}


def _plain(result: CheckResult, *names: str) -> dict[str, Any]:
    return {name: result.details.get(name) for name in names}


def _sizes(result: CheckResult, *names: str) -> dict[str, Any]:
    return {name: _size(result.details.get(name)) for name in names}


def _texts(result: CheckResult, *names: str) -> dict[str, Any]:
    return {name: None if (value := result.details.get(name)) is None else str(value) for name in names}


def _size(count: int | None) -> str | None:
    return None if count is None else size(count)


def _percent(part: int | None, whole: int | None) -> str | None:
    return f"{round(100 * part / whole)}%" if part is not None and whole else None
