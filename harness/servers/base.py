"""One server process: on a free loopback port, stopped by its own pid, gone when the tests are gone."""

import os
import random
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, Self

from harness.waiting import wait_until

# The kernel signals a child when the *thread* that started it ends, so one thread that lives as long as the
# interpreter starts them all, whichever thread of a test asks.
_launcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="server-launcher")
_given_ports: set[int] = set()


class Process(Protocol):
    """What a server needs of `subprocess.Popen`."""

    pid: int

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def terminate(self) -> None: ...


class Server:
    """A child process in its own session and folder. `stop` ends it politely, `kill` with its whole group."""

    death_signal = "KILL"
    start_seconds = 30.0
    stop_seconds = 30.0

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self._process: Process | None = None

    def command(self) -> list[str]:
        """The program and its arguments; it must stay in the foreground."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return self.plain_environment()

    @staticmethod
    def plain_environment() -> dict[str, str]:
        """What every server is told."""
        return {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"}

    def is_ready(self) -> bool:
        """True if it answers requests now."""
        return port_answers(self.port)

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self} was never started"
        return self._process.pid

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start it and return once it answers; on the same port and folder when it ran before."""
        assert not self.is_running(), f"{self} runs already"
        with self._log_path().open("ab") as log:
            self._process = self._spawn(log.fileno())
        try:
            wait_until(self._answers, self.start_seconds, f"{self} answers on port {self.port}")
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> int:
        """Ask it to end, wait for that, and return its exit code; raises `TimeoutExpired` if it does not."""
        if self._process is None:
            return 0
        with suppress(ProcessLookupError):
            self._process.terminate()
            self.resume()
        try:
            return self._process.wait(self.stop_seconds)
        finally:
            self.kill()

    def wait(self, seconds: float) -> int:
        """Its exit code, once it has ended by itself; what it left goes on."""
        assert self._process is not None, f"{self} was never started"
        return self._process.wait(seconds)

    def kill(self) -> None:
        """SIGKILL for it and every child it left, then reap it."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def pause(self) -> None:
        """Freeze it: connections are accepted by the kernel and then nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def log_text(self) -> str:
        """All it printed, over all its starts."""
        path = self._log_path()
        return path.read_text(errors="replace") if path.exists() else ""

    def __str__(self) -> str:
        return type(self).__name__

    def _log_path(self) -> Path:
        return self.folder / "output.log"

    def _spawn(self, output: int) -> Process:
        return launch(
            self.command(),
            self.death_signal,
            cwd=self.folder,
            env=self.environment(),
            stdout=output,
            stderr=output,
        )

    def _answers(self) -> bool:
        if not self.is_running():
            raise RuntimeError(f"{self} ended while starting:\n{self.log_text()[-3000:]}")
        return self.is_ready()


def launch(command: list[str], death_signal: str, **options: Any) -> subprocess.Popen[bytes]:
    """A process in a session of its own that is sent a signal when the tests are gone."""

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", death_signal, *command],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            **options,
        )

    return _launcher.submit(start).result()


def free_port() -> int:
    """A port nobody listens on, below the range that outgoing connections use, never given twice."""
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given_ports:
            _given_ports.add(port)
            return port


def port_answers(port: int) -> bool:
    """True if something accepts connections on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
