"""Services that are forked from a process with everything imported: each then starts in a third of the processor time.

For tests alone, which start some hundred; benchmarks and the demonstration start the command itself.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

from harness import ROOT
from harness.servers.base import Process, Server, launch

GUNICORN = str(Path(sys.executable).with_name("gunicorn"))
_PROGRAM = ROOT / "harness/servers/warm_program.py"
_READ_AT_START = ("PYTHON", "LD_", "MALLOC_", "LC_", "LANG", "GLIBC_")


class WarmProcess:
    """Forks gunicorns on request; itself started when the first is wanted."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._parent: subprocess.Popen[bytes] | None = None
        self._control: socket.socket

    def can_be(self, server: Server) -> bool:
        """True if a server is gunicorn under an environment whose interpreter starts as this one did."""
        return server.command()[0] == GUNICORN and _decisive(server.environment()) == _decisive(
            _environment()
        )

    def fork(self, server: Server, output: int) -> Process:
        """The server's process, in a session of its own."""
        with self._lock:
            if self._parent is None or self._parent.poll() is not None:
                self._parent = self._start()
            request = {
                "command": server.command(),
                "environment": server.environment(),
                "folder": str(server.folder),
                "death_signal": server.death_signal,
                "umask": _umask(),
                "parent": self._parent.pid,
            }
            return _Forked(self, self._ask(request, [output]))

    def reap(self, pid: int) -> int:
        """The exit code of a child that has ended, as `Popen` tells it."""
        with self._lock:
            return os.waitstatus_to_exitcode(self._ask({"reap": pid}))

    def stop(self) -> None:
        """End it, and whatever it has forked."""
        if self._parent is not None:
            self._control.close()
            self._parent.kill()
            self._parent.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            program = [sys.executable, str(_PROGRAM), GUNICORN, str(theirs.fileno())]
            return launch(program, "KILL", env=_environment(), pass_fds=[theirs.fileno()])

    def _ask(self, request: Mapping[str, object], fds: Sequence[int] = ()) -> int:
        socket.send_fds(self._control, [json.dumps(request).encode()], fds)
        return int(self._control.recv(64))


class _Forked:
    """A child of the warm process, which keeps its exit code until somebody asks."""

    def __init__(self, parent: WarmProcess, pid: int) -> None:
        self.pid = pid
        self._parent = parent
        self._fd: int | None = None
        with suppress(ProcessLookupError):  # it may have ended already
            self._fd = os.pidfd_open(pid)
        self._code: int | None = None
        self._lock = Lock()

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired([GUNICORN], timeout or 0)
        return code

    def terminate(self) -> None:
        if self._code is None:
            os.kill(self.pid, signal.SIGTERM)

    def _ended(self, timeout: float | None) -> int | None:
        with self._lock:
            if self._code is None and self._is_over(timeout):
                self._code = self._parent.reap(self.pid)
                if self._fd is not None:
                    os.close(self._fd)
            return self._code

    def _is_over(self, timeout: float | None) -> bool:
        if self._fd is None:
            return True
        ended = select.poll()
        ended.register(self._fd, select.POLLIN)
        return bool(ended.poll(None if timeout is None else timeout * 1000))


def _environment() -> dict[str, str]:
    return {**Server.plain_environment(), "PYTHONPATH": str(ROOT)}


def _decisive(environment: Mapping[str, str]) -> dict[str, str]:
    """What the interpreter and its libraries read when they start."""
    return {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)}


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
