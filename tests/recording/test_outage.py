"""A live service loses its database and its workers under load: every attempt is on record, none twice."""

import threading
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests

from harness.load import Load
from harness.servers import MariaDB, Service
from harness.servers.mariadb import database_name
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN, SEAL_KEY

_ROWS = "SELECT request_id, error_type, `count` FROM audit_log WHERE request_id LIKE 'attempt-%'"
_MISSING = "/download/00000000-0000-4000-8000-000000000000"


class Attempts(Load):
    """Clients that read and are refused, without a pause, and remember how each attempt ended."""

    def __init__(self, service: Service, clients: int = 4) -> None:
        super().__init__(clients)
        self.answers: dict[str, int] = {}
        self.refused = 0
        self.unanswered: set[str] = set()
        self._service = service
        self._numbers = count()
        self._lock = threading.Lock()

    def wait_for(self, more: int) -> None:
        """Return when that many attempts more were answered."""
        target = len(self.answers) + more
        wait_until(lambda: len(self.answers) >= target, 240, f"{more} answers more")

    def client(self, number: int) -> None:
        while self.goes_on:
            number = next(self._numbers)
            nonce = f"attempt-{number:08d}"
            headers = {"X-Request-ID": nonce, "X-Forwarded-For": f"198.51.100.{number % 50}"}
            is_refusal = number % 5 == 0
            if is_refusal:
                headers["Authorization"] = "Bearer short"
            self._attempt(nonce, headers, is_refusal=is_refusal)

    def _attempt(self, nonce: str, headers: dict[str, str], *, is_refusal: bool) -> None:
        try:
            status = self._service.request("GET", _MISSING, headers=headers, timeout=30).status_code
        except requests.RequestException:
            status = 0
        with self._lock:
            if status:
                self.answers[nonce] = status
                self.refused += status == 401
            else:
                self.unanswered.add(nonce)


@pytest.mark.soak
def test_a_database_outage_and_killed_workers_lose_and_repeat_nothing(
    make_mariadb: Callable[[], MariaDB],
    prepared_mariadb: Path,
    service: Callable[..., Service],
    rounds: Callable[[int, int], int],
) -> None:
    server = make_mariadb()
    url = server.create_database(prepared_mariadb)
    live = service(
        {
            "DATABASE_URL": url,
            "ADMIN_TOKEN": ADMIN_TOKEN,
            "AUDIT_SEAL_KEY": SEAL_KEY,
            "TRUSTED_PROXIES": "127.0.0.0/8",
            "RATELIMIT_AUTH": "1000000/minute",
        }
    )
    each = rounds(60, 2000)

    with Attempts(live) as load:
        load.wait_for(each)
        server.kill()
        load.wait_for(each)
        live.kill_worker()
        load.wait_for(each)
        server.start()
        load.wait_for(each)
        live.kill_worker()
        load.wait_for(each)
    live.stop()
    live.cli("maintain", "--once")

    _check(server.execute(_ROWS, database=database_name(url)), load)
    assert {503, 404, 401} <= set(load.answers.values())
    assert "Intact" in live.cli("audit", "verify")
    server.stop()


def _check(rows: list[tuple[Any, ...]], load: Attempts) -> None:
    """Each answered attempt has one row, or is counted by a coalesced event; the unanswered have one at most."""
    single = Counter(row[0] for row in rows if row[1] != "auth_malformed")
    assert max(single.values()) == 1
    assert set(single) <= {nonce for nonce, status in load.answers.items() if status != 401} | load.unanswered
    missing = {nonce for nonce, status in load.answers.items() if status != 401} - set(single)
    assert missing == set()
    refused = sum(row[2] for row in rows if row[1] == "auth_malformed")
    assert load.refused <= refused <= load.refused + len(load.unanswered)
