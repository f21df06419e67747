"""Whatever threads wait for, probes are answered."""

import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import requests

from harness.servers import Clamd, MariaDB, Redis, Service
from harness.servers.base import Server
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN
from tests.files.images import photo

Start = Callable[..., Service]
_MANY = 24
"""Requests at once; the service has fewer threads."""
_PROBES = ("/health/live", "/health/ready", "/metrics")
_FEW_THREADS = {"THREADS": "4", "ADMIN_TOKEN": ADMIN_TOKEN}
_WAITING = {"DATABASE_TIMEOUT": "20s", "SCAN_TIMEOUT": "20s"}


def test_a_scanner_that_hangs(service: Start, clamd: Clamd) -> None:
    server = service({**_FEW_THREADS, **_WAITING, "SCAN_POLICY": "required", "CLAMD_ADDRESS": clamd.address})
    with _held(server, "PUT", "/upload/a.txt", by=clamd):
        _assert_probes_answer(server)


def test_a_database_that_is_locked(service: Start) -> None:
    server = service({**_FEW_THREADS, **_WAITING})
    [path] = server.data_dir.glob("*.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with _held(server, "PUT", "/upload/a.txt"):
            _assert_probes_answer(server)
            other.execute("ROLLBACK")


def test_a_database_that_hangs(service: Start, database: MariaDB) -> None:
    server = service({**_FEW_THREADS, **_WAITING, "DATABASE_URL": database.create_database()})
    with _held(server, "PUT", "/upload/a.txt", by=database):
        _assert_probes_answer(server)


def test_a_redis_that_hangs(service: Start, redis_server: Redis) -> None:
    server = service({**_FEW_THREADS, "REDIS_URL": redis_server.url, "RATELIMIT_UPLOAD": "1000/minute"})
    with _held(server, "PUT", "/upload/a.txt", by=redis_server):
        _assert_probes_answer(server)


def test_a_rush_for_thumbnails_of_one_image(service: Start) -> None:
    server = service(_FEW_THREADS)
    uploaded = server.request("PUT", "/upload/a.png", data=photo("PNG", (4000, 3000))).json()
    address = f"/thumbnail/{uploaded['file_id']}"

    with ThreadPoolExecutor(_MANY) as clients:
        asked = [clients.submit(server.request, "GET", f"{address}?size=300") for _ in range(_MANY)]
        _assert_probes_answer(server)

    answers = [each.result() for each in asked]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {answer.json()["code"] for answer in refused} <= {"thumbnail_busy"}
    assert {answer.headers["Retry-After"] for answer in refused} <= {"1"}
    assert wait_until(
        lambda: sum(_built(server).values()) == len(answers) - len(refused), 30, "all on record"
    )
    assert _built(server)[False] == 1


@contextmanager
def _held(server: Service, method: str, path: str, by: Server | None = None) -> Iterator[None]:
    """More requests under way than there are threads, `by` a frozen server; their outcome does not matter."""
    started = threading.Barrier(_MANY + 1)

    def ask() -> None:
        started.wait(30)
        with suppress(requests.RequestException):
            server.request(method, path, data=random.randbytes(100))

    with ThreadPoolExecutor(_MANY) as clients, _frozen(by):
        for _ in range(_MANY):
            clients.submit(ask)
        started.wait(30)
        yield


@contextmanager
def _frozen(server: Server | None) -> Iterator[None]:
    """Frozen only as long as something is asked: whoever still waits afterwards is answered at once."""
    if server is not None:
        server.pause()
    try:
        yield
    finally:
        if server is not None:
            server.resume()


def _assert_probes_answer(server: Service) -> None:
    for _ in range(3):
        found = {path: server.request("GET", path, timeout=15).status_code for path in _PROBES}
        assert found["/health/live"] == found["/metrics"] == 200
        assert found["/health/ready"] in (200, 503)


def _built(server: Service) -> Counter[bool]:
    """How many thumbnails were made (False) and found (True)."""
    answer = server.request(
        "GET",
        "/api/v1/audit/logs?size=500&action=file:thumbnail&status=success",
        headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
    )
    return Counter(row["details"]["cached"] for row in answer.json()["logs"])
