"""The faults of the end-to-end test: errors, lost bytes, wrong tokens, slow uploads and a disk that fills."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from harness.servers import Service

_PAUSE_SECONDS = 0.1
_UPLOAD_SECONDS = 6.5
_SLOW_AT_ONCE = 6
_SHARE = 0.94


@contextmanager
def misfortunes(target: Service, disk: Path) -> Iterator[None]:
    """All of them, until the end of the block."""
    over = threading.Event()
    filler = disk / "filler"
    _fill(disk, filler)
    lost = _lose_bytes(target, disk)
    kinds: list[Callable[[], object]] = [
        lambda: target.request("PUT", "/upload/too-large.bin", data=b"x" * 2000),
        lambda: target.request("GET", f"/download/{lost}"),
        lambda: target.request("GET", "/files", headers={"Authorization": "Bearer " + "x" * 40}),
    ]
    with ThreadPoolExecutor(len(kinds) + _SLOW_AT_ONCE) as threads:
        for kind in kinds:
            threads.submit(_again_and_again, kind, _PAUSE_SECONDS, over)
        for number in range(_SLOW_AT_ONCE):
            threads.submit(_slow_uploads, target, number * _UPLOAD_SECONDS / _SLOW_AT_ONCE, over)
        try:
            yield
        finally:
            over.set()
            filler.unlink()


def _lose_bytes(target: Service, disk: Path) -> str:
    """Upload a file and remove its bytes; its id."""
    kept = target.request("PUT", "/upload/lost.txt", data=b"bytes that will be lost\n").json()
    (blob,) = (path for path in (disk / "data/storage").rglob(kept["file_hash"] + "*") if path.is_file())
    blob.unlink()
    return str(kept["file_id"])


def _fill(disk: Path, filler: Path) -> None:
    space = os.statvfs(disk)
    wanted = space.f_bavail * space.f_frsize - round(space.f_blocks * space.f_frsize * (1 - _SHARE))
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, wanted)


def _again_and_again(act: Callable[[], object], pause: float, over: threading.Event) -> None:
    while not over.wait(pause):
        with suppress(requests.RequestException):
            act()


def _slow_uploads(target: Service, delay: float, over: threading.Event) -> None:
    """One after the other, each byte late."""
    over.wait(delay)
    while not over.is_set():
        with suppress(OSError), target.connect() as connection:
            _upload_slowly(connection, over)


def _upload_slowly(connection: socket.socket, over: threading.Event) -> None:
    body = b"slow as ever\n"
    head = f"PUT /upload/slow.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode())
    for byte in body:
        over.wait(_UPLOAD_SECONDS / len(body))
        connection.sendall(bytes([byte]))
    connection.settimeout(30)
    connection.recv(1000)
