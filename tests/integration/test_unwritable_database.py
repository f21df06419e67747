"""A live service whose database keeps no changes: told by health, readiness and metrics, and gone by itself."""

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.servers import MariaDB, Service
from harness.waiting import wait_until

_REFUSALS = 30


@dataclass(frozen=True)
class Case:
    """A service, and what makes its database refuse changes and take them again."""

    server: Service
    refuse: Callable[[], object]
    allow: Callable[[], object]
    status: int
    problem: str


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system for the database alone."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def full_sqlite(service: Callable[..., Service], disk: Path) -> Case:
    """SQLite on a file system that somebody else fills."""
    settings = {"DATABASE_URL": f"sqlite:///{disk / 'filewallball.db'}", "MIN_FREE_SPACE": "0"}
    filler = disk / "filler"

    def fill() -> None:
        subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4096"], check=False, capture_output=True)

    return Case(service(settings), fill, filler.unlink, 507, "no space left")


@pytest.fixture
def read_only_mariadb(service: Callable[..., Service], database: MariaDB) -> Case:
    """A MariaDB that its administrator makes read-only."""
    return Case(
        service({"DATABASE_URL": database.create_database(), "MIN_FREE_SPACE": "0"}),
        lambda: database.execute("SET GLOBAL read_only = 1"),
        lambda: database.execute("SET GLOBAL read_only = 0"),
        503,
        "read-only",
    )


@pytest.fixture(params=["full_sqlite", "read_only_mariadb"])
def case(request: pytest.FixtureRequest) -> Case:
    """Each of them."""
    found: Case = request.getfixturevalue(request.param)
    return found


def upload(server: Service, number: int) -> int:
    return server.request("PUT", f"/upload/{number}.txt", data=b"content %d" % number).status_code


def readiness(server: Service) -> tuple[int, str]:
    answer = server.request("GET", "/health/ready")
    return answer.status_code, answer.json().get("errors", {}).get("database", "")


def unreadiness(server: Service) -> tuple[int, str]:
    """As `readiness`, once a worker says no: one that was refused nothing for 15 seconds says yes for a moment."""

    def told() -> tuple[int, str] | None:
        found = readiness(server)
        return found if found[0] == 503 else None

    return wait_until(told, what="a worker says so") or (0, "")


def is_unready_everywhere(server: Service) -> bool:
    """True if many requests at once, of which each worker gets some, find it unready."""
    with ThreadPoolExecutor(20) as clients:
        return all(status == 503 for status, _ in clients.map(lambda _: readiness(server), range(60)))


def test_a_database_that_keeps_no_changes_is_told_while_files_are_still_served(case: Case) -> None:
    server = case.server
    kept = server.request("PUT", "/upload/kept.txt", data=b"kept").json()
    wait_until(lambda: readiness(server) == (200, ""), what="it is ready")

    case.refuse()
    wait_until(lambda: upload(server, 0) == case.status, seconds=60, what="changes are refused")
    wait_until(lambda: is_unready_everywhere(server), seconds=60, what="readiness of every worker follows")
    told = [(upload(server, number), *unreadiness(server)) for number in range(_REFUSALS)]
    detailed = server.request("GET", "/health/detailed").json()["checks"]["database_connection"]
    metrics = server.request("GET", "/metrics").text.splitlines()
    read = server.request("GET", kept["download_url"])
    case.allow()

    assert {(status, ready) for status, ready, _ in told} == {(case.status, 503)}
    assert all(case.problem in problem and "still served" in problem for _, _, problem in told)
    assert (detailed["status"], case.problem in detailed["error"]) == ("unhealthy", True)
    assert "database_writable 0.0" in metrics
    assert (read.status_code, read.content) == (200, b"kept")
    wait_until(lambda: readiness(server) == (200, ""), seconds=60, what="it is ready without a request")
    assert upload(server, 1) == 201
    wait_until(
        lambda: "database_writable 1.0" in server.request("GET", "/metrics").text.splitlines(),
        what="the metrics follow",
    )


def test_an_idle_service_notices_a_read_only_database(read_only_mariadb: Case) -> None:
    wait_until(lambda: readiness(read_only_mariadb.server) == (200, ""), what="it is ready")

    read_only_mariadb.refuse()

    wait_until(lambda: readiness(read_only_mariadb.server)[0] == 503, seconds=60, what="readiness follows")
    read_only_mariadb.allow()
