"""The named steps of `create_app`."""

import secrets

from flask import Flask

from filewallball import __version__, maintenance, permissions
from filewallball.access import views as access_views
from filewallball.access.blocks import count_blocks
from filewallball.access.gate import build_gate
from filewallball.alerts import views as alert_views
from filewallball.audit import views as audit_views
from filewallball.audit.digest import Digest
from filewallball.audit.folding import Folds
from filewallball.audit.journal import Journal
from filewallball.audit.keys import kept_secret
from filewallball.audit.seals import Seals
from filewallball.audit.shipper import Shipper
from filewallball.audit.totals import Totals
from filewallball.audit.trail import Trail
from filewallball.backup.standing import backup_probe
from filewallball.config import Settings
from filewallball.database import Database
from filewallball.engines import configure as configure_database
from filewallball.extensions import api, db
from filewallball.files import quarantine_routes
from filewallball.files import views as file_views
from filewallball.files.cache import MetadataCache
from filewallball.files.lookup import FOUND_NAMES
from filewallball.files.scanning import OFF, Scanner
from filewallball.files.service import Files
from filewallball.files.thumbnails import Thumbnails
from filewallball.health import views as health_views
from filewallball.health.board import Board, Check
from filewallball.health.probes import database_probe, journal_probe, redis_probe, storage_probe
from filewallball.observability.logs import configure_logging
from filewallball.observability.metrics import Metrics
from filewallball.observability.pool import watch_pools
from filewallball.observability.request_log import RequestLog
from filewallball.observability.setup import init_metrics, init_middleware
from filewallball.observability.slots import Slots
from filewallball.operations import Ledger
from filewallball.readings import readings
from filewallball.runtime import Runtime, install, runtime
from filewallball.stats import views as stats_views
from filewallball.stats.expected import ExpectedClients
from filewallball.stats.fold import UsageFold
from filewallball.stats.view import Statistics
from filewallball.storage.local import LocalStore
from filewallball.web import docs, problems, start
from filewallball.web.bodies import SMALL_BYTES
from filewallball.web.caller import guard
from filewallball.web.headers import allow_origins, completion
from filewallball.web.openapi import Promises
from filewallball.web.origin import Proxies

_THUMBNAIL_SECONDS = 30.0  # its check starts a process


def configure(app: Flask, settings: Settings) -> None:
    """Flask's own configuration, all of it derived from the settings."""
    app.config.update(configure_database(settings))
    app.config.update(
        API_TITLE="FileWallBall",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
        MAX_FORM_MEMORY_SIZE=SMALL_BYTES,
        MAX_CONTENT_LENGTH=SMALL_BYTES,  # uploads lift it for themselves
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]


def bind_extensions(app: Flask) -> None:
    """Bind the unbound extensions."""
    db.init_app(app)
    app.teardown_appcontext_funcs.clear()  # it would end a scoped session, which nothing here opens
    api.init_app(app, spec_kwargs={"extra_plugins": [Promises(app.view_functions)]})


