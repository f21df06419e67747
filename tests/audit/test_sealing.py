"""A sealer that cannot seal says so aloud, and so does whatever else writes to a log that does not keep it."""

import logging
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from filewallball import errors
from filewallball.audit.stall import Stall
from filewallball.audit.totals import wrong_hours
from filewallball.clock import now_us
from filewallball.recording.caller import Caller
from filewallball.recording.event import Event
from harness.parts import Parts
from tests.fixtures.audit_log import alter, rows_of, seal_blocks

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
    parts: Parts, record: Record, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    event, table, column, old = WRITES[name]
    seal_blocks(parts, record, 2)
    alter(
        parts, _IGNORED[parts.database.dialect.name == "sqlite"].format(event, table, column=column, old=old)
    )
    record(3)

    with caplog.at_level(logging.ERROR, "filewallball.audit"):
        for _ in range(2):
            with pytest.raises(errors.AuditBroken, match="does not keep"):
                parts.sealer.run()

    assert _errors(caplog) == ["The audit log cannot be sealed"]
    assert "does not keep" in parts.sealer.stall.probe()["problem"]
    assert "trigger t" in parts.verification.verifier().verify().findings[0].problem
    alter(parts, "DROP TRIGGER t")
    assert parts.sealer.run() == 3
    assert parts.sealer.stall.probe()["problem"] == ""
    assert parts.verification.verifier().verify().findings == []


def test_rows_that_cannot_be_refused_do_not_hold_up_the_others_in_silence(
    parts: Parts, record: Record
) -> None:
    seal_blocks(parts, record, 1)
    record(3)
    alter(parts, "UPDATE audit_log SET mac = '' WHERE id = 6")
    ignored = (
        "SELECT RAISE(IGNORE); END"
        if (parts.database.dialect.name == "sqlite")
        else "SET NEW.block_id = NULL; END IF"
    )
    when = (
        "WHEN NEW.block_id < 0 BEGIN"
        if (parts.database.dialect.name == "sqlite")
        else "FOR EACH ROW IF NEW.block_id < 0 THEN"
    )
    alter(parts, f"CREATE TRIGGER t BEFORE UPDATE ON audit_log {when} {ignored}")

    with pytest.raises(errors.AuditBroken, match="does not keep"):
        parts.sealer.run()

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
    parts: Parts,
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
        parts.sealer.run()

    assert _errors(caplog) == ["The audit log cannot be sealed"]
    answer = client.get("/health").json
    assert answer is not None
    assert (answer["status"], answer["services"]["audit_sealing"]["status"]) == ("degraded", "degraded")
    assert told in parts.verification.verifier().verify().findings[0].problem


def test_a_second_head_with_the_same_id_is_none_that_a_block_can_follow(parts: Parts, record: Record) -> None:
    seal_blocks(parts, record, 1)
    alter(
        parts,
        "ALTER TABLE audit_chain RENAME TO kept",
        "CREATE TABLE audit_chain AS SELECT * FROM kept UNION ALL SELECT * FROM kept",
    )
    record(1)

    with pytest.raises(errors.AuditBroken):
        parts.sealer.run()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_change_whose_row_the_database_drops_is_not_made(parts: Parts, admin: FlaskClient) -> None:
    alter(parts, "CREATE TRIGGER t BEFORE INSERT ON audit_log BEGIN SELECT RAISE(IGNORE); END")

    answer = admin.put("/upload/a.txt", data=b"content")

    assert (answer.status_code, answer.get_json()["code"]) == (500, "audit_broken")
    assert rows_of(parts, "SELECT COUNT(*) FROM files") == [(0,)]


def test_pruning_checks_that_the_rows_are_gone(
    parts: Parts, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(3, timestamp_us=now_us() - 400 * 86_400_000_000)
    parts.sealer.run()
    trigger = {
        True: "CREATE TRIGGER t BEFORE UPDATE ON audit_blocks BEGIN SELECT RAISE(IGNORE); END",
        False: "CREATE TRIGGER t BEFORE UPDATE ON audit_blocks FOR EACH ROW SET NEW.stub = OLD.stub",
    }
    alter(parts, trigger[parts.database.dialect.name == "sqlite"])
    # As for an account that is not shown triggers.
    monkeypatch.setattr("filewallball.audit.verifier.structure", lambda connection: [])

    with pytest.raises(errors.AuditBroken, match="does not keep"):
        parts.retention.prune(Caller(username="system", role="admin"), now_us())

    assert rows_of(parts, "SELECT COUNT(*) FROM audit_log WHERE block_id = 1") == [(3,)]


def test_how_long_sealing_stands_still_is_what_the_process_sees_and_no_date(
    parts: Parts, record: Record
) -> None:
    now = 100.0
    stall = Stall(parts.database, lambda: now)
    assert stall.look() == 0
    record(2, timestamp_us=0)
    assert stall.look() == 0
    now += 301

    assert stall.look() == 301
    assert stall.probe()["problem"] == "rows have waited to be sealed for 301 s"
    parts.sealer.run()
    assert stall.look() == 0
    assert stall.probe()["problem"] == ""


@pytest.mark.parametrize("hour", [-5, 2_932_897 * 24])
def test_totals_of_hours_that_never_were_are_told(parts: Parts, record: Record, hour: int) -> None:
    seal_blocks(parts, record, 1)
    assert wrong_hours(parts.database) == []

    alter(parts, f"INSERT INTO audit_totals VALUES ('file:upload', 'success', {hour}, 100)")

    assert wrong_hours(parts.database) == [f"totals of no hour: {hour}"]


def _errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.message for each in caplog.records if each.levelno == logging.ERROR]
