"""A private gunicorn around a small application of these tests, on a free port, stopped by its own pid."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parents[2]


def wait_for(condition: Callable[[], object], seconds: float = 10, what: str = "a condition") -> None:
    """Poll until `condition()` is true; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s"
        time.sleep(0.01)


class Gunicorn:
    """`gunicorn <arguments> <app>`; its output goes to `log`."""

    def __init__(
        self, app: str, folder: Path, arguments: Sequence[str] = (), environ: dict[str, str] | None = None
    ) -> None:
        self.port = free_port()
        self.log = folder / "gunicorn.log"
        command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}"]
        command += ["--no-control-socket", *arguments, app]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | (environ or {}),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def __enter__(self) -> "Gunicorn":
        wait_for(self._answers, what=f"gunicorn, see {self.log}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(5)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            self.connect().close()
        except OSError:
            return False
        return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