def build_runtime(app: Flask, settings: Settings) -> None:
    """Build the parts that rooms share."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o750)
    with app.app_context():
        database = Database(db.engine, db.engines["read"])
    slots = Slots(settings.slots_dir)
    journal = Journal(settings.journal_dir, slots.number, sync_each=settings.audit_sync == "full")
    key = seal_key(settings)
    trail, seals = Trail(database, key), Seals(key)
    proxies = Proxies(settings.trusted_proxies)
    store = LocalStore(
        settings.storage_dir,
        min_free_bytes=None if settings.min_free_space < 0 else settings.min_free_space,
    )
    statistics = Statistics(database, lambda: count_blocks(database))
    gate = build_gate(app, settings, database, proxies)
    parts = Runtime(
        settings=settings,
        database=database,
        store=store,
        slots=slots,
        journal=journal,
        shipper=Shipper(settings.journal_dir, database, trail),
        digest=Digest(settings.data_dir, database, seals),
        seals=seals,
        ledger=Ledger(
            database,
            journal,
            trail,
            Folds(journal.opened, journal.folded, journal.closed),
            record=lambda event: None,
        ),
        proxies=proxies,
        gate=gate,
        health=Board(settings.health_check_timeout.total_seconds()),
        scanner=Scanner(settings),
        thumbnails=Thumbnails(settings, database, store),
        cache=MetadataCache(settings.redis_url, FOUND_NAMES, lambda: gate.limits.degraded_since is not None),
        statistics=statistics,
        expected=ExpectedClients(database, statistics),
    )
    parts.ledger.watch = parts.gate.watch
    parts.digest.register_fold(Totals(database).fold)
    parts.digest.register_fold(UsageFold(database))
    install(app, parts)
    app.extensions["filewallball.files"] = Files(settings, database, parts.store, parts.scanner, parts.cache)


def register_routes(app: Flask) -> None:
    """Every room's routes."""
    for blueprint in (
        file_views.blueprint,
        audit_views.blueprint,
        health_views.blueprint,
        access_views.blueprint,
        stats_views.blueprint,
        quarantine_routes.blueprint,
        alert_views.blueprint,
    ):
        api.register_blueprint(blueprint)
    app.register_blueprint(docs.blueprint)
    app.register_blueprint(start.blueprint)


def watch_health(app: Flask, settings: Settings) -> None:
    """The checks, each registered for the room that knows how to try its dependency."""
    parts = runtime(app)
    for check in (
        Check("database", database_probe(parts.database, settings.database_pool_size), critical=True),
        Check("storage", storage_probe(parts.store), critical=True),
        Check("audit_sealing", parts.digest.stall.probe, share_seconds=2),
        Check("audit_journal", journal_probe(parts.journal.probe, parts.shipper.waiting), critical=True),
        Check(
            "redis",
            redis_probe(settings.redis_url, settings.health_check_timeout) if settings.redis_url else None,
        ),
        Check("virus_scan_service", None if settings.scan_policy == OFF else parts.scanner.probe),
        Check("thumbnail_service", parts.thumbnails.probe, share_seconds=_THUMBNAIL_SECONDS),
        Check(
            "backup_service",
            backup_probe(settings.data_dir, settings.backup_max_age) if settings.backup_max_age else None,
        ),
        Check("storage_integrity", maintenance.scrub(parts).probe, share_seconds=2),
    ):
        parts.health.add(check)


def render_errors(app: Flask) -> None:
    """One renderer for every error."""
    problems.init_app(app)


def observe(app: Flask, settings: Settings) -> None:
    """Metrics, request log and the middleware that sees a request to its last byte."""
    parts, logs = runtime(app), configure_logging(settings)
    metrics = init_metrics(app, settings, parts.slots, lambda: guard(permissions.STATS), readings(parts))
    parts.ledger.record = metrics.record
    parts.journal.recovered = lambda count: metrics.increment("operations_recovered_total", amount=count)
    with app.app_context():
        watch_pools(metrics, db.engine, db.engines["read"])
    logs.count_drops(lambda sink: metrics.increment("log_records_dropped_total", sink))
    watch_access(parts, metrics)
    allow_origins(app, settings.cors_origins)
    init_middleware(app, metrics, parts.proxies.origin, [RequestLog(logs)], completion(settings.public_url))


def watch_access(parts: Runtime, metrics: Metrics) -> None:
    """Gauges and counters of the gate that no event carries."""
    limits, forwarding = parts.gate.limits, parts.proxies.watch
    limits.show_degraded = lambda degraded: metrics.set("rate_limit_degraded_workers", degraded)
    forwarding.show_suspect = lambda suspect: metrics.set("proxy_setting_suspect_workers", suspect)


def seal_key(settings: Settings) -> bytes:
    """The key of the audit macs and seals: the setting, else a file that only this user can read."""
    if settings.audit_seal_key:
        return settings.audit_seal_key.encode()
    return kept_secret(settings.data_dir / "audit-key", lambda: secrets.token_hex(32)).encode()
