"""The application of a process that answers requests: every part of the service, watched and observed."""

from flask import Flask

from filewallball import permissions
from filewallball.access.admission import guard
from filewallball.assembly import make_all, open_service
from filewallball.audit.sealer import Sealer
from filewallball.backup.last_backup import backup_probe
from filewallball.database.connections import Database
from filewallball.database.engines import Engines
from filewallball.files.scanning import OFF, Scanner
from filewallball.files.scrub import Scrub
from filewallball.files.thumbnails import Thumbnails
from filewallball.health.checks import Check, HealthChecks
from filewallball.health.history import HealthHistory
from filewallball.health.probes import database_probe, journal_probe, redis_probe, storage_probe
from filewallball.observability.logs import Logs
from filewallball.observability.metrics import Metrics
from filewallball.observability.pool import watch_pools
from filewallball.observability.request_log import RequestLog
from filewallball.observability.setup import init_middleware, serve_metrics
from filewallball.observability.tracing.tracing import Tracing
from filewallball.recording.journal import Journal
from filewallball.recording.shipper import Shipper
from filewallball.registry import part, provide
from filewallball.serving.gauges import gauges
from filewallball.serving.presence import Presence
from filewallball.settings.service import Settings
from filewallball.storage.local import LocalStore
from filewallball.web.app import Application
from filewallball.web.cors import allow_origins
from filewallball.web.headers import completion
from filewallball.web.hosts import Hosts
from filewallball.web.origin import Proxies, at_known_hosts

_THUMBNAIL_SECONDS = 30.0  # its check starts a process


def build(settings: Settings) -> Flask:
    """The application under these settings, step by step."""
    registry = open_service(settings)
    make_all(registry)
    app = registry.find(Application)
    watch_health(app, settings)
    observe(app, settings)
    return app


def watch_health(app: Flask, settings: Settings) -> None:
    """The checks, each made by the package that knows how to try its dependency."""
    database, store, journal = part(Database, app), part(LocalStore, app), part(Journal, app)
    timeout = settings.health_check_timeout
    redis = redis_probe(settings.redis_url, timeout) if settings.redis_url else None
    backup = backup_probe(settings.data_dir, settings.backup_max_age) if settings.backup_max_age else None
    board = HealthChecks(timeout.total_seconds())
    for check in (
        Check("database", database_probe(database, settings.database_pool_size), critical=True),
        Check("storage", storage_probe(store), critical=True),
        Check("audit_sealing", part(Sealer, app).stall.probe, share_seconds=2),
        Check("audit_journal", journal_probe(journal.probe, part(Shipper, app).waiting), critical=True),
        Check("redis", redis),
        Check("virus_scan_service", None if settings.scan_policy == OFF else part(Scanner, app).probe),
        Check("thumbnail_service", part(Thumbnails, app).probe, share_seconds=_THUMBNAIL_SECONDS),
        Check("backup_service", backup),
        Check("periodic_jobs", Presence(settings.data_dir).probe, share_seconds=2),
        Check("storage_integrity", part(Scrub, app).probe, share_seconds=2),
    ):
        board.add(check)
    provide(app, board, HealthHistory(database, board))


def observe(app: Flask, settings: Settings) -> None:
    """Metrics, request log and the middleware that sees a request to its last byte."""
    metrics = part(Metrics, app)
    serve_metrics(app, settings, metrics, lambda: guard(permissions.STATS), gauges(app))
    engines = part(Engines, app)
    watch_pools(metrics, engines.writer, engines.reader)
    allow_origins(app, settings.cors_origins)
    origin = at_known_hosts(part(Proxies, app).origin, part(Hosts, app))
    watching, complete = [RequestLog(part(Logs, app))], completion(settings.public_url)
    init_middleware(app, metrics, origin, watching, complete, part(Tracing, app))
