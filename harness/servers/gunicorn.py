"""Gunicorn around an application: what any master with workers has, whatever it serves."""

import os
import random
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import requests

from harness import ROOT
from harness.servers.base import Server
from harness.waiting import wait_until

JOBS_PROCESS = "fwb-jobs"


class Gunicorn(Server):
    """`gunicorn <arguments> <application>` from the repository's root."""

    def __init__(
        self,
        folder: Path,
        application: str,
        arguments: Sequence[str] = (),
        environ: dict[str, str] | None = None,
    ) -> None:
        super().__init__(folder)
        self._environ = environ or {}
        # Its control socket has one path for all instances of a user.
        self._arguments = ["--chdir", str(ROOT), "--no-control-socket", *arguments, application]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def master_pid(self) -> int:
        return self.pid

    def command(self) -> list[str]:
        # Not `python -m gunicorn`: an upgrade (USR2) starts the same command again, and would not find the modules.
        script = str(Path(sys.executable).with_name("gunicorn"))
        return [script, *self.listening(), *self._arguments]

    def listening(self) -> list[str]:
        """The arguments that say where it listens."""
        return ["--bind", f"127.0.0.1:{self.port}"]

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "PYTHONPATH": str(ROOT), **self._environ}

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request on a connection of its own, without proxies from the environment."""
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, self.url + path, **{"timeout": 60, **options})

    def connect(self) -> socket.socket:
        """A plain connection, for requests that no client library would send."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def worker_pids(self) -> list[int]:
        """Processes that serve now: children of the master that run gunicorn."""
        children = psutil.Process(self.master_pid).children()
        return sorted(child.pid for child in children if _runs_gunicorn(child))

    def kill_worker(self, pid: int | None = None) -> int:
        """SIGKILL for one worker, at random unless named; returns its pid once it is gone."""
        chosen = pid or random.choice(wait_until(self.worker_pids, what="a worker"))
        os.kill(chosen, signal.SIGKILL)
        wait_until(lambda: chosen not in self.worker_pids(), what=f"worker {chosen} is gone")
        return chosen

    def reload(self) -> None:
        os.kill(self.master_pid, signal.SIGHUP)


def _runs_gunicorn(process: psutil.Process) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE or process.name() == JOBS_PROCESS:
            return False
        return "gunicorn" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False
