"""Each dependency stopped, hung and back again under the live service: health tells, and the service goes on."""

import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import Clamd, MariaDB, Redis, Service
from tests.servers.base import Server
from tests.waiting import wait_until

_AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]
_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class World:
    """A service and everything it depends on."""

    service: Service
    mariadb: MariaDB
    redis: Redis
    clamd: Clamd

    def server(self, name: str) -> Server:
        servers: dict[str, Server] = {
            "database": self.mariadb,
            "redis": self.redis,
            "virus_scan_service": self.clamd,
        }
        return servers[name]


@pytest.fixture
def world(
    service: Callable[..., Service], make_mariadb: Callable[[], MariaDB], redis_server: Redis, clamd: Clamd
) -> World:
    """One worker with few threads, so that a single one that is used up would show."""
    mariadb = make_mariadb()
    settings = {
        "DATABASE_URL": mariadb.create_database(),
        "DATABASE_TIMEOUT": "2s",
        "REDIS_URL": redis_server.url,
        "SCAN_POLICY": "optional",
        "CLAMD_ADDRESS": clamd.address,
        "SCAN_TIMEOUT": "2s",
        "THREADS": "4",
        "MIN_FREE_SPACE": "0",
    }
    return World(service(settings, workers=1), mariadb, redis_server, clamd)


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [("database", "unhealthy", 503), ("redis", "degraded", 200), ("virus_scan_service", "degraded", 200)],
)
def test_a_dependency_that_stops_or_hangs_is_told_and_recovers_by_itself(
    world: World, name: str, status: str, code: int
) -> None:
    server = world.server(name)
    _await_status(world.service, name, "healthy", 200)

    for break_it, mend_it in ((server.pause, server.resume), (server.kill, server.start)):
        break_it()
        _await_status(world.service, name, status, code)
        _every_thread_answers(world.service)
        ready = world.service.request("GET", "/health/ready").status_code
        mend_it()
        _await_status(world.service, name, "healthy", 200)

        assert ready == code
        wait_until(lambda: _upload(world.service) == 201, _PATIENCE_SECONDS, "uploads work again")


def test_a_storage_that_hangs_or_is_unmounted_is_told_and_recovers_by_itself(
    service: Callable[..., Service], disk: "Disk"
) -> None:
    running = service({"DATA_DIR": str(disk.data_dir), "MIN_FREE_SPACE": "0", "THREADS": "4"}, workers=1)
    _await_status(running, "storage", "healthy", 200)

    for break_it, mend_it in ((disk.freeze, disk.thaw), (disk.unmount, disk.mount)):
        break_it()
        _await_status(running, "storage", "unhealthy", 503)
        _every_thread_answers(running)
        ready = running.request("GET", "/health/ready").status_code
        found = list(disk.folder.iterdir()) if break_it == disk.unmount else []
        mend_it()
        _await_status(running, "storage", "healthy", 200)

        assert ready == 503
        assert found == []
        assert _upload(running) == 201


@dataclass
class Disk:
    """A file system of its own under the store."""

    data_dir: Path
    image: Path

    @property
    def folder(self) -> Path:
        return self.data_dir / "storage"

    def mount(self) -> None:
        _as_root("mount", "-o", "loop", str(self.image), str(self.folder))

    def unmount(self) -> None:
        # Lazily: a request may be using it at this moment.
        _as_root("umount", "--lazy", str(self.folder))

    def freeze(self) -> None:
        _as_root("fsfreeze", "--freeze", str(self.folder))

    def thaw(self) -> None:
        _as_root("fsfreeze", "--unfreeze", str(self.folder))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Mounted; thawed and unmounted at the end in any case."""
    made = Disk(tmp_path / "data", tmp_path / "image")
    made.folder.mkdir(parents=True)
    with made.image.open("wb") as file:
        file.truncate(32 * 1024 * 1024)
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-F", str(made.image)], check=True)
    made.mount()
    _as_root("rmdir", str(made.folder / "lost+found"))
    _as_root("chmod", "1777", str(made.folder))
    yield made
    for command in (["fsfreeze", "--unfreeze"], ["umount", "--lazy"]):
        subprocess.run([*_AS_ROOT, *command, str(made.folder)], check=False, capture_output=True)


def _await_status(service: Service, name: str, status: str, code: int) -> None:
    def told() -> bool:
        assert service.request("GET", "/health/live").status_code == 200
        answer = service.request("GET", "/health")
        return answer.json()["services"][name]["status"] == status and answer.status_code == code

    wait_until(told, _PATIENCE_SECONDS, f"{name} is {status}")


def _every_thread_answers(service: Service) -> None:
    """More requests at once than there are threads, then the probe that depends on nothing."""
    paths = ["/health", "/health/ready", "/health/detailed"] * 4
    with ThreadPoolExecutor(len(paths)) as pool:
        codes = set(pool.map(lambda path: service.request("GET", path).status_code, paths))
    assert codes <= {200, 503}
    assert service.request("GET", "/health/live").status_code == 200


def _upload(service: Service) -> int:
    return service.request("PUT", "/upload/a.txt", data=b"some text").status_code


def _as_root(*command: str) -> None:
    subprocess.run([*_AS_ROOT, *command], check=True)
