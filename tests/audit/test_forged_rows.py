"""What a forger puts among the rows neither stops sealing nor passes; what only comes late is no forgery."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from filewallball.audit.edges import PASSES
from filewallball.audit.report import Report
from filewallball.audit.sealer import REFUSED
from filewallball.clock import now_us
from filewallball.recording.event import Event
from harness.parts import Parts, put_on_record
from tests.fixtures.audit_log import alter, make_event, rewrite_schema, rows_of, seal_blocks

Record = Callable[..., list[Event]]


def test_a_row_that_holds_null_neither_stops_sealing_nor_passes(parts: Parts, record: Record) -> None:
    seal_blocks(parts, record, 2)
    record(3)
    _let_details_be_null(parts)
    alter(parts, "UPDATE audit_log SET details = NULL WHERE id IN (9, 10)")

    before = parts.verification.verifier().verify()
    parts.sealer.run()
    after = parts.verification.verifier().verify()

    assert rows_of(parts, "SELECT id, block_id FROM audit_log WHERE id > 8 ORDER BY id") == [
        (9, REFUSED),
        (10, REFUSED),
        (11, 3),
    ]
    assert "unsealed row 9 holds NULL: it was not written by the service (and 1 more)" in _told(before)
    assert "row 9 was refused: not written by the service (and 1 more)" in _told(after)


def test_a_copy_with_null_in_a_sealed_block_is_counted(
    parts: Parts, record: Record, admin: FlaskClient
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

    found = parts.verification.verifier().verify().findings
    shown = admin.get("/api/v1/audit/logs").json

    assert (found[0].block, found[0].problem) == (2, "row 13 holds NULL, changed or inserted")
    assert shown is not None
    assert "mallory" in [row["username"] for row in shown["logs"]]


@pytest.mark.parametrize("name", ["action", "timestamp_us", "username", "count", "mac"])
def test_a_row_that_holds_null_is_shown_like_any_other(
    parts: Parts, record: Record, admin: FlaskClient, name: str
) -> None:
    seal_blocks(parts, record, 2)
    column = next(
        each for each in rows_of(parts, "SELECT * FROM audit_log LIMIT 1")[0]._fields if each == name
    )
    if parts.database.dialect.name == "sqlite":
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


def test_a_row_whose_id_was_made_negative_is_sealed_all_the_same(parts: Parts, record: Record) -> None:
    seal_blocks(parts, record, 1)
    record(1)
    alter(parts, "UPDATE audit_log SET id = -7 WHERE id = 5")

    assert parts.sealer.run() == 1
    assert parts.verification.verifier().verify().findings == []


def test_a_row_that_sealing_passes_by_is_named(parts: Parts, record: Record) -> None:
    for _ in range(PASSES):
        record(1)
        parts.sealer.run()
    record(2)
    assert parts.verification.verifier().verify().findings == []  # whatever its time: it came last
    alter(parts, f"UPDATE audit_log SET id = -7 WHERE id = {PASSES + 2}")

    assert [(found.block, found.problem) for found in parts.verification.verifier().verify().findings] == [
        (1, "row -7 should be in it or before, and is left unsealed")
    ]


def test_rows_that_come_late_are_no_tampering(parts: Parts, record: Record) -> None:
    for _ in range(PASSES):
        record(1)
        parts.sealer.run()
    record(
        5, timestamp_us=now_us() - 40 * 86_400_000_000
    )  # an outage of the database, a service that was stopped

    assert parts.verification.verifier().verify().findings == []
    parts.sealer.run()
    assert parts.verification.verifier().verify().findings == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("block", ["2.5", "0.5", "3.5", "-0.5", "'x'", "X'00'"])
def test_a_row_between_two_blocks_is_in_none(
    parts: Parts, record: Record, monkeypatch: pytest.MonkeyPatch, block: str
) -> None:
    monkeypatch.setattr("filewallball.audit.block_reader._ROWS_AT_ONCE", 4)  # each block is read for itself
    seal_blocks(parts, record, 3)
    record(1)
    alter(parts, f"UPDATE audit_log SET block_id = {block} WHERE id = 13")

    assert not parts.verification.verifier().verify().is_intact


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("value", ["'x'", "X'00'", "2.5"])
@pytest.mark.parametrize("column", ["block_id", "timestamp_us"])
def test_a_value_of_another_kind_ends_no_list_and_no_story(
    parts: Parts, record: Record, admin: FlaskClient, column: str, value: str
) -> None:
    seal_blocks(parts, record, 2, request_id="req_forged")
    alter(parts, f"UPDATE audit_log SET {column} = {value} WHERE id IN (2, 3)")

    told, cursor = [], ""
    while cursor is not None:
        page = _answer(admin, f"/api/v1/audit/logs?action=file:download&size=1&cursor={cursor}")
        told += [row["id"] for row in page["logs"]]
        cursor = page["next_cursor"]
    story = _answer(admin, "/api/v1/audit/requests/req_forged")

    assert sorted(told) == list(range(1, 9))
    assert [row["id"] for row in story["operations"]] == list(range(1, 9))
    assert story["operations"][1]["integrity"] == ("refused" if column == "block_id" else "sealed")


def test_actions_that_somebody_made_up_hide_none_of_the_services_own(
    parts: Parts, record: Record, admin: FlaskClient
) -> None:
    record(1, action="file:view")
    put_on_record(parts, [make_event(action=f"file:made-up-{number}") for number in range(1001)])

    page = _answer(admin, "/api/v1/audit/logs?action=read&resource_type=file")

    assert [row["action"] for row in page["logs"]] == ["file:view"]


def _answer(client: FlaskClient, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def _let_details_be_null(parts: Parts) -> None:
    if parts.database.dialect.name == "sqlite":
        rewrite_schema(parts, "audit_log", "details TEXT NOT NULL", "details TEXT")
    else:
        alter(parts, "ALTER TABLE audit_log MODIFY details MEDIUMTEXT COLLATE utf8mb4_bin NULL")


def _told(report: Report) -> list[str]:
    return [finding.problem for finding in report.findings]
