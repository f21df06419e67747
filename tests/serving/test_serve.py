"""The lines that `filewallball serve` and the service print for whoever starts them."""

import os
import pty
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from filewallball.serving import serve
from harness import ROOT
from harness.servers.base import free_port

_SERVE_AT_ONCE = (
    "from filewallball.serving import serve; serve._PORT_SECONDS = 0; from filewallball.cli import main; "
    "main(prog_name='filewallball')"
)
_GREET = (
    "from filewallball.serving.lifecycle import greet; "
    "from filewallball.settings.loading import load_settings; greet(load_settings())"
)


def test_a_port_that_is_taken_stops_the_start_with_one_line_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port, data = taken.getsockname()[1], tmp_path / "data"
        command = [
            sys.executable,
            "-c",
            _SERVE_AT_ONCE,
            "serve",
            "--port",
            str(port),
            "--data-dir",
            str(data),
        ]
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60)

    line = f"filewallball: 127.0.0.1:{port}: Address already in use; choose another port by --port or PORT\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", line)
    assert not data.exists()


def test_a_port_that_an_ending_service_gives_back_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = socket.create_server(("127.0.0.1", free_port()))
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: taken.close())
    monkeypatch.setattr(serve, "time", clock)

    serve._await_port(*taken.getsockname())

    assert taken.fileno() == -1


@pytest.mark.parametrize(
    ("bind", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:8123/"),
        ("0.0.0.0", "http://127.0.0.1:8123/"),  # noqa: S104 - what is shown for it
        ("::1", "http://[::1]:8123/"),
    ],
)
def test_a_terminal_is_told_the_address_of_the_service_and_a_log_is_not(bind: str, shown: str) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "BIND": bind, "PORT": "8123"}
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", _GREET], env=environ, stdout=theirs, check=True, timeout=60)
    os.close(theirs)
    told = os.read(ours, 4096).decode()
    os.close(ours)
    piped = subprocess.run([sys.executable, "-c", _GREET], env=environ, capture_output=True, timeout=60)

    assert shown in told
    assert piped.stdout == b""
