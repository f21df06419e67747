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
