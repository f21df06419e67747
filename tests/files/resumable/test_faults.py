"""What an upload needs goes away in the middle and comes back: it goes on, and the bytes are right."""

import select
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.servers import MariaDB, Service
from harness.waiting import wait_until
from tests.files.resumable.tus import KB, Tus, noise, status_of

pytestmark = pytest.mark.server
SIZE = 2000 * KB
MB = 1024 * KB
DISK_BYTES = 128 * MB


def finish(tus: Tus, url: str, data: bytes) -> bytes:
    """Go on until the file is there, as a client that tries again does."""

    def attempt() -> str:
        told = tus.head(url)
        if told.status_code != 200:
            return ""
        offset = int(told.headers["Upload-Offset"])
        return tus.patch(url, offset, data[offset:]).headers.get("X-File-Id", "")

    return tus.content(wait_until(attempt, 60, "the upload is finished"))


@pytest.fixture
def database(make_mariadb: Callable[[], MariaDB]) -> Iterator[MariaDB]:
    """A MariaDB that the test may stop."""
    server = make_mariadb()
    yield server
    server.kill()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own, which fills up."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_an_upload_goes_on_when_the_database_is_back(
    service: Callable[..., Service], database: MariaDB
) -> None:
    url = database.create_database()
    server = service({"DATABASE_URL": url, "MIN_FREE_SPACE": "0", "DATABASE_TIMEOUT": "1s"})
    tus, data = Tus(server.url), noise(SIZE)
    upload = tus.begin(SIZE)
    assert tus.patch(upload, 0, data[: SIZE // 2]).status_code == 204
    with tus.begin_to_send(upload, SIZE // 2, SIZE // 2, data[SIZE // 2 : SIZE // 2 + 1000]) as client:
        wait_until(lambda: _is_held(server, upload), 60, "the request is served")
        database.stop()
        client.sendall(data[SIZE // 2 + 1000 :])
        assert status_of(client) == 503
    away = tus.head(upload)
    assert (away.status_code, "Retry-After" in away.headers) == (503, True)

    database.start()

    assert finish(tus, upload, data) == data
    assert "DIFFER" not in server.cli("reconcile")


def _is_held(server: Service, upload: str) -> bool:
    listed = Tus(server.url, _admin_token(server)).ask("GET", "/api/v1/uploads").json()
    return any(row["upload_id"] in upload for row in listed["uploads"])


def _admin_token(server: Service) -> str:
    return (server.data_dir / "admin-token").read_text().strip()


def test_an_upload_goes_on_when_the_disk_has_room(service: Callable[..., Service], small_disk: Path) -> None:
    server = service({"DATA_DIR": str(small_disk / "data"), "MIN_FREE_SPACE": "16MB"})
    tus, data = Tus(server.url), noise(8 * SIZE)
    upload = tus.begin(len(data))
    assert tus.patch(upload, 0, data[:SIZE]).status_code == 204
    ballast = small_disk / "ballast"
    with ballast.open("wb") as file:
        while shutil.disk_usage(small_disk).free > 20 * MB:
            file.write(bytes(MB))
            file.flush()

    full = tus.patch(upload, SIZE, data[SIZE:])

    assert (full.status_code, full.json()["code"]) == (507, "storage_full")
    assert SIZE <= tus.offset(upload) < len(data)
    ballast.unlink()
    assert finish(tus, upload, data) == data


def test_uploads_that_hang_leave_threads_for_everybody_else(service: Callable[..., Service]) -> None:
    server = service({"THREADS": "4", "MIN_FREE_SPACE": "0", "LOG_LEVEL": "WARNING"}, workers=1)
    tus = Tus(server.url)
    urls = [tus.begin(100) for _ in range(6)]
    with ExitStack() as stack:
        hanging = [stack.enter_context(tus.begin_to_send(url, 0, 100, b"x")) for url in urls]
        answered = wait_until(lambda: _answered(hanging, 4), 60, "all but two are refused")

        assert [status_of(client) for client in answered] == [503] * 4
        assert tus.patch(tus.begin(1), 0, b"x").status_code == 503
        assert tus.ask("PUT", "/upload/a.txt", data=b"x").status_code == 201


def _answered(clients: list[socket.socket], count: int) -> list[socket.socket]:
    """The clients that have an answer, if there are that many."""
    readable, _, _ = select.select(clients, [], [], 0)
    return readable if len(readable) >= count else []
