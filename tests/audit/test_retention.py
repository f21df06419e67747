"""Retention removes whole old blocks, on record, and what remains still verifies."""

import hmac
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from filewallball import errors
from filewallball.audit.grants import grants
from filewallball.clock import now_us
from filewallball.recording.caller import Caller
from filewallball.recording.event import Event
from harness.parts import Parts
from harness.servers import MariaDB
from harness.servers.mariadb import database_name
from tests.fixtures.audit_log import alter, rows_of

Record = Callable[..., list[Event]]
CALLER = Caller(username="system", role="admin")
DAY = 86_400_000_000
_REASONS = "SELECT JSON_VALUE(details, '$.reason') AS details FROM audit_log WHERE action = 'audit:prune'"


def test_whole_old_blocks_go_and_the_rest_verifies(parts: Parts, record: Record) -> None:
    now = now_us()
    for age in (500, 400, 366, 364, 1):
        record(3, timestamp_us=now - age * DAY)
        parts.sealer.run()

    assert parts.retention.prune_expired(CALLER) == 9
    assert parts.retention.prune_expired(CALLER) == 0

    parts.sealer.run()
    report = parts.verification.verifier().verify()
    assert report.findings == []
    assert (report.first_block, report.blocks) == (4, 3)
    (pruned,) = rows_of(parts, "SELECT status, details FROM audit_log WHERE action = 'audit:prune'")
    assert pruned.status == "success"
    assert '"last_block":3' in pruned.details


def test_totals_forget_what_was_pruned(parts: Parts, record: Record, admin: FlaskClient) -> None:
    record(30, timestamp_us=now_us() - 400 * DAY)
    parts.sealer.run()
    record(5)
    parts.sealer.run()

    parts.retention.prune_expired(CALLER)

    answer = admin.get("/api/v1/audit/logs", query_string={"action": "file:download"}).json
    assert answer is not None
    assert (answer["total"], len(answer["logs"])) == (5, 5)


def test_a_block_with_one_young_row_stays_whole(parts: Parts, record: Record) -> None:
    record(3, timestamp_us=now_us() - 400 * DAY)
    record(1)
    parts.sealer.run()

    assert parts.retention.prune_expired(CALLER) == 0


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE audit_blocks SET stub = '' WHERE number = 2",
        "UPDATE audit_blocks SET pruned_us = 1 WHERE number = 2",
        "UPDATE audit_blocks SET seal = 'x' WHERE number = 2",
        "DELETE FROM audit_blocks WHERE number = 2",
        "UPDATE audit_chain SET pruned = 3",
        "UPDATE audit_blocks SET last_us = 9000000000000000 WHERE number = 2",  # nothing to reconcile before it
        "UPDATE audit_blocks SET row_count = 0 WHERE number = 2",
    ],
)
def test_a_forged_stub_is_found(parts: Parts, record: Record, forgery: str) -> None:
    for _ in range(4):
        record(2, timestamp_us=now_us() - (400 if _ < 2 else 1) * DAY)
        parts.sealer.run()
    parts.retention.prune_expired(CALLER)

    alter(parts, forgery)

    report = parts.verification.verifier().verify()
    assert not report.is_intact
    assert "stub" in report.findings[0].problem


def test_a_stub_of_an_earlier_release_is_still_one(parts: Parts, record: Record) -> None:
    record(2, timestamp_us=now_us() - 400 * DAY)
    parts.sealer.run()
    parts.retention.prune_expired(CALLER)
    ((number, seal, pruned_us),) = rows_of(parts, "SELECT number, seal, pruned_us FROM audit_blocks")
    key = parts.settings.audit_seal_key.encode()
    mac = hmac.digest(key, f"stub;{number};{seal};{pruned_us}".encode(), "sha256").hex()

    alter(parts, f"UPDATE audit_blocks SET stub = '{mac}'")

    assert parts.verification.verifier().verify().findings == []


def test_a_tampered_block_is_not_pruned_away(parts: Parts, record: Record) -> None:
    record(3, timestamp_us=now_us() - 400 * DAY)
    parts.sealer.run()
    alter(parts, "UPDATE audit_log SET username = 'mallory' WHERE id = 2")

    with pytest.raises(errors.AuditBroken):
        parts.retention.prune(CALLER, now_us())

    assert rows_of(parts, "SELECT COUNT(*) FROM audit_log WHERE block_id = 1") == [(3,)]


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
def test_an_account_that_may_only_add_runs_the_service(
    database_url: str, mariadb: MariaDB, set_config: Callable[..., Flask]
) -> None:
    name = database_name(database_url)
    set_config()  # imports every model
    mariadb.execute(
        "CREATE OR REPLACE USER adds_only@127.0.0.1 IDENTIFIED BY 'private'",
        *(statement.rstrip(";") for statement in grants(name, "adds_only@127.0.0.1")),
    )
    app = set_config(DATABASE_URL=database_url.replace("filewallball:", "adds_only:"), AUDIT_RETENTION="1ms")
    parts, client = Parts(app), app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = "Bearer fwb_the-first-administrator-of-the-tests"

    uploaded = client.put("/upload/a.txt", data=b"content").json
    assert uploaded is not None
    assert client.get(uploaded["download_url"]).status_code == 200
    assert client.delete(f"/files/{uploaded['file_id']}").status_code == 204
    assert client.get("/api/v1/audit/logs").status_code == 200
    parts.shipper.ship()
    assert parts.sealer.run() > 3
    assert parts.verification.verifier().verify().is_intact

    for statement in (
        "UPDATE audit_log SET username = 'mallory'",
        "DELETE FROM audit_log",
        "UPDATE audit_blocks SET seal = ''",
        "UPDATE audit_chain SET pruned = 1",
    ):
        with pytest.raises(OperationalError, match="denied"), parts.database.begin() as connection:
            connection.execute(text(statement))
    alter(parts, "UPDATE audit_log SET block_id = block_id")
    assert parts.retention.prune_expired(CALLER) == 0
    with pytest.raises(errors.Unavailable, match="account may not prune"):
        parts.retention.prune(CALLER, now_us())
    parts.shipper.ship()
    (told,) = {row.details for row in rows_of(parts, _REASONS)}
    assert told == "not granted"
