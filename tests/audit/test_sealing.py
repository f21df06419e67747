"""A digest that cannot seal says so aloud, and nothing that a forger leaves unsealed stops it or passes."""

import logging
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from filewallball import errors
from filewallball.audit.digest import REFUSED
from filewallball.audit.edges import PASSES
from filewallball.audit.retention import prune
from filewallball.audit.stall import Stall
from filewallball.audit.totals import wrong_hours
from filewallball.audit.verdict import Verdict
from filewallball.audit.verification import verifier
from filewallball.clock import now_us
from filewallball.event import Event
from filewallball.operations import Caller
from filewallball.runtime import Runtime
from tests.audit.conftest import alter, rewrite_schema, rows_of, seal_blocks

Record = Callable[..., list[Event]]
_IGNORED = {
    True: "CREATE TRIGGER t BEFORE {} ON {} BEGIN SELECT RAISE(IGNORE); END",
    False: "CREATE TRIGGER t BEFORE {} ON {} FOR EACH ROW SET NEW.{column} = {old}",
}
WRITES = {
    "rows": ("UPDATE", "audit_log", "block_id", "OLD.block_id"),
    "rows, into another block": ("UPDATE", "audit_log", "block_id", "-5"),
    "the head": ("UPDATE", "audit_chain", "number", "OLD.number"),
    "the seal of the head": ("UPDATE", "audit_chain", "seal", "OLD.seal"),
    "records": ("INSERT", "audit_blocks", "last_us", "7"),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_database_that_ignores_what_sealing_writes_is_found_at_once(
    parts: Runtime, record: Record, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    event, table, column, old = WRITES[name]
    seal_blocks(parts, record, 2)
    alter(parts, _IGNORED[parts.database.is_sqlite].format(event, table, column=column, old=old))
    record(3)

    with caplog.at_level(logging.ERROR, "filewallball.audit"):
        for _ in range(2):
            with pytest.raises(errors.AuditBroken, match="does not keep"):
                parts.digest.run()

    assert _errors(caplog) == ["The audit log cannot be sealed"]
    assert "does not keep" in parts.digest.stall.probe()["problem"]
    assert "trigger t" in verifier(parts).verify().findings[0].problem
    alter(parts, "DROP TRIGGER t")
    assert parts.digest.run() == 3
    assert parts.digest.stall.probe()["problem"] == ""
    assert verifier(parts).verify().findings == []


def test_rows_that_cannot_be_refused_do_not_hold_up_the_others_in_silence(
    parts: Runtime, record: Record
) -> None:
    seal_blocks(parts, record, 1)
    record(3)
    alter(parts, "UPDATE audit_log SET mac = '' WHERE id = 6")
    ignored = "SELECT RAISE(IGNORE); END" if parts.database.is_sqlite else "SET NEW.block_id = NULL; END IF"
    when = (
        "WHEN NEW.block_id < 0 BEGIN" if parts.database.is_sqlite else "FOR EACH ROW IF NEW.block_id < 0 THEN"
    )
    alter(parts, f"CREATE TRIGGER t BEFORE UPDATE ON audit_log {when} {ignored}")

    with pytest.raises(errors.AuditBroken, match="does not keep"):
        parts.digest.run()

    assert rows_of(parts, "SELECT id, block_id FROM audit_log WHERE id > 4 ORDER BY id") == [
        (5, 2),
        (6, None),
        (7, 2),
    ]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE audit_chain SET id = 3", "the head of the chain has the id 3, not 1"),
        ("DELETE FROM audit_chain", "the head of the chain is missing"),
    ],
)
def test_a_head_that_is_not_there_is_told_in_log_health_and_verdict(
    parts: Runtime,
    record: Record,
    client: FlaskClient,
    caplog: pytest.LogCaptureFixture,
    statement: str,
    told: str,
) -> None:
    seal_blocks(parts, record, 2)
    alter(parts, statement)
    record(3)

    with caplog.at_level(logging.ERROR, "filewallball.audit"), pytest.raises(errors.AuditBroken):
        parts.digest.run()

    assert _errors(caplog) == ["The audit log cannot be sealed"]
    answer = client.get("/health").json
    assert answer is not None
    assert (answer["status"], answer["services"]["audit_sealing"]["status"]) == ("degraded", "degraded")
    assert told in verifier(parts).verify().findings[0].problem


