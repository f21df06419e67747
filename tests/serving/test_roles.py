"""Each process has a role, and whichever dies is replaced by one of the same."""

import os
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import requests

from filewallball.serving import roles
from filewallball.serving.presence import Presence
from filewallball.settings.loading import ConfigError, load_settings
from harness.servers import Front, Service
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN

_ROLES = Counter({"fwb-jobs": 1, "fwb-pool": 1, "fwb-sync": 2})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Front]]:
    """A service with every role, and its nginx."""
    settings = {
        "SYNC_WORKERS": "2",
        "THREADS": "2",
        "X_ACCEL": "true",
        "TRUSTED_PROXIES": "127.0.0.0/8",
        "ADMIN_TOKEN": ADMIN_TOKEN,
        "MIN_FREE_SPACE": "0",
        "GRACEFUL_TIMEOUT": "10s",
        "GUNICORN_CMD_ARGS": "--access-logfile - --access-logformat '%(r)s %(s)s %({host}i)s %({x-request-id}o)s'",
    }
    service = Service(tmp_path_factory.mktemp("roles"), settings, workers=1).start()
    front = Front(tmp_path_factory.mktemp("front"))
    front.ship(service.environment())
    front.start()
    yield service, front
    front.kill()
    service.kill()


def processes(service: Service, name: str = "fwb-") -> list[psutil.Process]:
    """The children of the master whose name begins so."""
    found = []
    for child in psutil.Process(service.master_pid).children():
        try:
            if child.name().startswith(name) and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def named(service: Service) -> Counter[str]:
    names: Counter[str] = Counter()
    for process in processes(service):
        with suppress(psutil.NoSuchProcess):  # it may have ended since
            names[process.name()] += 1
    return names


def through(front: Front, method: str, path: str, **options: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, front.url + path, timeout=60, **options)


@pytest.mark.server
@pytest.mark.parametrize("path", ["/files", "/health/live"])
def test_gunicorns_own_log_of_requests_tells_of_both_roles(served: tuple[Service, Front], path: str) -> None:
    service, front = served
    answer = through(front, "GET", path)

    line = f"GET {path} HTTP/1.1 200 127.0.0.1:{front.port} {answer.headers['X-Request-ID']}"
    wait_until(lambda: line in service.log_text(), 60, f"{line}: {service.log_text()[-500:]}")


@pytest.mark.server
def test_requests_pass_nginx_to_both_roles(served: tuple[Service, Front]) -> None:
    service, front = served
    put = through(front, "PUT", "/upload/a.txt", data=b"some text")
    got = through(front, "GET", f"/download/{put.json()['file_id']}")
    ranges = {"Range": "bytes=0-1,4-5"}
    pieces = through(front, "GET", f"/download/{put.json()['file_id']}", headers=ranges)

    assert named(service) == _ROLES
    assert (put.status_code, got.content) == (201, b"some text")
    assert pieces.status_code in (200, 206)
    assert through(front, "GET", "/health").status_code == 200
    assert through(front, "GET", "/api/v1/access/me").status_code == 200


@pytest.mark.server
@pytest.mark.parametrize("name", ["fwb-jobs", "fwb-pool", "fwb-sync"])
def test_a_process_that_dies_is_replaced_by_one_of_its_role(served: tuple[Service, Front], name: str) -> None:
    service, front = served
    before = {process.pid for process in processes(service, name)}
    victim = min(before)
    os.kill(victim, signal.SIGKILL)

    wait_until(
        lambda: named(service) == _ROLES and victim not in {each.pid for each in processes(service, name)},
        60,
        f"a new {name}",
    )

    put = through(front, "PUT", "/upload/b.txt", data=b"b")
    assert put.status_code == 201
    assert through(front, "GET", f"/download/{put.json()['file_id']}").content == b"b"


@pytest.mark.server
def test_a_reload_renews_every_role(served: tuple[Service, Front]) -> None:
    service, front = served
    before = {process.pid for process in processes(service)}
    service.reload()

    wait_until(
        lambda: named(service) == _ROLES and not before & {each.pid for each in processes(service)},
        90,
        "every process is new",
    )
    assert through(front, "PUT", "/upload/c.txt", data=b"c").status_code == 201


