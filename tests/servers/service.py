"""This service under gunicorn, as `make run` starts it, on a private port and data folder."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import requests

from tests.servers.base import Server
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
_CLI = "import sys; from filewallball.cli import main; sys.exit(main())"


class Service(Server):
    """Master and workers; `settings` are environment variables beside those that make it private."""

    def __init__(self, folder: Path, settings: dict[str, str] | None = None, workers: int = 2) -> None:
        super().__init__(folder)
        self.data_dir = folder / "data"
        self.settings = {"WEB_CONCURRENCY": str(workers), **(settings or {})}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def master_pid(self) -> int:
        return self.pid

    def command(self) -> list[str]:
        config = ["-c", str(ROOT / "gunicorn.conf.py"), "--chdir", str(ROOT)]
        return [sys.executable, "-m", "gunicorn", *config, "wsgi:app"]

    def environment(self) -> dict[str, str]:
        place = {"BIND": "127.0.0.1", "PORT": str(self.port), "DATA_DIR": str(self.data_dir)}
        return {**super().environment(), "PYTHONPATH": str(ROOT), **place, **self.settings}

    def is_ready(self) -> bool:
        try:
            return self.request("GET", "/health/live", timeout=2).ok
        except requests.RequestException:
            return False

    def start(self) -> "Service":
        self.cli("db", "upgrade")
        return super().start()

    def cli(self, *arguments: str) -> str:
        """What `filewallball ...` prints under this service's settings; raises when it fails."""
        done = subprocess.run(
            [sys.executable, "-c", _CLI, *arguments],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"filewallball {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request on a connection of its own, without proxies from the environment."""
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, self.url + path, **{"timeout": 60, **options})

    def worker_pids(self) -> list[int]:
        """Processes that serve now: children of the master that run gunicorn."""
        children = psutil.Process(self.master_pid).children()
        return sorted(child.pid for child in children if _runs_gunicorn(child))

    def kill_worker(self, pid: int | None = None) -> int:
        """SIGKILL for one worker, at random unless named; returns its pid once it is gone."""
        chosen = pid or random.choice(self.worker_pids())
        os.kill(chosen, signal.SIGKILL)
        wait_until(lambda: chosen not in self.worker_pids(), what=f"worker {chosen} is gone")
        return chosen

    def reload(self) -> None:
        os.kill(self.master_pid, signal.SIGHUP)


def _runs_gunicorn(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and "gunicorn" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False
