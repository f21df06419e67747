"""The loop that runs the periodic jobs, in a thread of every worker or as `filewallball maintain`.

Jobs that commit: the shipper (audit rows of ended operations), the last use of tokens, the digest (seals and
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

from flask import Flask

from filewallball.access.last_use import write_last_use
from filewallball.access.offenders import block_offenders
from filewallball.alerts.channels import SmsChannel
from filewallball.alerts.messages import Messenger, forget_old
from filewallball.audit import ballast
from filewallball.audit.digest import DIGEST_SECONDS
from filewallball.audit.locks import try_lock
from filewallball.audit.retention import prune_expired
from filewallball.audit.segments import recover, slot_folders
from filewallball.audit.verification import verify_when_due
from filewallball.clock import now_us
from filewallball.errors import ABORTED, ApiError, translate
from filewallball.files.scanning import Rescan
from filewallball.files.scrub import Scrub
from filewallball.files.sweep import Sweep
from filewallball.leases import drop_expired
from filewallball.operations import Caller, Operation, operation
from filewallball.runtime import Runtime, runtime
from filewallball.stats.rebuild import Rebuild

logger = logging.getLogger("filewallball.maintenance")
_FAR_AHEAD_US = 1 << 62
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
        """Until `stop`."""
        while not self._stopping.is_set():
            self.run_due()
            pause = min(job.due for job in self._jobs) - time.monotonic()
            self._stopping.wait(max(0.05, pause))

    def run_due(self) -> None:
        """One round."""
        for job in self._jobs:
            if job.due <= time.monotonic() and not self._stopping.is_set():
                self._run(job)
                job.due = time.monotonic() + job.seconds

    def stop(self) -> None:
        self._stopping.set()

    def _run(self, job: Job) -> None:
        try:
            job.run()
        except Exception as error:
            code = translate(error).code
            if self._failing.get(job.name) != code:
                expected = isinstance(error, ApiError) or code != "internal_error"
                logger.warning(
                    "Job failed", extra={"job": job.name, "error_type": code}, exc_info=not expected
                )
            self._failing[job.name] = code
        else:
            self._failing.pop(job.name, None)


def worker_jobs(parts: Runtime) -> list[Job]:
    """What every process with a journal does for itself."""
    return [
        Job("journal-sync", 1.0, parts.journal.sync),
        Job("folds", 1.0, lambda: parts.ledger.folds.close_before(now_us())),
        Job("health", parts.settings.health_check_interval.total_seconds(), parts.health.refresh),
    ]


def host_jobs(parts: Runtime, *, among_others: bool = False) -> list[Job]:
    """What one process on each host does, whichever gets to it first; `among_others` that do the same all the time,
    two never sweep at once, or the slower one would leave a failed expiry on record for every file."""
    sweep = Sweep(parts.database, parts.store, lambda *what: begin(parts, *what), parts.cache.forget)
    return [
        Job("recover", 5.0, lambda: recover_slots(parts)),
        Job("ship", 1.0, parts.shipper.ship),
        Job("digest", DIGEST_SECONDS, parts.digest.run),
        Job("audit-count", 15.0, parts.digest.count),
        Job("sweep", 10.0, alone(parts, "sweep", sweep.run) if among_others else sweep.run),
        Job("litter", 60.0, sweep.clear_litter),
        Job("leases", 60.0, lambda: drop_expired(parts.database)),
        Job("ballast", 30.0, lambda: ballast.restore(parts.settings.journal_dir)),
    ]


def prompt_jobs(parts: Runtime) -> list[Job]:
    """What every process does for itself and what no long job may hold up: it has a thread of its own."""
    seconds = round(parts.settings.autoblock_for.total_seconds())
    gate = parts.gate
    return [
        Job("blocks", 0.5, gate.blocks.refresh),
        Job("limits", 1.0, gate.limits.probe),
        Job("cache", 1.0, parts.cache.probe),
        Job("forwarding", 5.0, parts.proxies.watch.judge),
        Job(
            "offenders",
            1.0,
            lambda: block_offenders(gate, seconds, lambda: operation(parts.ledger, "block:add", SYSTEM)),
        ),
        Job("expected", 5.0, parts.expected.refresh),
        Job("last-use", 5.0, lambda: write_last_use(parts.database, gate.last_use)),
    ]


def slow_jobs(parts: Runtime) -> list[Job]:
    """What takes its time: each runs in a thread of its own, in one process of the host at once."""
    rescan = Rescan(parts.scanner, parts.database, parts.store, lambda *what: begin(parts, *what))
    interval_us = round(parts.settings.scrub_interval.total_seconds() * 1e6)
    kept_us = round(parts.settings.alert_retention.total_seconds() * 1e6)
    jobs: dict[str, tuple[float, Callable[[], object]]] = {
        "audit-prune": (3600.0, lambda: prune_expired(parts, SYSTEM)),
        "audit-verify": (60.0, lambda: verify_when_due(parts, SYSTEM)),
        "rescan": (10.0, rescan.run),
        "thumbnails": (300.0, parts.thumbnails.tidy),
        "alerts": (3600.0, lambda: forget_old(parts.database, kept_us)),
        "statistics": (60.0, Rebuild(parts.database).run_if_incomplete),
        "scrub": (10.0, lambda: scrub(parts).run_slice(interval_us, parts.settings.scrub_rate)),
    }
    channel = SmsChannel(parts.settings)
    if channel.recipients():
        messenger = Messenger(parts.database, channel, lambda *what: begin(parts, *what))
        jobs["alert-sms"] = (2.0, messenger.run)
    return [Job(name, seconds, alone(parts, name, run)) for name, (seconds, run) in jobs.items()]


def alone(parts: Runtime, name: str, run: Callable[[], object]) -> Callable[[], None]:
    """`run`, unless another process of this host is at it: that would only do the work twice."""

    def run_alone() -> None:
        with try_lock(parts.settings.data_dir / f"{name}.lock") as won:
            if won:
                run()

    return run_alone


def scrub(parts: Runtime) -> Scrub:
    """The scrub of this process."""
    return Scrub(parts.database, parts.store, lambda *what: begin(parts, *what))


def begin(parts: Runtime, action: str, resource_id: str) -> Operation:
    """An operation that the service itself performs."""
    return operation(parts.ledger, action, SYSTEM, resource_id=resource_id)


SYSTEM = Caller(username="system", role="admin")


def start(app: Flask) -> Callable[[], None]:
    """Run the jobs in daemon threads of this process, and end them with it, or by what this returns.

    What the process does for itself has a thread of its own, so that a database that hangs never holds up the journal.
    Returns once it was tried to learn who is blocked: nobody slips in while a worker starts.
    """
    parts = runtime(app)
    loops = {
        "own": Loop(worker_jobs(parts)),
        "maintenance": Loop(host_jobs(parts, among_others=True)),
        "prompt": Loop(prompt_jobs(parts)),
    }
    slow = [Loop([job]) for job in slow_jobs(parts)]
    threads = [
        threading.Thread(target=each.run_forever, name=name, daemon=True) for name, each in loops.items()
    ]
    for thread in threads:
        thread.start()
    for each in slow:
        threading.Thread(target=each.run_forever, name="maintenance-slow", daemon=True).start()
    with suppress(Exception):  # the job tries again, and tells
        parts.gate.blocks.refresh()

    def finish() -> None:
        for each in (*loops.values(), *slow):
            each.stop()
        for thread in threads:
            thread.join(_JOIN_SECONDS)
        parts.ledger.folds.close_before(_FAR_AHEAD_US)
        parts.journal.sync()

    atexit.register(finish)
    return finish


def recover_slots(parts: Runtime) -> None:
    """Close what dead processes left open in slots that nobody has taken over."""
    known = {folder.name: folder for folder in slot_folders(parts.settings.journal_dir)}
    unreadable: OSError | None = None
    for number in parts.slots.unlocked():
        folder = known.get(f"slot-{number}")
        try:
            closed = recover(folder) if folder is not None else 0
        except OSError as error:  # the other slots are none the worse for it
            unreadable = error
            continue
        if closed:
            parts.journal.recovered(closed)
            logger.warning(
                "Operations closed as aborted", extra={"slot": number, "count": closed, "error_type": ABORTED}
            )
    if unreadable is not None:
        raise unreadable
