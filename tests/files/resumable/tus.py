"""A client that speaks tus 1.0.0 word by word, and says what it is told to, also what no client should."""

import base64
import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import requests

from harness.servers import Service
from harness.waiting import wait_until

VERSION = {"Tus-Resumable": "1.0.0"}
BYTES = {"Content-Type": "application/offset+octet-stream"}
KB = 1024


def metadata(**values: str) -> str:
    """The header `Upload-Metadata`."""
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


class Tus:
    """One client of a service, or of what stands in front of it."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url
        self.credentials = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(
        self, method: str, url: str, headers: dict[str, str] | None = None, data: Any = None
    ) -> requests.Response:
        """One request; headers of the protocol are there unless they are set to something else."""
        whole = {**VERSION, **self.credentials, **(headers or {})}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                url if url.startswith("http") else self.url + url,
                headers=whole,
                data=data,
                timeout=60,
            )

    def create(
        self, length: int | None, headers: dict[str, str] | None = None, **values: str
    ) -> requests.Response:
        """Ask for an upload."""
        announced = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
        described = {"Upload-Metadata": metadata(**values)} if values else {}
        return self.ask("POST", "/uploads", {**announced, **described, **(headers or {})})

    def begin(self, length: int | None, headers: dict[str, str] | None = None, **values: str) -> str:
        """The address of a new upload."""
        answer = self.create(length, headers, **{"filename": "a.bin", **values})
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    def patch(
        self, url: str, offset: int, data: bytes, headers: dict[str, str] | None = None
    ) -> requests.Response:
        return self.ask("PATCH", url, {**BYTES, "Upload-Offset": str(offset), **(headers or {})}, data)

    def head(self, url: str) -> requests.Response:
        return self.ask("HEAD", url)

    def offset(self, url: str) -> int:
        """Where an upload goes on."""
        answer = self.head(url)
        assert answer.status_code == 200, answer.status_code
        return int(answer.headers["Upload-Offset"])

    def options(self, path: str = "/uploads", headers: dict[str, str] | None = None) -> requests.Response:
        return self.ask("OPTIONS", path, headers)

    def content(self, file_id: str) -> bytes:
        """The bytes of a finished file."""
        answer = self.ask("GET", f"/download/{file_id}")
        assert answer.status_code == 200, answer.text
        return answer.content

    def begin_to_send(self, url: str, offset: int, length: int, data: bytes) -> socket.socket:
        """Announce a body of this length, send these bytes of it, and keep the connection open."""
        parts = urlsplit(self.url)
        client = socket.create_connection((parts.hostname, parts.port), 60)
        lines = {
            **VERSION,
            **BYTES,
            **self.credentials,
            "Host": parts.netloc,
            "Upload-Offset": str(offset),
            "Content-Length": str(length),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        client.sendall(f"PATCH {urlsplit(url).path} HTTP/1.1\r\n{head}\r\n".encode() + data)
        return client


def status_of(client: socket.socket) -> int:
    """The status of the answer on a plain connection."""
    with client.makefile("rb") as reader:
        return int(reader.readline().split()[1])


def holder_of(server: Service, client: socket.socket) -> int | None:
    """The worker that serves a plain connection now."""
    port = client.getsockname()[1]
    for pid in server.worker_pids():
        if any(each.raddr and each.raddr.port == port for each in psutil.Process(pid).net_connections()):
            return pid
    return None


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that stands still inside the block; not amid a write to SQLite, for which all others would wait."""
    wait_until(lambda: _stops_without_a_lock(pid), what="the worker stands still")
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _stops_without_a_lock(pid: int) -> bool:
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, what="the worker has stopped")
    if re.search(rf"POSIX +ADVISORY +WRITE +{pid} ", Path("/proc/locks").read_text()) is None:
        return True
    os.kill(pid, signal.SIGCONT)
    return False


def noise(size: int) -> bytes:
    """Bytes that nobody else has, and that look like nothing."""
    return b"\x93" + os.urandom(size - 1)


def upload_id_of(url: str) -> str:
    found = re.search(r"[0-9a-f]{32}$", url)
    assert found is not None, url
    return found[0]
