"""Each dependency stopped, hung, slow and back again under the live service: health tells, and the service goes on."""

import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from harness.servers import Clamd, MariaDB, Redis, Relay, Service
from harness.servers.base import Server
from harness.waiting import wait_until

_AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]
_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class World:
    """A service, everything it depends on, and the relays that it reaches them through."""

    service: Service
    servers: dict[str, Server]
    relays: dict[str, Relay]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, make_mariadb: Callable[[], MariaDB]) -> Iterator[World]:
    """One worker with few threads, so that a single one that is used up would show."""
    folder = tmp_path_factory.mktemp("dependencies")
    mariadb, redis, clamd = make_mariadb(), Redis(folder / "redis"), Clamd(folder / "clamd")
    servers: dict[str, Server] = {"database": mariadb, "redis": redis, "virus_scan_service": clamd}
    relays = {name: Relay(server.port).start() for name, server in servers.items()}
    settings = {
        "DATABASE_URL": mariadb.create_database().replace(
            f":{mariadb.port}/", f":{relays['database'].port}/"
        ),
        "DATABASE_TIMEOUT": "2s",
        "REDIS_URL": redis.url.replace(str(redis.port), str(relays["redis"].port)),
        "SCAN_POLICY": "optional",
        "CLAMD_ADDRESS": f"127.0.0.1:{relays['virus_scan_service'].port}",
        "SCAN_TIMEOUT": "2s",
        "THREADS": "4",
        "MIN_FREE_SPACE": "0",
    }
    service = Service(folder / "service", settings, workers=1)
    try:
        redis.start()
        clamd.start()
        yield World(service.start(), servers, relays)
    finally:
        for server in (service, redis, clamd):
            server.kill()
        for relay in relays.values():
            relay.stop()


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [("database", "unhealthy", 503), ("redis", "degraded", 200), ("virus_scan_service", "degraded", 200)],
)
def test_a_dependency_that_hangs_stops_or_crawls_is_told_and_recovers_by_itself(
    world: World, name: str, status: str, code: int
) -> None:
    server, relay = world.servers[name], world.relays[name]
    _await_status(world.service, name, "healthy", 200)

    for break_it, mend_it in (
        (server.pause, server.resume),
        (server.kill, server.start),
        (partial(setattr, relay, "delay_seconds", 4.0), partial(setattr, relay, "delay_seconds", 0.0)),
    ):
        break_it()
        _await_status(world.service, name, status, code)
        _every_thread_answers(world.service)
        ready = world.service.request("GET", "/health/ready").status_code
        mend_it()
        _await_status(world.service, name, "healthy", 200)

        assert ready == code
        wait_until(lambda: _upload(world.service) == 201, _PATIENCE_SECONDS, "uploads work again")


@pytest.mark.parametrize("name", ["database", "redis", "virus_scan_service"])
def test_a_dependency_that_is_slow_but_works_is_healthy_and_its_time_is_told(world: World, name: str) -> None:
    relay = world.relays[name]
    relay.delay_seconds = 0.05

    def told() -> bool:
        found = world.service.request("GET", "/health").json()["services"][name]
        return found["status"] == "healthy" and float(found["response_time"].removesuffix("s")) >= 0.1

    try:
        wait_until(told, _PATIENCE_SECONDS, f"{name} takes its time")
    finally:
        relay.delay_seconds = 0.0


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
    """More requests at once than there are threads, each within two seconds; then what depends on nothing."""
    paths = ["/health", "/health/ready", "/health/detailed"] * 2
    with ThreadPoolExecutor(len(paths)) as pool:
        codes = set(pool.map(lambda path: service.request("GET", path).status_code, paths))
    assert codes <= {200, 503}
    wait_until(lambda: _seconds_of_health(service) <= 2, _PATIENCE_SECONDS, "health answers within 2 s")
    assert service.request("GET", "/health/live").status_code == 200


def _seconds_of_health(service: Service) -> float:
    return service.request("GET", "/health").elapsed.total_seconds()


def _upload(service: Service) -> int:
    return service.request("PUT", "/upload/a.txt", data=b"some text").status_code


def _as_root(*command: str) -> None:
    subprocess.run([*_AS_ROOT, *command], check=True)
