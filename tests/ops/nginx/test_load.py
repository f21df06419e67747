"""Slow clients beside ordinary ones, and reloads of everything while requests come in."""

import os
import signal
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress

import psutil
import pytest
import requests

from harness.load import Load
from harness.servers import Front, Service
from harness.waiting import wait_until

pytestmark = pytest.mark.server
Rounds = Callable[[int, int], int]
_SLOW = b"PUT /upload/slow.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nsome"


def test_slow_clients_keep_no_thread_from_others(front: Front, behind: Service, rounds: Rounds) -> None:
    """Many more of them than the service has threads, each in the middle of its body or its answer."""
    file_id = behind.request("PUT", "/upload/big.bin", data=b"b" * 20_000_000).json()["file_id"]
    fetch = f"GET /download/{file_id} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    with ExitStack() as stack:
        for number in range(rounds(50, 500)):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(60)
            client.connect(("127.0.0.1", front.port))
            client.sendall(fetch if number % 5 == 0 else _SLOW)
        with requests.Session() as session:
            session.trust_env = False
            for number in range(20):
                put = session.put(f"{front.url}/upload/{number}.txt", data=f"text {number}", timeout=60)
                got = session.get(f"{front.url}/download/{put.json()['file_id']}", timeout=60)
                assert (put.status_code, got.text) == (201, f"text {number}")
        assert _busy(behind) <= 1


def test_reloads_under_load_fail_no_request(front: Front, behind: Service, rounds: Rounds) -> None:
    """nginx and the service reload in turn; at last a new master takes the service over."""
    with Transfers(front) as load:
        ledger = load.ledger
        for number in range(rounds(2, 20)):
            before = sum(ledger.values())
            if number % 2:
                front.reload()
            else:
                behind.reload()
            wait_until(lambda: sum(ledger.values()) > before + 30, 120, "requests go on")  # noqa: B023
        _upgrade(behind)
        before = sum(ledger.values())
        wait_until(lambda: sum(ledger.values()) > before + 20, 120, "the new master serves")
    assert set(ledger) == {"done"}, ledger


class Transfers(Load):
    """Three clients that upload and fetch; what became of each request is counted."""

    def __init__(self, front: Front) -> None:
        super().__init__(clients=3)
        self.ledger: Counter[str] = Counter()
        self._front = front

    def client(self, number: int) -> None:
        while self.goes_on:
            try:
                put = _once("PUT", f"{self._front.url}/upload/a.txt", b"some text")
                got = _once("GET", f"{self._front.url}/download/{put.json()['file_id']}")
            except (requests.RequestException, ValueError) as error:
                self.ledger[repr(error)[:300]] += 1
            else:
                good = (put.status_code, got.content) == (201, b"some text")
                self.ledger["done" if good else f"{put.status_code} {got.status_code}"] += 1


def _once(method: str, url: str, data: bytes | None = None) -> requests.Response:
    """On a connection of its own: one that was kept may be closed at any moment, which clients must expect."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, data=data, timeout=60)


def _upgrade(service: Service) -> None:
    old = psutil.Process(service.master_pid)
    roles = _roles(old)
    os.kill(old.pid, signal.SIGUSR2)
    new = wait_until(lambda: _successor(old), 60, "a new master")
    assert new is not None
    wait_until(lambda: _roles(new) == roles, 60, "its workers, of every role")
    old.terminate()
    old.wait(60)


def _successor(master: psutil.Process) -> psutil.Process | None:
    """The child that was told whom it succeeds."""
    with suppress(psutil.NoSuchProcess):  # workers come and go meanwhile
        return next((child for child in master.children() if "GUNICORN_PID" in child.environ()), None)
    return None


def _roles(master: psutil.Process) -> Counter[str]:
    with suppress(psutil.NoSuchProcess):  # workers come and go meanwhile
        return Counter(child.name() for child in master.children() if child.name().startswith("fwb-"))
    return Counter()


def _busy(service: Service) -> int:
    """Requests in progress, this scrape's own left out."""
    lines = service.request(
        "GET", "/metrics", headers={"Authorization": f"Bearer {_token(service)}"}
    ).text.splitlines()
    return next(int(float(line.split()[1])) for line in lines if line.startswith("active_connections ")) - 1


def _token(service: Service) -> str:
    return (service.data_dir / "admin-token").read_text().strip()
