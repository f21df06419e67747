"""Building the application: the named steps of `create_app`, and the tables of who is told of an event."""

from collections.abc import Callable

from flask import Flask

from filewallball import permissions
from filewallball.access.admission import guard
from filewallball.access.blocks import BlockList, count_blocks
from filewallball.access.gate import Gate
from filewallball.access.limits import Limits, build_limiter
from filewallball.access.screening import screen
from filewallball.audit.retention import Retention
from filewallball.audit.sealer import Rollup, Sealer
from filewallball.audit.seals import Seals, seal_key
from filewallball.audit.totals import Totals
from filewallball.audit.verify_job import Verification
from filewallball.backup.last_backup import backup_probe
from filewallball.console.problem_views import page_of
from filewallball.database.connections import Database
from filewallball.database.engines import configure as configure_database
from filewallball.database.tables import db
from filewallball.files.cache import MetadataCache
from filewallball.files.changes import Changes
from filewallball.files.fetch import Downloads
from filewallball.files.history import Histories
from filewallball.files.inventory import count_files
from filewallball.files.keyed_upload import KeyedUploads
from filewallball.files.removal import Removals
from filewallball.files.resumable.parts import make_parts
from filewallball.files.scanning import OFF, Scanner
from filewallball.files.thumbnails import Thumbnails
from filewallball.files.upload import Uploads
from filewallball.filesystem import make_durable_folder
from filewallball.health.checks import Check, HealthChecks
from filewallball.health.history import HealthHistory
from filewallball.health.probes import database_probe, journal_probe, redis_probe, storage_probe
from filewallball.idempotency.in_use import KeysInUse
from filewallball.idempotency.reservations import Reservations
from filewallball.links.parts import make_links
from filewallball.observability.counters import EPOCH
from filewallball.observability.logs import configure_logging
from filewallball.observability.metric_store.slots import Slots
from filewallball.observability.metrics import Metrics
from filewallball.observability.pool import watch_pools
from filewallball.observability.request_log import RequestLog
from filewallball.observability.setup import build_metrics, init_middleware, serve_metrics
from filewallball.observability.tracing.tracing import Tracing
from filewallball.reconcile.reconciliation import Reconciliation
from filewallball.recording.adoption import Adoption
from filewallball.recording.audit_rows import AuditWriter
from filewallball.recording.coalescing import Coalescer
from filewallball.recording.event import Event
from filewallball.recording.event_ids import EventIds
from filewallball.recording.journal import Journal
from filewallball.recording.line_macs import LineMacs
from filewallball.recording.operations import Ledger
from filewallball.recording.rejects import Rejects
from filewallball.recording.shipper import Shipper
from filewallball.redaction import Redactor
from filewallball.registry import part, provide
from filewallball.routes import register_routes
from filewallball.serving import maintenance
from filewallball.serving.gauges import gauges
from filewallball.serving.presence import Presence
from filewallball.settings.service import Settings
from filewallball.stats.expected import ExpectedClients
from filewallball.stats.rebuild import Rebuild
from filewallball.stats.rollup import UsageRollup
from filewallball.stats.snapshot import Statistics
from filewallball.stats.users import TopUsers
from filewallball.storage.local import LocalStore
from filewallball.version import __version__
from filewallball.web import problems
from filewallball.web.api import api
from filewallball.web.app import Application
from filewallball.web.cors import allow_origins
from filewallball.web.headers import completion
from filewallball.web.hosts import Hosts, hosts_of
from filewallball.web.openapi import Promises
from filewallball.web.origin import Proxies, at_known_hosts
from filewallball.web.pages import Pages
from filewallball.web.request_body import SMALL_BYTES

_THUMBNAIL_SECONDS = 30.0  # its check starts a process


def build(settings: Settings) -> Flask:
    """The application under these settings, step by step."""
    app = Application("filewallball", static_folder=None)
    app.screen = screen
    configure(app, settings)
    bind_extensions(app)
    build_parts(app, settings)
    watch_health(app, settings)
    register_routes(app)
    problems.init_app(app, page_of)
    observe(app, settings)
    return app


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


def build_parts(app: Flask, settings: Settings) -> None:
    """Build every part of the service and make it available by its type."""
    make_durable_folder(settings.data_dir, 0o750)
    with app.app_context():
        database = Database(db.engine, db.engines["read"])
    slots = Slots(settings.slots_dir)
    metrics = build_metrics(app, settings, slots)
    provide(app, settings, database, slots, metrics, Tracing(settings, metrics))
    _build_gate(app, settings, database, metrics)
    _build_recording(app, settings, database, slots)
    _build_files(app, settings, database)
    stored = part(LocalStore, app), part(Uploads, app), part(Reservations, app), part(Ledger, app)
    provide(app, *make_parts(settings, database, *stored, part(Metrics, app).add))
    provide(app, *make_links(settings, database, part(Ledger, app), part(Downloads, app), part(Gate, app)))
    _build_statistics(app, settings, database)
    _build_audit(app, settings, database)
    provide(
        app,
        Reconciliation(settings, database, part(LocalStore, app), part(Statistics, app), part(Shipper, app)),
    )


