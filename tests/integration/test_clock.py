"""The wall clock set back, forward and to and fro under a live service: everything stays on record, and agrees."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from harness.servers import Service
from harness.waiting import wait_until
from harness.wall_clock import WallClock
from tests.conftest import ADMIN_TOKEN, SEAL_KEY

AS_ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
HOUR = 3600
_REFUSED = 30
_LEFT_SECONDS = 8
"""What is left of the clock's minute after each jump: time for `act`, and then what was counted is soon on record."""


@pytest.fixture
def wall_clock(tmp_path: Path) -> WallClock:
    """The clock of the service; it begins with the right time."""
    return WallClock(tmp_path / "clock")


@pytest.fixture
def server(service: Callable[..., Service], database_url: str, wall_clock: WallClock) -> Service:
    """A service on either database that follows that clock."""
    settings = {
        "DATABASE_URL": database_url,
        "ADMIN_TOKEN": ADMIN_TOKEN,
        "AUDIT_SEAL_KEY": SEAL_KEY,
        "MIN_FREE_SPACE": "0",
        "RATELIMIT_UPLOAD": "5/minute",
        "AUTOBLOCK_LIMITS": "off",  # who waits here asks many times
        "TRUSTED_PROXIES": "127.0.0.0/8",
    }
    return service({**settings, **wall_clock.environment})


def upload(server: Service, client: int, **options: Any) -> requests.Response:
    headers = {"X-Forwarded-For": f"198.51.100.{client}"}
    return server.request("PUT", "/upload/a.txt", data=b"content", headers=headers, **options)


def act(server: Service, client: int) -> None:
    """An upload, a download, and refusals enough to be counted together."""
    file = upload(server, client).json()
    assert server.request("GET", file["download_url"]).content == b"content"
    for _ in range(_REFUSED):
        wrong = {"Authorization": "Bearer short", "X-Forwarded-For": f"198.51.100.{client}"}
        assert server.request("GET", "/files", headers=wrong).status_code in (401, 403, 429)


def recorded(server: Service, client: int) -> int:
    """The operations of a client that the log counts, of whatever time."""
    query = f"/api/v1/audit/logs?size=500&ip_address=198.51.100.{client}"
    logs = server.request("GET", query, headers=AS_ADMIN).json()["logs"]
    return sum(row["count"] for row in logs if row["action"] in ("file:list", "file:upload"))


def check_ledgers(server: Service, clients: int) -> None:
    """Everything is on record within two minutes, the records agree, and the log is intact."""
    for client in range(clients):
        wait_until(
            lambda client=client: recorded(server, client) == 1 + _REFUSED,  # type: ignore[misc]
            seconds=120,
            what=f"all of client {client} is on record",
        )
    assert "DIFFER" not in server.cli("reconcile", "--patience", "90")
    assert "Intact" in server.cli("audit", "verify")


@pytest.mark.slow
@pytest.mark.parametrize("jumps", [(-HOUR,), (-HOUR, HOUR, -24 * HOUR, HOUR)], ids=["back", "to and fro"])
def test_a_clock_that_is_set_leaves_every_ledger_right(
    server: Service, wall_clock: WallClock, jumps: tuple[int, ...]
) -> None:
    act(server, 0)
    for client, jump in enumerate(jumps, start=1):
        wall_clock.set_near_minutes_end(jump, _LEFT_SECONDS)
        act(server, client)

    check_ledgers(server, 1 + len(jumps))


@pytest.mark.slow
def test_a_service_that_starts_anew_counts_anew_though_the_clock_was_set_back(
    server: Service, wall_clock: WallClock
) -> None:
    act(server, 0)
    wall_clock.set(-HOUR)
    act(server, 1)
    server.stop()
    wall_clock.set(-2 * HOUR)
    server.start()
    wall_clock.set_near_minutes_end(-2 * HOUR, _LEFT_SECONDS)
    act(server, 2)

    check_ledgers(server, 3)


def test_a_client_beyond_its_limit_waits_no_longer_for_a_clock_set_back(
    server: Service, wall_clock: WallClock
) -> None:
    wait_until(lambda: upload(server, 7).status_code == 429, what="the limit is reached")

    wall_clock.set(-HOUR)

    wait_until(lambda: upload(server, 7).status_code == 201, seconds=90, what="the client is let in again")
    answers = [upload(server, 8) for _ in range(20)]
    waits = {int(answer.headers["Retry-After"]) for answer in answers if answer.status_code == 429}
    assert waits
    assert max(waits) <= 60


def test_what_people_see_follows_the_clock_and_what_lasts_does_not(
    server: Service, wall_clock: WallClock
) -> None:
    kept = upload(server, 1, params={"expires_in": "2h"}).json()
    block = {"network": "203.0.113.9", "reason": "test", "expires_in": 2 * HOUR}
    created = server.request("POST", "/api/v1/access/blocks", json=block, headers=AS_ADMIN)

    def refusal() -> str:
        answer = server.request("GET", "/files", headers={"X-Forwarded-For": "203.0.113.9"})
        return str(answer.json().get("code", ""))

    # Every worker has learned of it.
    wait_until(lambda: {refusal() for _ in range(50)} == {"blocked"}, 60, "the block holds")
    for ahead in (HOUR, -HOUR):
        wall_clock.set(ahead)
        assert server.request("GET", kept["download_url"]).status_code == 200
        assert (created.status_code, refusal()) == (201, "blocked")
        health = server.request("GET", "/health").json()
        assert health["uptime"].startswith("0h")
    wall_clock.set(3 * HOUR)

    assert server.request("GET", kept["download_url"]).status_code in (404, 410)
    wait_until(
        lambda: refusal() != "blocked",
        what="the block has ended",
    )
