"""Workers killed at random under load: nothing acknowledged is lost, nothing deleted returns, every attempt ends."""

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from harness.servers import Service
from harness.waiting import wait_until
from tests.integration.ledger import Ledger, Uploads, check_promises

_REFERENCES = """
SELECT b.path, COUNT(*) AS refs FROM files f JOIN blobs b ON b.id = f.blob_id WHERE f.state = 'live' GROUP BY b.path
"""


@pytest.fixture
def crashed(
    service: Callable[..., Service], database_url: str, rounds: Callable[[int, int], int]
) -> tuple[Service, Ledger]:
    """A service that lost workers under load, and has had a restart and a sweep since."""
    server, ledger = service({"DATABASE_URL": database_url, "MIN_FREE_SPACE": "0"}), Ledger()
    with Uploads(server, ledger):
        for killed in range(1, rounds(10, 250) + 1):
            wait_until(lambda: len(server.worker_pids()) == 2, what="both workers run")
            wait_until(partial(_went_on, ledger, killed * 4), what="the load goes on")
            server.kill_worker()
        wait_until(lambda: len(ledger.contents) > 10, what="there are files to look for")
    server.stop()
    server.start()
    for _ in range(3):
        server.cli("maintain", "--once")
    return server, ledger


def _went_on(ledger: Ledger, attempts: int) -> bool:
    return ledger.attempts > attempts


def rows(database_url: str, statement: str) -> list[Any]:
    engine = create_engine(database_url)
    try:
        with engine.connect() as connection:
            return list(connection.execute(text(statement)))
    finally:
        engine.dispose()


@pytest.mark.slow
def test_what_was_acknowledged_holds_after_kills(crashed: tuple[Service, Ledger], database_url: str) -> None:
    server, ledger = crashed

    check_promises(server, ledger)
    _check_store(server.data_dir / "storage", database_url)
    _check_audit(server, ledger, database_url)


def _check_store(storage: Path, database_url: str) -> None:
    """No blob without a row, no row without its blob, right reference counts, no stale stage."""
    on_disk = {
        str(path.relative_to(storage / "blobs")) for path in (storage / "blobs").rglob("*") if path.is_file()
    }
    in_rows = {row.path: row.refs for row in rows(database_url, "SELECT path, refs FROM blobs")}
    assert on_disk == set(in_rows)
    assert in_rows == {row.path: row.refs for row in rows(database_url, _REFERENCES)}
    wait_until(
        lambda: not list((storage / "staging").iterdir()),
        what="no stage is left but a passing health check's",
    )


def _check_audit(server: Service, ledger: Ledger, database_url: str) -> None:
    """One terminal row for each attempt that reached a worker, and success for each that was acknowledged."""
    found = rows(
        database_url, "SELECT event_id, action, status, error_type, resource_id, count FROM audit_log"
    )
    assert len({row.event_id for row in found}) == len(found)
    uploads = [row for row in found if row.action == "file:upload"]
    succeeded = {row.resource_id for row in uploads if row.status == "success"}
    assert set(ledger.contents) | ledger.deleted | ledger.unknown <= succeeded
    deleted = {row.resource_id for row in found if row.action == "file:delete" and row.status == "success"}
    assert ledger.deleted <= deleted <= ledger.deleted | ledger.unknown
    assert {row.error_type for row in uploads if row.status != "success"} <= {
        "aborted",
        "network_error",
        "commit_unknown",
    }
    # What refuses many equal requests counts them on one event, which stays open for its minute.
    wait_until(lambda: not _opened(server.data_dir / "journal"), 120, "every operation and fold has ended")


def _opened(journal: Path) -> Counter[str]:
    """Operations that the journal still calls open."""
    still_open: Counter[str] = Counter()
    for path in journal.glob("slot-*/*.jsonl"):
        for raw in path.read_bytes().splitlines():
            line: dict[str, Any] = json.loads(raw) if raw.endswith(b"}") else {"k": "torn"}
            if line["k"] == "o":
                still_open[line["e"]["event_id"]] += 1
            elif line["k"] in ("c", "f"):
                still_open.pop(line["i"], None)
            elif line["k"] == "x":
                still_open.pop(line["e"]["event_id"], None)
    return still_open
