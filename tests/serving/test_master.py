"""The master's work for the processes that it forks, on a live gunicorn."""

import os
import signal
from pathlib import Path

from harness import ROOT
from harness.servers.gunicorn import Gunicorn
from harness.waiting import wait_until

_HOLDING = """
from pathlib import Path
from harness.waiting import wait_until
exec(Path({configuration!r}).read_text())

def post_fork(server, worker):
    if worker.age == 2:
        Path({held!r}).write_text(str(worker.pid))
        wait_until(Path({held!r} + ".go").exists, 60)
"""


def test_a_worker_that_has_no_handlers_yet_still_hears_that_it_shall_stop(tmp_path: Path) -> None:
    held, configuration = tmp_path / "held", tmp_path / "holding.py"
    configuration.write_text(_HOLDING.format(configuration=str(ROOT / "gunicorn.conf.py"), held=str(held)))
    environ = {"DATA_DIR": str(tmp_path / "data"), "PREPARE_ON_START": "true", "GRACEFUL_TIMEOUT": "10m"}
    server = Gunicorn(tmp_path, "wsgi:app", ["-c", str(configuration)], environ).start()
    try:
        wait_until(lambda: held.exists() and held.read_text(), 60, "the second worker is held")
        os.kill(server.master_pid, signal.SIGTERM)
        wait_until(lambda: len(server.worker_pids()) == 1, 60, "the first worker stopped")
        held.with_name("held.go").touch()
        assert server.stop() == 0
        assert f"Worker exiting (pid: {held.read_text()})" in server.log_text()
    finally:
        server.kill()


_INTERRUPTED = """
import os, signal
from pathlib import Path
exec(Path({configuration!r}).read_text())

class Interrupted:
    # The lock of a pool; the master's signal comes while it is held.
    def __init__(self, lock):
        self.lock = lock

    def __enter__(self):
        self.lock.__enter__()
        os.kill(os.getpid(), signal.SIGQUIT)

    def __exit__(self, *raised):
        self.lock.__exit__(*raised)

make_ready = post_worker_init

def post_worker_init(worker):
    make_ready(worker)
    if worker.role == "pool":
        worker.tpool._shutdown_lock = Interrupted(worker.tpool._shutdown_lock)
    Path({ready!r}, str(os.getpid())).touch()
"""


def test_ctrl_c_ends_the_workers_that_the_terminal_and_the_master_both_signal(tmp_path: Path) -> None:
    ready, configuration = tmp_path / "ready", tmp_path / "interrupted.py"
    ready.mkdir()
    configuration.write_text(
        _INTERRUPTED.format(configuration=str(ROOT / "gunicorn.conf.py"), ready=str(ready))
    )
    environ = {"DATA_DIR": str(tmp_path / "data"), "PREPARE_ON_START": "true", "GRACEFUL_TIMEOUT": "10m"}
    server = Gunicorn(tmp_path, "wsgi:app", ["-c", str(configuration)], environ).start()
    try:
        wait_until(lambda: len(list(ready.iterdir())) == 3, 60, "all workers are ready")
        workers = [path.name for path in ready.iterdir()]
        os.killpg(server.master_pid, signal.SIGINT)  # as a terminal does
        server.wait(60)
        log = server.log_text()
        assert all(f"Worker exiting (pid: {pid})" in log for pid in workers)
    finally:
        server.kill()
