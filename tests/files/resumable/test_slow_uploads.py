"""Many slow uploads behind nginx: downloads succeed meanwhile, and in the end each upload is a file."""

import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.waiting import wait_until
from tests.files.resumable.place import Place, opened
from tests.files.resumable.tus import Tus, noise, status_of

pytestmark = pytest.mark.server
SIZE = 4000
_DOWNLOADS = 20


def test_downloads_succeed_beside_many_slow_uploads(
    tmp_path: Path, rounds: Callable[[int, int], int]
) -> None:
    count = rounds(40, 500)
    settings = {
        "WEB_CONCURRENCY": str(1 + count // 60),
        "THREADS": "256",  # half of them take resumable uploads
        "UPLOADS_PER_CLIENT": str(count),
        "CLIENT_TIMEOUT": "10m",
    }
    with opened(tmp_path, settings) as place, ExitStack() as stack:
        tus, data = Tus(place.front.url), noise(SIZE)
        content = noise(300_000)
        file_id = tus.ask("PUT", "/upload/a.bin", data=content).json()["file_id"]
        urls = [tus.begin(SIZE) for _ in range(count)]
        slow = [stack.enter_context(tus.begin_to_send(url, 0, SIZE, data[:1])) for url in urls]
        wait_until(lambda: _in_progress(place) >= count, 120, "all are received")

        for sent in range(1, 1 + _DOWNLOADS):
            _trickle(slow, data[sent : sent + 1])
            assert tus.content(file_id) == content

        _trickle(slow, data[1 + _DOWNLOADS :])
        assert {status_of(client) for client in slow} == {204}
        assert {place.tus.head(url).headers["Upload-Offset"] for url in urls} == {str(SIZE)}
        assert place.uploaded() == count + 1
        assert "DIFFER" not in place.service.cli("reconcile")


def _in_progress(place: Place) -> float:
    text = place.service.request("GET", "/metrics").text
    name = "active_connections "
    return next(float(line[len(name) :]) for line in text.splitlines() if line.startswith(name))


def _trickle(clients: list[socket.socket], piece: bytes) -> None:
    for client in clients:
        client.sendall(piece)
