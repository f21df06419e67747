"""A service whose uploads a test repeats under keys, the shipped nginx before it, and its database."""

import os
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import create_engine, text

from harness.servers import Front, MariaDB, Relay, Service
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN

AS_ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
SETTINGS = {
    "ADMIN_TOKEN": ADMIN_TOKEN,
    "TRUSTED_PROXIES": "127.0.0.0/8",
    "X_ACCEL": "true",
    "SYNC_WORKERS": "2",
    "DATABASE_TIMEOUT": "2s",
    "MIN_FREE_SPACE": "0",
    "LOG_LEVEL": "WARNING",
}


@dataclass
class Place:
    """A service, the shipped nginx before it, and its database, which a relay may stand before."""

    service: Service
    front: Front
    database_url: str
    database: MariaDB | None = None
    relay: Relay | None = None

    def upload(self, key: str, *, through_nginx: bool = False) -> requests.Response:
        """Upload a file whose name and bytes are those of the key."""
        url = self.front.url if through_nginx else self.service.url
        headers = {**AS_ADMIN, "Idempotency-Key": f'"{key}"'}
        with requests.Session() as session:
            session.trust_env = False
            return session.put(f"{url}/upload/{key}", data=key.encode(), headers=headers, timeout=60)

    def repeat(self, key: str, *, through_nginx: bool = False) -> requests.Response:
        """Upload until there is an answer that is final."""

        def attempt() -> requests.Response | None:
            with suppress(requests.RequestException):
                answer = self.upload(key, through_nginx=through_nginx)
                if answer.status_code == 409:
                    assert answer.json()["code"] == "idempotency_key_in_use"
                    assert int(answer.headers["Retry-After"]) > 0
                elif answer.status_code < 500:
                    return answer
            return None

        answer = wait_until(attempt, seconds=90, what="the upload is answered")
        assert answer is not None
        return answer

    def begin(self, key: str) -> socket.socket:
        """The first half of an upload, on a connection that stays open; returns once the service holds the key."""
        client = self.service.connect()
        head = (
            f"PUT /upload/{key} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {AS_ADMIN['Authorization']}\r\n"
        )
        head += f"Idempotency-Key: {key}\r\nContent-Length: {len(key)}\r\n\r\n"
        client.sendall(head.encode() + key[: len(key) // 2].encode())
        held = (
            f"SELECT COUNT(*) FROM idempotency_keys WHERE key_digest = '{sha256(key.encode()).hexdigest()}'"
        )
        wait_until(lambda: self.rows(held)[0][0], what="the key is held")
        assert self.upload(key).json()["code"] == "idempotency_key_in_use"
        return client

    def files_of(self, keys: set[str]) -> dict[str, int]:
        """How many files each key has."""
        rows = self.rows("SELECT filename, COUNT(*) FROM files GROUP BY filename")
        return {name: count for name, count in rows if name in keys}

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What the database has."""
        engine = create_engine(self.database_url)
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(text(statement))]
        finally:
            engine.dispose()

    def kill_everybody(self) -> None:
        """SIGKILL for all workers, which the master then replaces."""
        for pid in self.service.worker_pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def check(self, *keys: str) -> None:
        """Each key has one file."""
        assert self.files_of(set(keys)) == dict.fromkeys(keys, 1)

    def reconcile(self) -> None:
        """The records agree after all that happened. Workers that end close the refusals that they count together."""
        before = self.service.worker_pids()
        self.service.reload()
        wait_until(
            lambda: not set(before) & set(self.service.worker_pids()), seconds=60, what="other workers serve"
        )
        self.service.cli("reconcile", "--patience", "60")


def start(folder: Path, database_url: str) -> tuple[Service, Front]:
    """A running service on a database, and nginx before it."""
    service = Service(folder / "service", {**SETTINGS, "DATABASE_URL": database_url}).start()
    front = Front(folder / "front")
    front.ship(service.environment())
    front.start()
    return service, front
