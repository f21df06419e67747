"""Resumable uploads against a plain PUT of the same bytes: how fast, how much of it again after cuts, how much memory.

In turns: a PUT, one PATCH, and an upload whose connection is closed in the middle 20 times. Each time the client asks
where to go on, after a twentieth of a second that does not count. The bytes are those that it gave to its sockets. Then
a larger upload through one worker.
"""

import argparse
import os
import socket
import statistics
import tempfile
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from benchmarks.memory import _sampled
from benchmarks.servers import running
from harness.servers import Service

_MEBIBYTE = 1024 * 1024
_VERSION = {"Tus-Resumable": "1.0.0"}
_PIECE = b"\x93" * _MEBIBYTE
_CUTS = 20
_PAUSE_SECONDS = 0.05
"""A client that noticed no loss and asked at once could be faster than what it sent."""


class Client:
    """Uploads to one service, and counts the bytes that it sends."""

    def __init__(self, url: str) -> None:
        self.sent = 0
        self.paused = 0.0
        self._host = urlsplit(url).netloc

    def put(self, size: int) -> None:
        """One request without a way back."""
        self._send("PUT", "/upload/whole.bin", {}, size, size)

    def resumable(self, size: int, stops: list[int]) -> None:
        """One upload, broken off wherever `stops` says, and gone on with."""
        location = self._begin(size)
        for stop in stops:
            offset = self._offset(location)
            self._send(
                "PATCH", location, {"Upload-Offset": str(offset)}, size - offset, max(0, stop - offset)
            )
            time.sleep(_PAUSE_SECONDS)
            self.paused += _PAUSE_SECONDS
        offset = self._offset(location)
        self._send("PATCH", location, {"Upload-Offset": str(offset)}, size - offset, size - offset)

    def _begin(self, size: int) -> str:
        answer = self._ask("POST", "/uploads", {"Upload-Length": str(size)})
        return urlsplit(answer.headers["Location"]).path

    def _offset(self, location: str) -> int:
        return int(self._ask("HEAD", location, {}).headers["Upload-Offset"])

    def _ask(self, method: str, path: str, headers: dict[str, str]) -> HTTPResponse:
        connection = HTTPConnection(self._host, timeout=120)
        connection.request(method, path, headers={**_VERSION, **headers})
        answer = connection.getresponse()
        assert answer.status in (200, 201), (answer.status, answer.read())
        connection.close()
        return answer

    def _send(self, method: str, path: str, headers: dict[str, str], length: int, count: int) -> None:
        """Announce so many bytes and send `count` of them; where those are not all, break off."""
        host, port = self._host.split(":")
        with socket.create_connection((host, int(port)), 120) as client:
            lines = {
                **_VERSION,
                "Host": self._host,
                "Content-Type": "application/offset+octet-stream",
                "Content-Length": str(length),
                **headers,
            }
            head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
            client.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode())
            left = count
            while left:
                piece = memoryview(_PIECE)[: min(left, _MEBIBYTE)]
                client.sendall(piece)
                left -= len(piece)
                self.sent += len(piece)
            if count == length:
                answer = HTTPResponse(client, method=method)
                answer.begin()
                assert answer.status in (201, 204), (answer.status, answer.read())


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="filewallball-resume-", dir=options.folder) as name:
        settings = {"MAX_UPLOAD_SIZE": "4GB", "MIN_FREE_SPACE": "0"}
        with running(Service(Path(name) / "rates", settings)) as service:
            _compare(service, options.mebibytes * _MEBIBYTE, options.rounds)
        with running(Service(Path(name) / "memory", settings, workers=1)) as service:
            _measure(service, options.large_mebibytes)


def _compare(service: Service, size: int, rounds: int) -> None:
    stops = sorted(int.from_bytes(os.urandom(8)) % size for _ in range(_CUTS))
    kinds: dict[str, Callable[[Client], None]] = {
        "plain PUT": lambda client: client.put(size),
        "one PATCH": lambda client: client.resumable(size, []),
        f"{_CUTS} cuts": lambda client: client.resumable(size, stops),
    }
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    sent = dict.fromkeys(kinds, 0)
    Client(service.url).put(_MEBIBYTE)
    for number in range(rounds):
        for kind in list(kinds)[:: -1 if number % 2 else 1]:
            client = Client(service.url)
            began = time.perf_counter()
            kinds[kind](client)
            taken[kind].append(time.perf_counter() - began - client.paused)
            sent[kind] = client.sent
    plain, one = (statistics.median(taken[kind]) for kind in ("plain PUT", "one PATCH"))
    print(
        f"{size // _MEBIBYTE} MiB {'':<8} {'seconds':>8} {'x PUT':>7} {'x one PATCH':>12} {'bytes sent':>11}"
    )
    for kind in kinds:
        seconds = statistics.median(taken[kind])
        print(
            f"{kind:<16} {seconds:>8.2f} {seconds / plain:>7.2f} {seconds / one:>12.2f} {sent[kind] / size:>10.3f}x"
        )


def _measure(service: Service, mebibytes: int) -> None:
    client = Client(service.url)
    client.resumable(_MEBIBYTE, [])
    worker = psutil.Process(service.worker_pids()[0])
    before = worker.memory_info().rss / _MEBIBYTE

    def upload() -> str:
        client.resumable(mebibytes * _MEBIBYTE, [mebibytes * _MEBIBYTE // 2])
        return ""

    print(f"{'RSS of the worker, MiB':<28} {'before':>8} {'peak':>8} {'after':>8} {'added':>8}")
    _sampled(worker, before, f"{mebibytes} MiB, one cut", upload)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=256)
    parser.add_argument("--large-mebibytes", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the files lie; six times the largest must be free")
    return parser.parse_args()


if __name__ == "__main__":
    main()
