"""The database away or hung: clear answers in time, nothing lost, recovery by itself."""

import time
from collections.abc import Callable

import pytest

from harness.servers import MariaDB, Service
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN

AS_ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.fixture
def server(service: Callable[..., Service], database: MariaDB) -> Service:
    """A service on that MariaDB, which it gives two seconds."""
    url = database.create_database()
    return service({"DATABASE_URL": url, "DATABASE_TIMEOUT": "2s", "ADMIN_TOKEN": ADMIN_TOKEN})


def upload(server: Service) -> int:
    return server.request("POST", "/upload", files={"file": ("a.txt", b"content")}).status_code


def outcomes(server: Service, action: str) -> list[tuple[str, str]]:
    answer = server.request("GET", f"/api/v1/audit/logs?size=500&action={action}", headers=AS_ADMIN)
    return [(row["status"], row["error_type"]) for row in reversed(answer.json().get("logs", []))]


def refused(server: Service) -> None:
    """Whatever needs the database is answered 503 with advice when to come back, within ten seconds each."""
    for method, path in (("POST", "/upload"), ("GET", "/download/any"), ("GET", "/api/v1/metrics/detailed")):
        files = {"file": ("a.txt", b"content")} if method == "POST" else None
        started = time.monotonic()
        answer = server.request(method, path, files=files)
        assert time.monotonic() - started < 10
        assert answer.status_code == 503
        assert answer.json()["code"] == "unavailable"
        assert int(answer.headers["Retry-After"]) > 0
    assert server.request("GET", "/health/live").status_code == 200
    wait_until(
        lambda: server.request("GET", "/health/ready").status_code == 503,
        what="readiness follows",
    )


def test_a_killed_database_is_answered_and_survived(server: Service, database: MariaDB) -> None:
    assert upload(server) == 201
    workers = server.worker_pids()

    database.kill()
    refused(server)
    database.start()
    wait_until(lambda: upload(server) == 201, what="uploads work again")

    assert server.worker_pids() == workers
    expected = [("success", ""), ("failed", "unavailable"), ("success", "")]
    wait_until(
        lambda: outcomes(server, "file:upload")[:3] == expected, what="the attempts are on record, once each"
    )
    assert ("failed", "unavailable") in outcomes(server, "file:download")
    statistics = server.request("GET", "/api/v1/upload/statistics/127.0.0.1").json()
    uploads = outcomes(server, "file:upload")
    assert statistics["error_breakdown"] == {"unavailable": uploads.count(("failed", "unavailable"))}
    assert statistics["successful_uploads"] == uploads.count(("success", ""))


def test_a_hung_database_is_answered_and_survived(server: Service, database: MariaDB) -> None:
    assert upload(server) == 201

    database.pause()
    refused(server)
    database.resume()

    wait_until(lambda: upload(server) == 201, what="uploads work again")
    wait_until(lambda: server.request("GET", "/health/ready").status_code == 200, what="it is ready again")
