"""Planted secrets are found in no sink: log, audit, metric, answer, process list, journal, database or export."""

import base64
import subprocess
import urllib.parse
from pathlib import Path

import pytest
import requests

from harness.servers import MariaDB, Redis, Service
from harness.waiting import wait_until

CANARY = "Canary9x7QzKpLw3"
ADMIN = f"fwb_admin-{CANARY}-token"
SEAL_KEY = f"seal-key-{CANARY}-of-at-least-32-characters"
WRONG = f"fwb_wrong-{CANARY}-token"
_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def machine(tmp_path: Path, redis_server: Redis, mariadb: MariaDB) -> Service:
    """A service on MariaDB and Redis whose every credential holds the canary."""
    with redis_server.client() as redis:
        redis.config_set("requirepass", f"redis-{CANARY}")
    url = urllib.parse.urlsplit(mariadb.create_database())
    user, password = f"canary_{redis_server.port}", f"db-{CANARY}"
    mariadb.execute(
        f"CREATE USER {user}@'127.0.0.1' IDENTIFIED BY '{password}'",
        f"GRANT ALL ON *.* TO {user}@'127.0.0.1'",
    )
    return Service(
        tmp_path / "service",
        {
            "ADMIN_TOKEN": ADMIN,
            "AUDIT_SEAL_KEY": SEAL_KEY,
            "DATABASE_URL": url._replace(netloc=f"{user}:{password}@127.0.0.1:{mariadb.port}").geturl(),
            "REDIS_URL": f"redis://:redis-{CANARY}@127.0.0.1:{redis_server.port}/0",
            "RATELIMIT_API": "1000/hour",
            "LOG_LEVEL": "DEBUG",
        },
    )


def forms(secret: str) -> list[bytes]:
    """The secret as it would look raw, quoted, in hexadecimal and in base64 at any offset."""
    raw = secret.encode()
    encoded = [base64.b64encode(b"\0" * pad + raw)[4:-4] for pad in range(3)]
    return [raw, urllib.parse.quote(secret).encode(), raw.hex().encode(), *encoded]


def test_planted_secrets_reach_no_sink(machine: Service, redis_server: Redis) -> None:
    machine.start()
    try:
        answers = provoke(machine)
        redis_server.kill()
        answers += provoke(machine)
        answers.append(machine.request("GET", "/api/v1/audit/export", headers=bearer(ADMIN)))
        answers.append(machine.request("GET", "/api/v1/audit/logs?size=500", headers=bearer(ADMIN)))
        answers.append(machine.request("GET", "/metrics"))
        answers.append(machine.request("GET", "/health/detailed"))
        processes = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True).stdout
        wait_until(lambda: "processed" in logged(machine), 60, "requests are in the log")
    finally:
        machine.stop()

    sinks = {f"answer to {answer.url}": answer.content for answer in answers if CANARY not in answer.url}
    sinks |= {"process list": processes, "output": machine.log_text().encode()}
    sinks |= {
        str(path): path.read_bytes()
        for path in machine.data_dir.rglob("*")
        if path.is_file() and path.name not in ("audit-key", "admin-token", "ballast")
    }
    found = [(name, form) for name, data in sinks.items() for form in forms(CANARY) if form in data]

    assert found == []


def provoke(machine: Service) -> list[requests.Response]:
    """Requests that carry secrets in every place where a client may put them, right and wrong."""
    return [
        machine.request("GET", "/api/v1/access/me", headers=bearer(ADMIN)),
        machine.request("GET", "/api/v1/access/tokens", headers=bearer(ADMIN)),
        machine.request("GET", "/files", headers=bearer(WRONG)),
        machine.request("GET", "/files", headers={"Authorization": f"Basic {CANARY}"}),
        machine.request("GET", f"/files?token={WRONG}"),
        machine.request("GET", f"/files?access_token={WRONG}"),
        machine.request("DELETE", "/files/unknown", headers={"X-Delete-Token": WRONG}),
        machine.request("PUT", "/upload/a.txt", data=b"words", headers=bearer(ADMIN)),
        machine.request("GET", "/files", headers={"Cookie": f"session={CANARY}"}),
        machine.request("GET", "/files", auth=("user", CANARY)),
        machine.request("GET", f"/download/{WRONG}"),
        machine.request("GET", f"/nowhere/{WRONG}/{urllib.parse.quote(WRONG).replace('_', '%5F')}"),
        machine.request("DELETE", f"/files/{WRONG}", headers={"User-Agent": ADMIN}),
        machine.request("GET", f"/files?sort={WRONG}"),
        machine.request("GET", "/files", headers={"User-Agent": f"curl -H 'Authorization: Bearer {WRONG}'"}),
        machine.request("GET", "/files", headers={"User-Agent": f"agent/{ADMIN}"}),
        machine.request(
            "GET", "/files", headers={"traceparent": _PARENT, "tracestate": f"a={WRONG},b={ADMIN}"}
        ),
    ]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def logged(machine: Service) -> str:
    return "".join(path.read_text() for path in (machine.data_dir / "logs").glob("*.log*"))