@pytest.mark.server
def test_a_service_that_drains_says_so_and_serves_on_with_both_roles(served: tuple[Service, Front]) -> None:
    service, front = served
    service.cli("drain", "on")
    try:
        assert through(front, "GET", "/health/ready").json()["status"] == "draining"
        assert through(front, "PUT", "/upload/e.txt", data=b"e").status_code == 201
        assert through(front, "GET", "/api/v1/access/me").status_code == 200
    finally:
        service.cli("drain", "off")
    wait_until(lambda: through(front, "GET", "/health/ready").status_code == 200, 60, "it is ready")


@pytest.mark.server
def test_what_sync_workers_did_is_shipped_and_sealed_by_the_jobs_process(
    served: tuple[Service, Front],
) -> None:
    service, front = served
    file_id = through(front, "PUT", "/upload/d.txt", data=b"d").json()["file_id"]
    through(front, "GET", f"/download/{file_id}")
    access = {"Authorization": f"Bearer {ADMIN_TOKEN}"}

    def rows() -> list[Any]:
        path = f"/api/v1/audit/logs?resource_id={file_id}&action=file:download"
        found: list[Any] = service.request("GET", path, headers=access).json()["logs"]
        return found

    wait_until(rows, 60, "the download is on record")
    detailed = service.request("GET", "/health/detailed", headers=access).json()
    assert detailed["checks"]["periodic_jobs"]["status"] == "healthy"


@pytest.mark.server
def test_malformed_requests_on_the_socket_are_answered_as_elsewhere(served: tuple[Service, Front]) -> None:
    service, _ = served
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(service.data_dir / "sync.sock"))
        client.sendall(b"what is this\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"bad_request"' in answer


def test_the_role_that_is_short_comes_next() -> None:
    roles.want({roles.JOBS: 1, roles.POOL: 2, roles.SYNC: 1})
    arbiter, cfg, old = SimpleNamespace(WORKERS={}), object(), object()
    roles.serve_under(arbiter)
    made = []
    for pid in range(5):
        made.append(roles.missing(cfg))
        arbiter.WORKERS[pid] = SimpleNamespace(role=made[-1], cfg=cfg)

    assert made == [roles.JOBS, roles.POOL, roles.POOL, roles.SYNC, roles.POOL]
    assert roles.missing(old) == roles.JOBS
    del arbiter.WORKERS[3]
    assert roles.missing(cfg) == roles.SYNC


def test_without_sync_workers_the_pool_takes_every_socket() -> None:
    with socket.socket(socket.AF_UNIX) as local, socket.socket() as remote:
        sockets = [SimpleNamespace(sock=local), SimpleNamespace(sock=remote)]
        roles.want({roles.JOBS: 1, roles.POOL: 1, roles.SYNC: 0})
        assert roles.listeners(roles.POOL, sockets) == sockets
        assert roles.listeners(roles.JOBS, sockets) == []
        roles.want({roles.JOBS: 1, roles.POOL: 1, roles.SYNC: 1})
        assert roles.listeners(roles.POOL, sockets) == sockets[1:]
        assert roles.listeners(roles.SYNC, sockets) == sockets[:1]


def test_one_process_at_a_time_shows_that_it_does_the_jobs(tmp_path: Path) -> None:
    first, second, other = Presence(tmp_path), Presence(tmp_path), Presence(tmp_path)
    assert not other.is_seen()
    first.show()
    second.show()
    assert other.is_seen()
    assert "problem" not in other.probe()
    first.leave()
    second.show()
    assert other.is_seen()
    second.leave()
    assert not other.is_seen()


def test_a_long_absence_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    presence, now = Presence(tmp_path), [1000.0]
    monkeypatch.setattr("filewallball.serving.presence.time.monotonic", lambda: now[0])
    for seconds, is_problem in ((0, False), (29, False), (31, True)):
        now[0] = 1000.0 + seconds
        assert ("problem" in presence.probe()) is is_problem, seconds


@pytest.mark.parametrize("length", [120, 300])
def test_a_socket_path_that_the_kernel_does_not_take_stops_the_start(tmp_path: Path, length: int) -> None:
    path = f"/{'a' * length}"
    with pytest.raises(ConfigError, match="SYNC_SOCKET"):
        load_settings({"DATA_DIR": str(tmp_path), "SYNC_WORKERS": "1", "SYNC_SOCKET": path})
