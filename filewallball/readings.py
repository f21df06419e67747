"""Gauges whose values the rooms know at any moment: read at each scrape, kept nowhere."""

import math
import time
from collections.abc import Callable
from typing import TypeVar

from filewallball.audit.shipper import oldest_age_seconds
from filewallball.audit.verification import standing
from filewallball.backup.standing import last_backup_us
from filewallball.errors import ApiError
from filewallball.observability.exposition import Value
from filewallball.runtime import Runtime

T = TypeVar("T")
_SHARED_SECONDS = 0.5


def readings(parts: Runtime) -> dict[str, Callable[[], Value]]:
    """The readers of the metric contract's scraped gauges, by metric name."""
    space = _shared(parts.store.space)
    backlog = _shared(parts.shipper.backlog)
    return {
        "storage_utilization_percent": lambda: space().utilization_percent,
        "storage_free_bytes": lambda: space().free,
        "storage_size_bytes": lambda: space().total,
        "storage_damaged_blobs": lambda: _damaged_blobs(parts),
        "backup_last_success_timestamp_seconds": lambda: last_backup_us(parts.settings.data_dir) / 1e6,
        "audit_journal_pending_events": lambda: backlog().events,
        "audit_journal_oldest_pending_seconds": lambda: oldest_age_seconds(backlog()),
        "blocked_networks": lambda: parts.gate.blocks.count,
        "audit_unsealed_rows": lambda: parts.digest.waiting,
        "audit_unsealed_seconds": lambda: parts.digest.stall.seconds,
        "audit_verify_last_success_timestamp_seconds": lambda: _last_success_seconds(parts),
        "audit_verify_intact": lambda: _intact(parts),
        "client_last_upload_age_seconds": lambda: {
            (client.client_ip,): client.seconds_since_upload for client in parts.expected.latest
        },
        "client_expected_within_seconds": lambda: {
            (client.client_ip,): client.expected_within for client in parts.expected.latest
        },
        "audit_journal_writable": lambda: _takes_lines(parts),
    }


def _damaged_blobs(parts: Runtime) -> float:
    """As health last saw it: a scrape asks the database nothing."""
    return float(parts.health.latest("storage_integrity").details.get("damaged_blobs", math.nan))


def _last_success_seconds(parts: Runtime) -> float:
    last = standing(parts)
    return last.last_success_us / 1e6 if last else 0


def _intact(parts: Runtime) -> float:
    last = standing(parts)
    return float(last.verdict.is_intact) if last else math.nan


def _takes_lines(parts: Runtime) -> float:
    try:
        parts.journal.probe()
    except ApiError:
        return 0
    return 1


def _shared(read: Callable[[], T]) -> Callable[[], T]:
    """One reading for all gauges of a scrape."""
    last: tuple[float, T] | None = None

    def shared() -> T:
        nonlocal last
        if last is None or time.monotonic() - last[0] > _SHARED_SECONDS:
            last = time.monotonic(), read()
        return last[1]

    return shared
