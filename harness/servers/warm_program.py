"""The program of a warm process: it has imported the service, and forks into whatever gunicorn it is told to become.

A child begins where gunicorn's own script would: same arguments, environment, folder, umask, output, session and
signals. It differs from a started one in what /proc says of its command line and environment, and in that modules
are imported already.
"""

import contextlib
import ctypes
import json
import os
import runpy
import signal
import socket
import sys
import time
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

_MODULES = (
    "gunicorn.app.wsgiapp",
    "gunicorn.arbiter",
    "alembic.command",
    "filewallball.cli",
    "filewallball.factory",
)
_PACKAGES = ("filewallball.assembly", "filewallball.database", "filewallball.serving")
_MAX_REQUEST_BYTES = 256 * 1024
_PR_SET_PDEATHSIG = 1


def main() -> None:
    sys.path[0] = str(Path(sys.argv[1]).parent)  # as of the script
    _import()
    request, output = _serve(socket.socket(fileno=int(sys.argv[2])))
    _become(request, output)
    runpy.run_path(request["command"][0], run_name="__main__")


def _import() -> None:
    """What a master imports, and what its workers do."""
    from filewallball.serving import master

    master.import_libraries()
    inner = [
        f"{name}.{each.name}" for name in _PACKAGES for each in iter_modules(import_module(name).__path__)
    ]
    for module in (*_MODULES, *inner):
        import_module(module)


def _serve(control: socket.socket) -> tuple[dict[str, Any], int]:
    """Answer requests for children and for the status of those that ended; returns in a child."""
    statuses: dict[int, int] = {}
    signal.signal(
        signal.SIGCHLD, lambda *_: _reap(statuses)
    )  # at once: whoever waits for a number sees it gone
    while True:
        message, fds, _, _ = socket.recv_fds(control, _MAX_REQUEST_BYTES, 1)
        if not message:
            sys.exit()
        request = json.loads(message)
        if "reap" in request:
            _reap(statuses)
            answer = statuses.pop(request["reap"])
        elif not (answer := os.fork()):
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            control.close()
            return request, fds[0]
        for fd in fds:
            os.close(fd)
        control.send(str(answer).encode())


def _reap(statuses: dict[int, int]) -> None:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            statuses[ended[0]] = ended[1]


def _become(request: dict[str, Any], output: int) -> None:
    os.setsid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.Signals["SIG" + request["death_signal"]])
    if os.getppid() != request["parent"]:
        os._exit(1)  # it ended before the kernel was told
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.close(output)
    os.umask(request["umask"])
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(Path(request["command"][0]).name)
    sys.argv = request["command"]


if __name__ == "__main__":
    main()