def test_a_second_head_with_the_same_id_is_none_that_a_block_can_follow(
    parts: Runtime, record: Record
) -> None:
    seal_blocks(parts, record, 1)
    alter(
        parts,
        "ALTER TABLE audit_chain RENAME TO kept",
        "CREATE TABLE audit_chain AS SELECT * FROM kept UNION ALL SELECT * FROM kept",
    )
    record(1)

    with pytest.raises(errors.AuditBroken):
        parts.digest.run()


def test_a_row_that_holds_null_neither_stops_sealing_nor_passes(parts: Runtime, record: Record) -> None:
    seal_blocks(parts, record, 2)
    record(3)
    _let_details_be_null(parts)
    alter(parts, "UPDATE audit_log SET details = NULL WHERE id IN (9, 10)")

    before = verifier(parts).verify()
    parts.digest.run()
    after = verifier(parts).verify()

    assert rows_of(parts, "SELECT id, block_id FROM audit_log WHERE id > 8 ORDER BY id") == [
        (9, REFUSED),
        (10, REFUSED),
        (11, 3),
    ]
    assert "unsealed row 9 holds NULL: it was not written by the service (and 1 more)" in _told(before)
    assert "row 9 was refused: not written by the service (and 1 more)" in _told(after)


def test_a_copy_with_null_in_a_sealed_block_is_counted(
    parts: Runtime, record: Record, admin: FlaskClient
) -> None:
    seal_blocks(parts, record, 3)
    _let_details_be_null(parts)
    names = [
        column for column in rows_of(parts, "SELECT * FROM audit_log LIMIT 1")[0]._fields if column != "id"
    ]
    chosen = {"event_id": "'forged'", "username": "'mallory'", "details": "NULL"}
    values = ", ".join(chosen.get(name, f"`{name}`") for name in names)
    listed = ", ".join(f"`{name}`" for name in names)
    alter(parts, f"INSERT INTO audit_log ({listed}) SELECT {values} FROM audit_log WHERE id = 6")

    found = verifier(parts).verify().findings
    shown = admin.get("/api/v1/audit/logs").json

    assert (found[0].block, found[0].problem) == (2, "row 13 holds NULL, changed or inserted")
    assert shown is not None
    assert "mallory" in [row["username"] for row in shown["logs"]]


@pytest.mark.parametrize("name", ["action", "timestamp_us", "username", "count", "mac"])
def test_a_row_that_holds_null_is_shown_like_any_other(
    parts: Runtime, record: Record, admin: FlaskClient, name: str
) -> None:
    seal_blocks(parts, record, 2)
    column = next(
        each for each in rows_of(parts, "SELECT * FROM audit_log LIMIT 1")[0]._fields if each == name
    )
    if parts.database.is_sqlite:
        (sql,) = rows_of(parts, "SELECT sql FROM sqlite_master WHERE name = 'audit_log'")[0]
        line = next(line for line in sql.splitlines() if line.strip(' \t"').startswith(column))
        rewrite_schema(parts, "audit_log", line, line.replace(" NOT NULL", ""))
    else:
        kind = rows_of(parts, f"SHOW COLUMNS FROM audit_log LIKE '{column}'")[0].Type
        alter(parts, f"ALTER TABLE audit_log MODIFY `{column}` {kind}")
    alter(parts, f"UPDATE audit_log SET `{column}` = NULL WHERE id = 6")

    answer = admin.get("/api/v1/audit/logs")

    assert answer.status_code == 200
    assert 6 in [row["id"] for row in answer.get_json()["logs"]]


def test_a_row_whose_id_was_made_negative_is_sealed_all_the_same(parts: Runtime, record: Record) -> None:
    seal_blocks(parts, record, 1)
    record(1)
    alter(parts, "UPDATE audit_log SET id = -7 WHERE id = 5")

    assert parts.digest.run() == 1
    assert verifier(parts).verify().findings == []


