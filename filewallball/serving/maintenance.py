"""The loop that runs the periodic jobs, in a thread of every worker or as `filewallball maintain`.

Jobs that commit: the shipper (audit rows of ended operations), the last use of tokens, the sealer (seals and
statistics), the sweep (blob rows) and what becomes of alerts. Each is made of conditional updates or works under a
lock, so any number of loops may run at once on any number of hosts.
"""

import atexit
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from filewallball.access.gate import Gate
from filewallball.access.last_use import write_last_use
from filewallball.access.offenders import block_offenders
from filewallball.alerts.channels import SmsChannel
from filewallball.alerts.messages import Messenger, forget_old
from filewallball.audit.retention import Retention
from filewallball.audit.sealer import SEALING_SECONDS, Sealer
from filewallball.audit.verify_job import Verification
from filewallball.clock import once_watched
from filewallball.database.connections import Database
from filewallball.errors import ABORTED, ApiError
from filewallball.errors.translation import translate
from filewallball.files.cache import MetadataCache
from filewallball.files.name_backfill import NameBackfill
from filewallball.files.resumable.sweep import UploadGauges, UploadSweep
from filewallball.files.scanning import Rescan, Scanner
from filewallball.files.scrub import Scrub
from filewallball.files.sweep import Sweep
from filewallball.files.thumbnails import Thumbnails
from filewallball.filesystem import try_lock
from filewallball.health.checks import HealthChecks
from filewallball.health.history import HealthHistory
from filewallball.idempotency.expiry import LOOK_SECONDS, KeyExpiry
from filewallball.idempotency.in_use import KeysInUse
from filewallball.idempotency.reservations import RENEWED_SECONDS, Reservations
from filewallball.links.sweep import LinkSweep
from filewallball.observability.metric_store.slots import Slots
from filewallball.recording import ballast
from filewallball.recording.adoption import Adoption
from filewallball.recording.caller import SYSTEM
from filewallball.recording.journal import Journal
from filewallball.recording.line_macs import LineMacs
from filewallball.recording.operations import Ledger, operation
from filewallball.recording.segments import recover, slot_folders
from filewallball.recording.shipper import Shipper
from filewallball.recording.system import system_operations
from filewallball.refusals.unanswered import UnansweredLog
from filewallball.registry import part
from filewallball.serving.presence import Presence
from filewallball.settings.service import Settings
from filewallball.stats.expected import ExpectedClients
from filewallball.stats.rebuild import Rebuild
from filewallball.stats.users import TopUsers
from filewallball.storage.leases import LeaseWatch, try_writing
from filewallball.storage.local import LocalStore
from filewallball.web.origin import Proxies

logger = logging.getLogger("filewallball.maintenance")
_JOIN_SECONDS = 5.0


@dataclass(slots=True)
class Job:
    """Something to do every so many seconds."""

    name: str
    seconds: float
    run: Callable[[], object]
    due: float = 0.0


class Loop:
    """Runs jobs when they are due; a job that fails is logged and tried again next time."""

    def __init__(self, jobs: list[Job]) -> None:
        self._jobs = jobs
        self._stopping = threading.Event()
        self._failing: dict[str, str] = {}

    def run_forever(self) -> None:
        """Run due jobs until `stop` is called."""
        while not self._stopping.is_set():
            self.run_due()
            pause = min(job.due for job in self._jobs) - time.monotonic()
            self._stopping.wait(max(0.05, pause))

    def run_due(self) -> None:
        """Run each job that is due, once."""
        for job in self._jobs:
            if job.due <= time.monotonic() and not self._stopping.is_set():
                self._run(job)
                job.due = time.monotonic() + job.seconds

    @property
    def is_failing(self) -> bool:
        """True if a job failed when it was run last."""
        return bool(self._failing)

    def stop(self) -> None:
        self._stopping.set()

    def _run(self, job: Job) -> None:
        try:
            job.run()
        except Exception as error:
            if self._stopping.is_set():
                return  # the process ends, and starts no more threads
            code = translate(error).code
            if self._failing.get(job.name) != code:
                expected = isinstance(error, ApiError) or code != "internal_error"
                logger.warning(
                    "Job failed", extra={"job": job.name, "error_type": code}, exc_info=not expected
                )
            self._failing[job.name] = code
        else:
            self._failing.pop(job.name, None)


