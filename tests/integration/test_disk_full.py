"""A full disk: filled by uploads first, then from outside (design: section 3, Disk full)."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.servers import Service
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN

MEBIBYTE = 1024 * 1024
DISK_BYTES = 128 * MEBIBYTE
FILE_BYTES = 4 * MEBIBYTE


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def server(service: Callable[..., Service], disk: Path) -> Service:
    """A service with all its data on that disk."""
    return service({"DATA_DIR": str(disk / "data"), "ADMIN_TOKEN": ADMIN_TOKEN})


def upload(server: Service) -> tuple[int, dict[str, str]]:
    answer = server.request("POST", "/upload", files={"file": ("a.bin", os.urandom(FILE_BYTES))})
    return answer.status_code, answer.json()


def fill(disk: Path) -> None:
    """Take every byte that is left, again and again, so that what is released is taken too."""
    with (disk / "filler").open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


@pytest.mark.slow
def test_uploads_stop_at_the_reserve_and_everything_else_goes_on(server: Service) -> None:
    kept = []
    status, file = upload(server)
    while status == 201:
        kept.append(file)
        status, file = upload(server)

    assert len(kept) > 5
    assert (status, file["code"]) == (507, "storage_full")
    assert server.request("PUT", "/upload/one-more", data=os.urandom(FILE_BYTES)).status_code == 507
    assert server.request("GET", kept[0]["download_url"]).status_code == 200
    assert server.request("GET", "/health/ready").status_code == 200
    for file in kept[:3]:
        headers = {"X-Delete-Token": file["delete_token"]}
        assert server.request("DELETE", f"/files/{file['file_id']}", headers=headers).status_code == 204
    wait_until(lambda: upload(server)[0] == 201, seconds=60, what="deleting made room")
    staging = Path(server.settings["DATA_DIR"]) / "storage" / "staging"
    wait_until(lambda: not list(staging.iterdir()), what="no stage is left but a passing health check's")


def test_a_disk_filled_from_outside_stops_operations_and_is_told(server: Service, disk: Path) -> None:
    _, file = upload(server)
    workers = server.worker_pids()

    def refused() -> bool:
        fill(disk)
        answer = server.request("GET", file["download_url"])
        return answer.status_code == 503 and answer.json()["code"] == "audit_unavailable"

    wait_until(refused, seconds=60, what="operations are refused, as they cannot be put on record")
    assert server.request("POST", "/upload", files={"file": ("a", b"x")}).status_code in (503, 507)

    def unready() -> bool:
        fill(disk)
        return server.request("GET", "/health/ready").status_code == 503

    def unhealthy() -> bool:
        fill(disk)
        return bool(server.request("GET", "/health").json()["status"] == "unhealthy")

    wait_until(unready, seconds=60, what="readiness follows")
    wait_until(unhealthy, seconds=60, what="health says so")
    assert server.request("GET", "/health/live").status_code == 200
    assert server.request("GET", "/metrics").status_code == 200

    (disk / "filler").unlink()
    wait_until(lambda: upload(server)[0] == 201, seconds=60, what="the service recovers by itself")
    assert server.request("GET", file["download_url"]).status_code == 200
    wait_until(lambda: server.request("GET", "/health/ready").status_code == 200, what="readiness returns")
    assert server.worker_pids() == workers
