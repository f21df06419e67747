"""The systemd units: what they start exists, systemd understands them, and the service lives on its socket."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest

from filewallball.cli import main
from filewallball.settings.loading import load_settings
from harness import ROOT
from harness.servers import Service
from harness.waiting import wait_until

UNITS = sorted((ROOT / "ops" / "systemd").iterdir())
SERVICES = [path for path in UNITS if path.suffix == ".service"]
_BIN = "/opt/filewallball/.venv/bin/"
# What systemd does for a service that it activates: the socket is descriptor 3, and meant for this process.
_ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""


def entries(path: Path) -> dict[str, list[str]]:
    """`Section.Key` to its values, in their order."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in path.read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(f"{section}.{key}", []).append(value)
    return found


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_what_a_unit_starts_exists(path: Path) -> None:
    unit = entries(path)
    commands = unit["Service.ExecStart"] + unit.get("Service.ExecStartPre", [])
    for command in commands:
        program, *arguments = command.removeprefix(_BIN).split()
        if program == "gunicorn":
            assert arguments == ["-c", "gunicorn.conf.py", "wsgi:app"]
            assert all((ROOT / name).is_file() for name in ("gunicorn.conf.py", "wsgi.py"))
            continue
        assert program == "filewallball"
        found: click.Command = main
        while isinstance(found, click.Group) and arguments:
            called = found.get_command(click.Context(found), arguments.pop(0))
            assert called is not None
            found = called
        found.make_parser(click.Context(found)).parse_args(arguments)


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_every_unit_runs_with_little(path: Path) -> None:
    unit = entries(path)
    wanted = {
        "User": "filewallball",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "CapabilityBoundingSet": "",
    }

    assert {key: unit[f"Service.{key}"] for key in wanted} == {key: [value] for key, value in wanted.items()}
    assert unit["Service.EnvironmentFile"][0] == "/etc/filewallball/environment"


def test_the_environment_of_the_backups_own_command_is_optional_and_no_other_units() -> None:
    more = {path.name: entries(path)["Service.EnvironmentFile"][1:] for path in SERVICES}
    backup = entries(ROOT / "ops/systemd/filewallball-backup.service")

    assert {name: files for name, files in more.items() if files} == {
        "filewallball-backup.service": ["-/etc/filewallball/backup-environment"]
    }
    assert backup["Service.Environment"] == ["XDG_CACHE_HOME=/var/cache/filewallball"]
    assert backup["Service.CacheDirectory"] == ["filewallball"]


def test_every_timer_has_its_service_and_the_socket_the_services_port() -> None:
    timers = [path for path in UNITS if path.suffix == ".timer"]
    listens, shared = entries(ROOT / "ops/systemd/filewallball.socket")["Socket.ListenStream"]
    settings = load_settings({"DATA_DIR": "/var/lib/filewallball"})

    assert len(timers) >= 3
    assert all(path.with_suffix(".service") in SERVICES for path in timers)
    assert (listens, shared) == (f"{settings.bind}:{settings.port}", settings.sync_socket)


def test_the_service_may_ask_the_kernel_what_waits_at_its_sockets() -> None:
    [families] = entries(ROOT / "ops/systemd/filewallball.service")["Service.RestrictAddressFamilies"]
    assert set(families.split()) == {"AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"}


def test_systemd_understands_every_line_of_the_units(units: Path) -> None:
    done = _analyze("verify", "--man=no", *map(str, sorted(units.iterdir())))

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_systemd_complains_of_a_key_that_it_does_not_know(units: Path) -> None:
    unit = units / "filewallball-scrub.service"
    unit.write_text(unit.read_text().replace("Nice=", "Niceness="))

    assert "Unknown key 'Niceness'" in _analyze("verify", "--man=no", str(unit)).stderr


def test_systemd_finds_little_that_the_services_could_still_give_up(units: Path) -> None:
    done = _analyze(
        "security", "--offline=true", "--threshold=16", *map(str, sorted(units.glob("*.service")))
    )

    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Overall exposure level") == len(SERVICES)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with programs that are there: systemd asks for each that a unit starts."""
    for path in UNITS:
        (tmp_path / path.name).write_text(re.sub(f"{_BIN}[a-z]+", "/bin/true", path.read_text()))
    return tmp_path


def _analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.server
def test_a_restart_keeps_connections_waiting_instead_of_refusing_them(tmp_path: Path) -> None:
    service = Service(tmp_path / "service", {"MIN_FREE_SPACE": "0"}, workers=1)
    service.cli("prepare")
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        address = listener.getsockname()
        with _activated(service, listener):
            assert _live(address) == b"HTTP/1.1 200 OK"
        with socket.create_connection(address, timeout=120) as early:
            early.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            with _activated(service, listener):
                assert early.recv(15) == b"HTTP/1.1 200 OK"


@pytest.mark.server
def test_a_socket_unit_without_the_sync_workers_socket_is_told_and_the_pool_serves(tmp_path: Path) -> None:
    service = Service(tmp_path / "service", {"MIN_FREE_SPACE": "0", "SYNC_WORKERS": "2"}, workers=1)
    service.cli("prepare")
    log = service.folder / "activated.log"
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener, _activated(service, listener):
        assert _live(listener.getsockname()) == b"HTTP/1.1 200 OK"
        wait_until(lambda: log.read_text().count("SYNC_SOCKET was not handed over") == 2, 60, "both tell")
        assert _live(listener.getsockname()) == b"HTTP/1.1 200 OK"

    assert log.read_text().count("SYNC_SOCKET was not handed over") == 2


@contextmanager
def _activated(service: Service, listener: socket.socket) -> Iterator[None]:
    """The service as systemd starts it, ended by TERM."""
    gunicorn = [str(Path(sys.executable).with_name("gunicorn")), "-c", "gunicorn.conf.py", "wsgi:app"]
    descriptor = listener.fileno()
    with (service.folder / "activated.log").open("ab") as log:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, "-c", _ACTIVATE, str(descriptor), *gunicorn],
            cwd=ROOT,
            env=service.environment(),
            pass_fds=[descriptor],
            stdout=log,
            stderr=log,
        )
        try:
            yield
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()


def _live(address: tuple[str, int]) -> bytes:
    """Waits in the backlog until a worker takes it."""
    with socket.create_connection(address, timeout=120) as client:
        client.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        return client.recv(15)