def worker_jobs(app: Flask) -> list[Job]:
    """The jobs that every process with a journal does for itself."""
    interval = part(Settings, app).health_check_interval
    coalescer = part(Ledger, app).coalescer
    return [
        Job("journal-sync", 1.0, part(Journal, app).sync),
        Job("folds", 1.0, coalescer.close_due),
        Job("health", interval.total_seconds(), part(HealthChecks, app).refresh),
    ]


def host_jobs(app: Flask, *, among_others: bool = False) -> list[Job]:
    """The jobs that one process on each host does, whichever gets to it first. `among_others` says that other processes
    run them too: then two never sweep at once, or the slower one would record a failed expiry for every file."""
    settings, database, sealer = part(Settings, app), part(Database, app), part(Sealer, app)
    journal, slots, leases = part(Journal, app), part(Slots, app), LeaseWatch(database)
    forget, uploads = part(MetadataCache, app).forget, part(UploadSweep, app)
    sweep = Sweep(database, part(LocalStore, app), system_operations(app), forget, leases)
    return [
        Job("recover", 5.0, lambda: recover_slots(settings.journal_dir, slots, journal, part(LineMacs, app))),
        Job("adopt", 10.0, part(Adoption, app).go_on),
        Job("ship", 1.0, part(Shipper, app).ship),
        Job("digest", SEALING_SECONDS, sealer.run),
        Job("sweep", 10.0, alone(settings.data_dir, "sweep", sweep.run) if among_others else sweep.run),
        Job("litter", 60.0, sweep.clear_litter),
        Job("uploads", 10.0, uploads.run),
        Job("upload-litter", 300.0, uploads.clear_litter),
        Job("leases", 60.0, leases.drop_expired),
        Job("ballast", 30.0, lambda: ballast.restore(settings.journal_dir)),
    ]


def prompt_jobs(app: Flask) -> list[Job]:
    """The jobs that every process does for itself and that no long job may hold up: they have a thread of their own."""
    seconds = round(part(Settings, app).autoblock_for.total_seconds())
    gate, ledger, database = part(Gate, app), part(Ledger, app), part(Database, app)
    return [
        Job("blocks", 0.5, gate.blocks.refresh),
        Job("limits", 1.0, gate.limits.probe),
        Job("cache", 1.0, part(MetadataCache, app).probe),
        Job("forwarding", 5.0, part(Proxies, app).watch.judge),
        Job(
            "offenders",
            1.0,
            lambda: block_offenders(gate, seconds, lambda: operation(ledger, "block:add", SYSTEM)),
        ),
        Job("upload-count", 15.0, part(UploadGauges, app).refresh),
        Job("key-count", 15.0, part(KeysInUse, app).refresh),
        Job("expected", 5.0, part(ExpectedClients, app).refresh),
        Job("users", 15.0, part(TopUsers, app).refresh),
        Job("audit-count", 15.0, part(Sealer, app).count),
        Job("database-write", 5.0, lambda: try_writing(database)),
        Job("last-use", 5.0, lambda: write_last_use(database, gate.last_use)),
        Job("idempotency-renew", RENEWED_SECONDS, part(Reservations, app).renew),
    ]


