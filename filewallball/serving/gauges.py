"""Gauges whose values the parts of the service know at any moment: read at each scrape, kept nowhere."""

import math
import time
from collections.abc import Callable
from typing import TypeVar

from flask import Flask

from filewallball.access.gate import Gate
from filewallball.audit.sealer import Sealer
from filewallball.audit.verify_job import Verification
from filewallball.backup.last_backup import last_backup_us
from filewallball.database.connections import Database
from filewallball.errors import ApiError
from filewallball.files.resumable.sweep import UploadGauges
from filewallball.health.checks import HealthChecks
from filewallball.idempotency.in_use import KeysInUse
from filewallball.observability.exposition import Value
from filewallball.recording.journal import Journal
from filewallball.recording.shipper import Shipper
from filewallball.registry import part
from filewallball.serving import handover, roles
from filewallball.serving.accept_queue import waiting_at
from filewallball.serving.presence import Presence
from filewallball.settings.service import Settings
from filewallball.stats.expected import ExpectedClients
from filewallball.stats.users import TopUsers, UserUse
from filewallball.storage.local import LocalStore

T = TypeVar("T")
_SHARED_SECONDS = 0.5


def gauges(app: Flask) -> dict[str, Callable[[], Value]]:
    """The readers of the metric contract's scraped gauges, by metric name."""
    settings, gate, sealer = part(Settings, app), part(Gate, app), part(Sealer, app)
    presence = Presence(settings.data_dir)
    space = _shared(part(LocalStore, app).space)
    backlog = _shared(part(Shipper, app).backlog)
    checks, verification = part(HealthChecks, app), part(Verification, app)
    uploads, keys = part(UploadGauges, app), part(KeysInUse, app)
    expected, journal, database = part(ExpectedClients, app), part(Journal, app), part(Database, app)
    users = part(TopUsers, app)
    return {
        "storage_utilization_percent": lambda: space().utilization_percent,
        "storage_free_bytes": lambda: space().free,
        "storage_size_bytes": lambda: space().total,
        "storage_damaged_blobs": lambda: _damaged_blobs(checks),
        "backup_last_success_timestamp_seconds": lambda: last_backup_us(settings.data_dir) / 1e6,
        "audit_journal_pending_events": lambda: backlog().events,
        "audit_journal_oldest_pending_seconds": lambda: backlog().oldest_seconds,
        "resumable_uploads_unfinished": lambda: uploads.count,
        "resumable_upload_oldest_seconds": lambda: uploads.oldest_seconds,
        "idempotency_keys_in_use": lambda: keys.count,
        "blocked_networks": lambda: gate.blocks.count,
        "audit_unsealed_rows": lambda: sealer.waiting,
        "audit_unsealed_seconds": lambda: sealer.stall.seconds,
        "audit_verify_last_success_timestamp_seconds": lambda: _last_success_seconds(verification),
        "audit_verify_intact": lambda: _intact(verification),
        "client_last_upload_age_seconds": lambda: {
            (client.client_ip,): client.seconds_since_upload for client in expected.latest
        },
        "client_expected_within_seconds": lambda: {
            (client.client_ip,): client.expected_within for client in expected.latest
        },
        "user_transferred_bytes": lambda: {(key,): size for key, size in users.latest.bytes.items()},
        "user_operations": lambda: _operations(users.latest),
        "user_quota_used_ratio": lambda: {(key,): share for key, share in users.latest.quotas.items()},
        "audit_journal_writable": lambda: _takes_lines(journal),
        "database_writable": lambda: float(not database.refusals.problem),
        "requests_waiting": lambda: _waiting(settings),
        "periodic_jobs_running": lambda: float(presence.is_seen()),
    }


def _waiting(settings: Settings) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {(roles.POOL,): handover.waiting()}
    if settings.sync_workers:
        try:
            found[roles.SYNC,] = waiting_at(settings.sync_socket)
        except OSError:
            found[roles.SYNC,] = math.nan
    return found


def _operations(use: UserUse) -> dict[tuple[str, ...], float]:
    by_outcome = {"all": use.operations, "failed": use.errors}
    return {(key, outcome): count for outcome, found in by_outcome.items() for key, count in found.items()}


def _damaged_blobs(checks: HealthChecks) -> float:
    """As health last saw it: a scrape asks the database nothing."""
    return float(checks.latest("storage_integrity").details.get("damaged_blobs", math.nan))


def _last_success_seconds(verification: Verification) -> float:
    last = verification.last()
    return last.last_success_us / 1e6 if last else 0


def _intact(verification: Verification) -> float:
    last = verification.last()
    return float(last.report.is_intact) if last else math.nan


def _takes_lines(journal: Journal) -> float:
    try:
        journal.probe()
    except ApiError:
        return 0
    return 1


def _shared(read: Callable[[], T]) -> Callable[[], T]:
    """Call `read` once for all gauges of a scrape."""
    last: tuple[float, T] | None = None

    def shared() -> T:
        nonlocal last
        if last is None or time.monotonic() - last[0] > _SHARED_SECONDS:
            last = time.monotonic(), read()
        return last[1]

    return shared