def test_a_row_that_sealing_passes_by_is_named(parts: Runtime, record: Record) -> None:
    for _ in range(PASSES):
        record(1)
        parts.digest.run()
    record(2)
    assert verifier(parts).verify().findings == []  # whatever its time: it came last
    alter(parts, f"UPDATE audit_log SET id = -7 WHERE id = {PASSES + 2}")

    assert [(found.block, found.problem) for found in verifier(parts).verify().findings] == [
        (1, "row -7 should be in it or before, and is left unsealed")
    ]


def test_rows_that_come_late_are_no_tampering(parts: Runtime, record: Record) -> None:
    for _ in range(PASSES):
        record(1)
        parts.digest.run()
    record(
        5, timestamp_us=now_us() - 40 * 86_400_000_000
    )  # an outage of the database, a service that was stopped

    assert verifier(parts).verify().findings == []
    parts.digest.run()
    assert verifier(parts).verify().findings == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("block", ["2.5", "0.5", "3.5", "-0.5", "'x'", "X'00'"])
def test_a_row_between_two_blocks_is_in_none(parts: Runtime, record: Record, block: str) -> None:
    seal_blocks(parts, record, 3)
    record(1)
    alter(parts, f"UPDATE audit_log SET block_id = {block} WHERE id = 13")

    assert not verifier(parts).verify().is_intact


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_change_whose_row_the_database_drops_is_not_made(parts: Runtime, admin: FlaskClient) -> None:
    alter(parts, "CREATE TRIGGER t BEFORE INSERT ON audit_log BEGIN SELECT RAISE(IGNORE); END")

    answer = admin.put("/upload/a.txt", data=b"content")

    assert (answer.status_code, answer.get_json()["code"]) == (500, "audit_broken")
    assert rows_of(parts, "SELECT COUNT(*) FROM files") == [(0,)]


def test_pruning_checks_that_the_rows_are_gone(
    parts: Runtime, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(3, timestamp_us=now_us() - 400 * 86_400_000_000)
    parts.digest.run()
    trigger = {
        True: "CREATE TRIGGER t BEFORE UPDATE ON audit_blocks BEGIN SELECT RAISE(IGNORE); END",
        False: "CREATE TRIGGER t BEFORE UPDATE ON audit_blocks FOR EACH ROW SET NEW.stub = OLD.stub",
    }
    alter(parts, trigger[parts.database.is_sqlite])
    # As for an account that is not shown triggers.
    monkeypatch.setattr("filewallball.audit.verify.structure", lambda connection: [])

    with pytest.raises(errors.AuditBroken, match="does not keep"):
        prune(parts, Caller(username="system", role="admin"), now_us())

    assert rows_of(parts, "SELECT COUNT(*) FROM audit_log WHERE block_id = 1") == [(3,)]


def test_how_long_sealing_stands_still_is_what_the_process_sees_and_no_date(
    parts: Runtime, record: Record
) -> None:
    now = 100.0
    stall = Stall(parts.database, lambda: now)
    assert stall.look() == 0
    record(2, timestamp_us=0)
    assert stall.look() == 0
    now += 301

    assert stall.look() == 301
    assert stall.probe()["problem"] == "rows have waited to be sealed for 301 s"
    parts.digest.run()
    assert stall.look() == 0
    assert stall.probe()["problem"] == ""


@pytest.mark.parametrize("hour", [-5, 2_932_897 * 24])
def test_totals_of_hours_that_never_were_are_told(parts: Runtime, record: Record, hour: int) -> None:
    seal_blocks(parts, record, 1)
    assert wrong_hours(parts.database) == []

    alter(parts, f"INSERT INTO audit_totals VALUES ('file:upload', 'success', {hour}, 100)")

    assert wrong_hours(parts.database) == [f"totals of no hour: {hour}"]


def _let_details_be_null(parts: Runtime) -> None:
    if parts.database.is_sqlite:
        rewrite_schema(parts, "audit_log", "details TEXT NOT NULL", "details TEXT")
    else:
        alter(parts, "ALTER TABLE audit_log MODIFY details MEDIUMTEXT COLLATE utf8mb4_bin NULL")


def _errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.message for each in caplog.records if each.levelno == logging.ERROR]


def _told(verdict: Verdict) -> list[str]:
    return [finding.problem for finding in verdict.findings]