def slow_jobs(app: Flask) -> list[Job]:
    """The jobs that take long: each runs in a thread of its own, in one process of the host at once."""
    settings, database, begin = part(Settings, app), part(Database, app), system_operations(app)
    forget = part(MetadataCache, app).forget
    rescan = Rescan(part(Scanner, app), database, part(LocalStore, app), begin, forget)
    interval_us = round(settings.scrub_interval.total_seconds() * 1e6)
    kept_us = round(settings.alert_retention.total_seconds() * 1e6)
    retention, verification = part(Retention, app), part(Verification, app)
    jobs: dict[str, tuple[float, Callable[[], object]]] = {
        "audit-prune": (3600.0, once_watched(lambda now: retention.prune_expired(SYSTEM, now=now))),
        "audit-verify": (60.0, lambda: verification.run_if_due(SYSTEM)),
        "rescan": (10.0, rescan.run),
        "thumbnails": (300.0, part(Thumbnails, app).tidy),
        "health-history": (settings.health_check_interval.total_seconds(), part(HealthHistory, app).run),
        "health-forget": (3600.0, once_watched(part(HealthHistory, app).forget_old)),
        "alerts": (3600.0, once_watched(lambda now: forget_old(database, now - kept_us))),
        "statistics": (60.0, part(Rebuild, app).run_if_incomplete),
        "idempotency": (LOOK_SECONDS, KeyExpiry(database).run),
        "names": (60.0, NameBackfill(database).run),
        "links": (60.0, LinkSweep(database).run),
        "scrub": (10.0, lambda: part(Scrub, app).run_slice(interval_us, settings.scrub_rate)),
    }
    channel = SmsChannel(settings)
    if channel.recipients():
        messenger = Messenger(database, channel, begin)
        jobs["alert-sms"] = (2.0, messenger.run)
    if settings.nginx_unanswered_log:
        jobs["nginx-log"] = (60.0, unanswered_log(app).run)
    return [Job(name, seconds, alone(settings.data_dir, name, run)) for name, (seconds, run) in jobs.items()]


def alone(folder: Path, name: str, run: Callable[[], object]) -> Callable[[], None]:
    """`run`, unless another process of this host is at it: that would only do the work twice."""

    def run_alone() -> None:
        with try_lock(folder / f"{name}.lock") as won:
            if won:
                run()

    return run_alone


def unanswered_log(app: Flask) -> UnansweredLog:
    """The reader of nginx's log of requests that the service never answered."""
    settings, ledger = part(Settings, app), part(Ledger, app)
    return UnansweredLog(
        Path(settings.nginx_unanswered_log),
        settings.data_dir / "nginx-log.json",
        ledger.database,
        ledger.writer,
        ledger.listeners,
    )


def start(app: Flask, *, does_host_jobs: bool = True, serves: bool = True) -> Callable[[], None]:
    """Run the jobs in daemon threads of this process, and end them with it, or by what this returns.

    `serves` says that the process answers requests, `does_host_jobs` that it does the work of the whole host.

    What the process does for itself has a thread of its own, so that a database that hangs never holds up the journal.
    Returns once it was tried to learn who is blocked: nobody slips in while a worker starts.
    """
    loops = {"own": Loop(worker_jobs(app))}
    slow: list[Loop] = []
    if does_host_jobs:
        presence = Presence(part(Settings, app).data_dir)
        loops |= {"presence": Loop([Job("presence", 1.0, presence.show)])}
        loops |= {"maintenance": Loop(host_jobs(app, among_others=True))}
        slow = [Loop([job]) for job in slow_jobs(app)]
    if serves:
        loops |= {"prompt": Loop(prompt_jobs(app))}
    threads = [
        threading.Thread(target=each.run_forever, name=name, daemon=True) for name, each in loops.items()
    ]

    def finish() -> None:
        for each in (*loops.values(), *slow):
            each.stop()
        for thread in filter(threading.Thread.is_alive, threads):
            thread.join(_JOIN_SECONDS)
        part(Ledger, app).coalescer.close_all()
        part(Journal, app).sync()

    atexit.register(finish)  # before they start: the process may be told to end at any time
    for thread in threads:
        thread.start()
    for each in slow:
        threading.Thread(target=each.run_forever, name="maintenance-slow", daemon=True).start()
    if serves:
        with suppress(Exception):  # the job tries again, and tells
            part(Gate, app).blocks.refresh()
    return finish


def recover_slots(journal_dir: Path, slots: Slots, journal: Journal, macs: LineMacs) -> None:
    """Close what dead processes left open in slots that nobody has taken over."""
    known = {folder.name: folder for folder in slot_folders(journal_dir)}
    unreadable: OSError | None = None
    for number in slots.unlocked():
        folder = known.get(f"slot-{number}")
        try:
            closed = recover(folder, macs) if folder is not None else 0
        except OSError as error:  # the other slots are none the worse for it
            unreadable = error
            continue
        if closed:
            journal.recovered(closed)
            logger.warning(
                "Operations closed as aborted", extra={"slot": number, "count": closed, "error_type": ABORTED}
            )
    if unreadable is not None:
        raise unreadable
