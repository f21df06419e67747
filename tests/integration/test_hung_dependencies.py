"""What the service needs hangs, one thing after the other, behind nginx and with sync workers.

Probes are answered meanwhile, requests end with a clear code, and once the thing goes on everything works as before:
what was acknowledged is there, and the records agree.
"""

import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from harness.servers import Clamd, Disk, Front, MariaDB, Redis, Service
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN

pytestmark = pytest.mark.server
_MANY = 24
"""Requests at once: more than all workers together take."""
_PROBES = {"/health/live": {200}, "/health": {200, 503}, "/metrics": {200}}
_SETTINGS = {
    "SYNC_WORKERS": "2",
    "THREADS": "2",
    "X_ACCEL": "true",
    "TRUSTED_PROXIES": "127.0.0.0/8",
    "ADMIN_TOKEN": ADMIN_TOKEN,
    "MIN_FREE_SPACE": "0",
    "RATELIMIT_UPLOAD": "1000/minute",
    "RATELIMIT_DOWNLOAD": "1000/minute",
    "DATABASE_TIMEOUT": "2s",
    "SCAN_TIMEOUT": "2s",
    "WORKER_TIMEOUT": "20s",
}
_DONE = {(200, ""), (201, "")}
_AWAY = (503, "unavailable")


@dataclass
class Host:
    """A service, its nginx, and what it needs; each of that can be paused and resumed."""

    service: Service
    front: Front
    needs: dict[str, Any]
    acknowledged: dict[str, bytes] = field(default_factory=dict)

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, self.front.url + path, timeout=150, **options)

    def upload(self) -> requests.Response:
        content = random.randbytes(1000)
        answer = self.ask("PUT", "/upload/a.bin", data=content)
        if answer.status_code == 201:
            self.acknowledged[answer.json()["file_id"]] = content
        return answer

    def fetch(self, file_id: str) -> requests.Response:
        return self.ask("GET", f"/download/{file_id}")

    def _found(self, file_id: str) -> requests.Response | None:
        answer = self.fetch(file_id)
        return answer if answer.status_code == 200 else None

    def sync_workers(self) -> set[int]:
        children = psutil.Process(self.service.master_pid).children()
        return {child.pid for child in children if child.name() == "fwb-sync"}

    def outcomes(self, meanwhile: Callable[[], None]) -> Counter[tuple[int, str]]:
        """Status and code of many uploads and downloads at once; `meanwhile` is done while they run."""
        file_id = next(iter(self.acknowledged))
        with ThreadPoolExecutor(_MANY) as clients:
            uploads = [clients.submit(self.upload) for _ in range(_MANY // 2)]
            downloads = [clients.submit(self.fetch, file_id) for _ in range(_MANY // 2)]
            meanwhile()
        return Counter(map(_outcome, (each.result() for each in (*uploads, *downloads))))

    def assert_probes_answer(self) -> None:
        for _ in range(3):
            for path, statuses in _PROBES.items():
                assert self.ask("GET", path).status_code in statuses, path

    def assert_recovers(self) -> None:
        """Everything works again, nothing acknowledged is lost, and the records agree."""
        wait_until(lambda: self.upload().status_code == 201, 60, "uploads work again")
        wait_until(lambda: self.ask("GET", "/health").json()["status"] == "healthy", 60, "it is well again")
        for file_id, content in self.acknowledged.items():
            # Each process finds out for itself, within a second or so, that the database is back.
            answer = wait_until(partial(self._found, file_id), 60, "the file is fetched")
            assert answer is not None
            assert answer.content == content
        wait_until(lambda: "pending" not in self.service.cli("reconcile"), 90, "the records agree")


@contextmanager
def _host(folder: Path, needs: dict[str, Any], settings: dict[str, str]) -> Iterator[Host]:
    """All of it, running, and a first file stored."""
    with ExitStack() as stack:
        service, front = Service(folder / "service", settings, workers=1), Front(folder / "front")
        disk = Disk(service.data_dir / "storage", folder / "image")
        for each in (*needs.values(), disk, service, front):
            stack.callback(each.kill)
        service.start()
        front.ship(service.environment())
        found = Host(service, front.start(), {**needs, "disk": disk})
        assert found.upload().status_code == 201
        yield found


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, make_mariadb: Callable[[], MariaDB]) -> Iterator[Host]:
    """A host without a virus scan: its sync workers take uploads."""
    folder = tmp_path_factory.mktemp("host")
    database, cache = make_mariadb(), Redis(folder / "redis").start()
    settings = {**_SETTINGS, "DATABASE_URL": database.create_database(), "REDIS_URL": cache.url}
    with _host(folder, {"mariadb": database, "redis": cache}, settings) as found:
        yield found


@pytest.fixture(scope="module")
def scanning_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host that keeps nothing unscanned: its pool of threads takes uploads."""
    folder = tmp_path_factory.mktemp("scanning")
    scanner = Clamd(folder / "clamd").start()
    settings = {**_SETTINGS, "SCAN_POLICY": "required", "CLAMD_ADDRESS": scanner.address}
    with _host(folder, {"clamd": scanner}, settings) as found:
        yield found


@pytest.mark.parametrize(("name", "allowed"), [("mariadb", {*_DONE, _AWAY}), ("redis", _DONE)])
def test_a_server_that_hangs(host: Host, name: str, allowed: set[tuple[int, str]]) -> None:
    _assert_survives(host, host.needs[name], allowed)


def test_a_scanner_that_hangs(scanning_host: Host) -> None:
    allowed = {*_DONE, (503, "scanner_unavailable")}
    _assert_survives(scanning_host, scanning_host.needs["clamd"], allowed)


@pytest.mark.parametrize("is_long", [False, True])
def test_a_disk_that_hangs(host: Host, is_long: bool) -> None:
    """Nothing but the disk wakes who hangs in the kernel. After WORKER_TIMEOUT the master aborts the worker, which
    ends with its request once it wakes."""
    disk, workers = host.needs["disk"], host.sync_workers()

    def meanwhile() -> None:
        wait_until(lambda: workers <= _in_the_kernel(workers), 60, "every sync worker hangs")
        host.assert_probes_answer()
        for worker in workers if is_long else ():
            os.kill(worker, signal.SIGABRT)
        disk.resume()

    disk.pause()
    outcomes = host.outcomes(meanwhile)

    assert set(outcomes) <= {*_DONE, *([(502, "unavailable")] if is_long else [])}, outcomes
    if is_long:
        wait_until(lambda: len(host.sync_workers() - workers) == len(workers), 60, "others took their places")
    else:
        assert host.sync_workers() == workers
    host.assert_recovers()


def _assert_survives(host: Host, hung: Any, allowed: set[tuple[int, str]]) -> None:
    """While the server hangs, requests end with these outcomes, in workers that nobody has to replace."""
    workers = host.sync_workers()
    hung.pause()
    try:
        outcomes = host.outcomes(host.assert_probes_answer)
    finally:
        hung.resume()
    assert set(outcomes) <= allowed, outcomes
    assert host.sync_workers() == workers
    host.assert_recovers()


def _in_the_kernel(workers: set[int]) -> set[int]:
    return {pid for pid in workers if psutil.Process(pid).status() == psutil.STATUS_DISK_SLEEP}


def _outcome(answer: requests.Response) -> tuple[int, str]:
    """Status, and the code where there is one."""
    is_problem = answer.headers.get("Content-Type", "").startswith("application/problem+json")
    return answer.status_code, answer.json()["code"] if is_problem else ""
