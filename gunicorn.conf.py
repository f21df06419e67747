"""How gunicorn serves FileWallBall: every value comes from the settings, every hook is one call."""

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from filewallball.filesystem import close_to_others
from filewallball.observability.logs import configure_logging
from filewallball.serving import handover, lifecycle, master, roles
from filewallball.serving.connections import ClientLimits
from filewallball.serving.pool_worker import PoolWorker
from filewallball.settings.loading import ConfigError, doubts, load_settings

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter

    from filewallball.serving.process import Process

try:
    _settings = load_settings()
except ConfigError as error:
    sys.exit("\n".join(f"filewallball: {message}" for message in error.messages))

close_to_others()
master.import_libraries(with_traces=_settings.exports_spans)
lifecycle.note_start()
configure_logging(_settings)
for _doubt in doubts():
    logging.getLogger("filewallball.settings").warning(_doubt)
errorlog = None  # gunicorn's own messages take the same way as ours
loglevel = _settings.log_level.lower()

_host = f"[{_settings.bind}]" if ":" in _settings.bind else _settings.bind
bind = [f"{_host}:{_settings.port}"]
if _settings.sync_workers:
    bind.append(f"unix:{_settings.sync_socket}")
umask = 0o007  # of the Unix socket: nginx's user has the group of the service
wsgi_app = "wsgi:app"
proc_name = "filewallball"

worker_class = "filewallball.serving.workers.Worker"
workers = roles.want(
    {roles.JOBS: 1, roles.POOL: _settings.web_concurrency, roles.SYNC: _settings.sync_workers}
)
threads = _settings.threads
# A worker keeps no connection idle, and serves no more at once than it has threads, probes apart: what it cannot serve
# waits for a thread of any worker.
worker_connections = threads
keepalive = 0

max_requests = _settings.max_requests
max_requests_jitter = max_requests // 10
timeout = round(_settings.worker_timeout.total_seconds())
graceful_timeout = round(_settings.graceful_timeout.total_seconds())
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - heartbeats belong in memory

control_socket_disable = True
# Forwarding headers are our own business (TRUSTED_PROXIES); gunicorn would believe some of them from loopback.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}


def on_starting(server: "Arbiter") -> None:
    """Before anything listens: make ready where that is wanted, and count from zero if nobody else counts."""
    roles.serve_under(server)
    PoolWorker.handover = handover.share()
    if _settings.prepare_on_start:
        master.in_child(_make_ready)
    try:
        lifecycle.begin(_settings)
    except OSError as error:
        sys.exit(f"filewallball: DATA_DIR: {error}")


def when_ready(server: "Arbiter") -> None:
    """Once it listens."""
    lifecycle.greet(_settings)


def _make_ready() -> None:
    """Do what `filewallball prepare` does; imported here, so that a reload brings new code to the workers."""
    from filewallball.cli import main

    main(["prepare"])


def pre_fork(server: "Arbiter", worker: "Process") -> None:
    """In the master, right before it forks a worker."""
    master.hold_signals()


def post_worker_init(worker: "Process") -> None:
    """In each worker, once its application stands."""
    PoolWorker.limits = ClientLimits(
        _settings.client_header_timeout.total_seconds(),
        _settings.client_timeout.total_seconds(),
        _settings.client_min_rate,
    )
    lifecycle.worker_ready(worker.app.wsgi(), worker.role)


def worker_exit(server: "Arbiter", worker: "Process") -> None:
    """In each worker, when it has served its last request."""
    lifecycle.worker_ends()


def child_exit(server: "Arbiter", worker: "Process") -> None:
    """In the master, when a worker is gone however it ended."""
    lifecycle.worker_gone(_settings)
