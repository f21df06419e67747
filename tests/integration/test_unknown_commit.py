"""A MariaDB that is lost around COMMIT: the records agree as soon as it is back, without a restart of the service."""

import os
import signal
from collections.abc import Callable, Iterator

import pytest
import requests

from harness.servers import MariaDB, Relay, Service
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN

AS_ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
COMMIT = b"\x03COMMIT"
_TRANSACTION = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_rows_modified > 0"


@pytest.fixture
def relay(database: MariaDB) -> Iterator[Relay]:
    """A relay in front of that MariaDB."""
    relay = Relay(database.port).start()
    relay.concerns = b"INSERT INTO files"
    yield relay
    relay.stop()


@pytest.fixture
def server(service: Callable[..., Service], database: MariaDB, relay: Relay) -> Service:
    """A service that reaches MariaDB through the relay, and gives it two seconds."""
    url = database.create_database().replace(f":{database.port}/", f":{relay.port}/")
    settings = {"DATABASE_URL": url, "DATABASE_TIMEOUT": "2s", "ADMIN_TOKEN": ADMIN_TOKEN}
    return service({**settings, "MIN_FREE_SPACE": "0"}, workers=1)


def upload(server: Service, number: int = 0) -> requests.Response:
    files = {"file": ("a.txt", b"content of file %d" % number)}
    return server.request("POST", "/upload", files=files, headers={"X-Request-ID": f"upload-{number:04d}"})


def outcomes(server: Service) -> list[tuple[str, str]]:
    answer = server.request("GET", "/api/v1/audit/logs?size=500&action=file:upload", headers=AS_ADMIN)
    return [(row["status"], row["error_type"]) for row in reversed(answer.json().get("logs", []))]


def counted(server: Service, status: str) -> int:
    """Uploads with that status, as `/metrics` has them."""
    start = f'operations_total{{action="file:upload",status="{status}"}} '
    lines = server.request("GET", "/metrics").text.splitlines()
    return sum(round(float(line.removeprefix(start))) for line in lines if line.startswith(start))


def check_records(server: Service, expected: list[tuple[str, str]]) -> None:
    """The log has these uploads, the metrics count as many of each outcome, and everything else agrees too."""
    wait_until(lambda: outcomes(server) == expected, seconds=60, what="the outcomes are on record")
    statuses = [status for status, _ in expected]
    for status in ("success", "failed"):
        wait_until(
            lambda status=status: counted(server, status) == statuses.count(status),  # type: ignore[misc]
            seconds=60,
            what=f"uploads with status {status} are counted",
        )
    told = server.cli("reconcile", "--patience", "60")
    assert "pending" not in told
    assert "a difference of 0 allowed" in told


@pytest.mark.parametrize(
    ("moment", "outcome"), [("cut_before", ("failed", "commit_unknown")), ("cut_after", ("success", ""))]
)
def test_a_connection_cut_at_commit_is_settled(
    server: Service, relay: Relay, moment: str, outcome: tuple[str, str]
) -> None:
    assert upload(server).status_code == 201

    setattr(relay, moment, COMMIT)
    answers = [upload(server, number) for number in (1, 2, 3)]
    setattr(relay, moment, b"")

    assert relay.cuts == 3
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(503, "commit_unknown")}
    assert "audit log" in answers[0].json()["detail"]
    check_records(server, [("success", ""), *[outcome] * 3])


def test_a_database_killed_after_commit_is_settled_when_it_is_back(
    server: Service, database: MariaDB, relay: Relay
) -> None:
    relay.cut_after = COMMIT
    assert upload(server).json()["code"] == "commit_unknown"
    database.kill()
    relay.cut_after = b""
    assert upload(server, 1).json()["code"] == "unavailable"
    database.start()

    check_records(server, [("success", ""), ("failed", "unavailable")])


def test_a_worker_killed_before_it_is_known_leaves_it_to_the_next(
    server: Service, database: MariaDB, relay: Relay
) -> None:
    relay.cut_after = COMMIT
    assert upload(server).json()["code"] == "commit_unknown"
    database.kill()
    relay.cut_after = b""
    os.kill(server.master_pid, signal.SIGHUP)  # the workers end cleanly, which allows no difference
    before = server.worker_pids()
    wait_until(lambda: not set(before) & set(server.worker_pids()), seconds=60, what="another worker serves")
    database.start()

    check_records(server, [("success", "")])


@pytest.mark.slow
def test_a_transaction_that_the_network_took_away_is_settled_within_a_minute(
    server: Service, database: MariaDB, relay: Relay
) -> None:
    relay.lose = COMMIT
    assert upload(server).json()["code"] == "commit_unknown"
    relay.lose = b""
    [(open_transactions,)] = database.execute(_TRANSACTION)
    assert open_transactions >= 1  # the lost one, and perhaps a job that waits for its locks

    check_records(server, [("failed", "commit_unknown")])