def listeners(metrics: Metrics, gate: Gate, tracing: Tracing) -> tuple[Callable[[Event], None], ...]:
    """The functions that are told of each operation that has ended, in this order."""
    return (
        metrics.record,  # counts it
        gate.watch,  # notices who offends too often
        *((tracing.record,) if tracing.is_on else ()),  # exports what no request asked for
    )


def rollups(database: Database) -> tuple[Rollup, ...]:
    """The functions that are handed each audit row, in the transaction that seals it."""
    return (
        Totals(database).rollup,  # the totals of the audit list
        UsageRollup(database),  # the statistics
    )


def _build_gate(app: Flask, settings: Settings, database: Database, metrics: Metrics) -> None:
    proxies = Proxies(
        settings.trusted_proxies,
        show_suspect=lambda suspect: metrics.set("proxy_setting_suspect_workers", suspect),
    )
    limits = Limits(
        build_limiter(app, settings),
        settings,
        show_degraded=lambda degraded: metrics.set("rate_limit_degraded_workers", degraded),
    )
    provide(app, proxies, hosts_of(settings), Pages(settings.public_url, settings.cors_origins))
    provide(app, Gate(settings, proxies, BlockList(database), limits))


def _build_recording(app: Flask, settings: Settings, database: Database, slots: Slots) -> None:
    metrics, key = part(Metrics, app), seal_key(settings)
    ids = EventIds(settings.metrics_dir / EPOCH)
    writer, macs = AuditWriter(database, key), LineMacs(key)
    adoption = Adoption(settings.data_dir / "journal-macs", settings.journal_dir, macs, slots.borrowed)
    rejects = Rejects(
        settings.journal_dir,
        lambda reason, amount: metrics.increment("audit_journal_rejected_total", reason, amount=amount),
    )
    journal = Journal(
        settings.journal_dir,
        slots.number,
        macs,
        sync_each=settings.audit_sync == "full",
        recovered=lambda count: metrics.increment("operations_recovered_total", amount=count),
    )
    ledger = Ledger(
        database,
        journal,
        writer,
        Coalescer(journal.opened, journal.coalesced, journal.closed, new_id=ids.new),
        listeners(metrics, part(Gate, app), part(Tracing, app)),
        ids.new,
        Redactor(settings.secrets()),
    )
    shipper = Shipper(settings.journal_dir, database, writer, macs, adoption, rejects, ids, tell=ledger.tell)
    provide(app, macs, adoption, journal, shipper, Seals(key), ledger)


def _build_files(app: Flask, settings: Settings, database: Database) -> None:
    limits = part(Gate, app).limits
    store = LocalStore(
        settings.storage_dir,
        min_free_bytes=None if settings.min_free_space < 0 else settings.min_free_space,
    )
    scanner = Scanner(settings)
    cache = MetadataCache(settings.redis_url, lambda: limits.are_degraded)
    downloads, removals = Downloads(settings, database, store, scanner, cache), Removals(database, cache)
    provide(app, store, scanner, cache, Thumbnails(settings, database, store), downloads, removals)
    provide(app, Changes(settings, database, store, cache), Histories(database, settings.history_addresses))
    uploads, reservations = Uploads(settings, database, store, scanner), Reservations(database)
    provide(app, uploads, reservations, KeysInUse(database), KeyedUploads(uploads, reservations))


def _build_statistics(app: Flask, settings: Settings, database: Database) -> None:
    statistics = Statistics(database, lambda: count_blocks(database))
    rebuild = Rebuild(database, count_files)
    provide(app, statistics, ExpectedClients(database, statistics), TopUsers(settings, database), rebuild)


def _build_audit(app: Flask, settings: Settings, database: Database) -> None:
    seals, ledger = part(Seals, app), part(Ledger, app)
    verification = Verification(settings, database, seals, ledger)
    provide(
        app,
        Sealer(settings.data_dir, database, seals, rollups(database)),
        verification,
        Retention(settings, database, seals, ledger, verification),
    )


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
        Check("storage_integrity", maintenance.scrub(app).probe, share_seconds=2),
    ):
        board.add(check)
    provide(app, board, HealthHistory(database, board))


def observe(app: Flask, settings: Settings) -> None:
    """Metrics, request log and the middleware that sees a request to its last byte."""
    metrics, logs = part(Metrics, app), configure_logging(settings)
    serve_metrics(app, settings, metrics, lambda: guard(permissions.STATS), gauges(app))
    with app.app_context():
        watch_pools(metrics, db.engine, db.engines["read"])
    logs.count_drops(lambda sink: metrics.increment("log_records_dropped_total", sink))
    allow_origins(app, settings.cors_origins)
    origin = at_known_hosts(part(Proxies, app).origin, part(Hosts, app))
    watching, complete = [RequestLog(logs)], completion(settings.public_url)
    init_middleware(app, metrics, origin, watching, complete, part(Tracing, app))
