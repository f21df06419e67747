"""Exports: everything that matches, safe for spreadsheets, on record until the last byte has left."""

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from filewallball.cli import main
from filewallball.recording.caller import Caller
from filewallball.recording.event import Event
from harness.parts import Parts, put_on_record
from harness.shell import Shell
from tests.fixtures.audit_log import alter, make_event, rows_of

URL = "/api/v1/audit/export"
Record = Callable[..., list[Event]]
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", '=HYPERLINK("http://example.org";"x")')

pieces = st.one_of(
    st.sampled_from(
        (*FORMULAS, "=", "+", "-", "@", "＠", "'", '"', ",", ";", " ", "\u3000", "홍길동", "👩‍👧", "é")
    ),
    st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]),
)
cells = st.lists(pieces, max_size=4).map("".join)


def test_an_export_has_every_matching_row_once_newest_first(
    parts: Parts, admin: FlaskClient, record: Record
) -> None:
    events = record(2500, action="file:view") + record(5, action="file:delete")

    answer = admin.get(URL, query_string={"action": "file:view"})
    rows = [json.loads(line) for line in answer.text.splitlines()]

    assert answer.content_type == "application/x-ndjson"
    assert sorted(row["event_id"] for row in rows) == sorted(event.event_id for event in events[:2500])
    assert [row["timestamp"] for row in rows] == sorted((row["timestamp"] for row in rows), reverse=True)
    listed = admin.get("/api/v1/audit/logs", query_string={"action": "file:view", "size": 1}).json
    assert listed is not None
    assert rows[0] == listed["logs"][0]


def test_no_cell_of_a_csv_is_a_formula(parts: Parts, admin: FlaskClient, record: Record) -> None:
    for formula in FORMULAS:
        record(1, username=formula, user_agent=formula, resource_id=formula, request_id=formula)

    answer = admin.get(URL, query_string={"action": "file:download", "format": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))

    assert answer.headers["Content-Disposition"].endswith('.csv"')
    assert sorted(row["username"] for row in rows) == sorted(f"'{formula}" for formula in FORMULAS)
    starts = {value[0] for row in rows for value in row.values() if value}
    assert not starts & set("=+-@＝")


def test_a_csv_gives_the_values_that_json_lines_give(
    parts: Parts, admin: FlaskClient, rounds: Callable[[int, int], int]
) -> None:
    @hypothesis.settings(max_examples=rounds(40, 1000), suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=5))
    @hypothesis.example([("'=1", "=1", "'"), ("''", "'tis", " =1")])
    def check(rows: list[tuple[str, str, str]]) -> None:
        alter(parts, "DELETE FROM audit_log")
        put_on_record(
            parts,
            [
                make_event(username=one, user_agent=two, details=json.dumps({"filename": three}))
                for one, two, three in rows
            ],
        )
        wanted = {"action": "file:download"}
        lines = admin.get(URL, query_string=wanted).text.split("\n")[:-1]
        table = admin.get(URL, query_string={**wanted, "format": "csv"}).text

        read = list(csv.DictReader(io.StringIO(table, newline="")))

        assert not [cell for row in read for cell in row.values() if cell.lstrip()[:1] in set("=+-@＝＋－＠")]
        assert [_recovered(row) for row in read] == [
            {name: value if name == "details" else str(value) for name, value in json.loads(line).items()}
            for line in lines
        ]

    check()


def test_a_csv_for_excel_is_the_same_after_a_byte_order_mark(
    parts: Parts, admin: FlaskClient, record: Record
) -> None:
    record(3, username="홍길동", user_agent='a "quoted", one')

    plain = admin.get(URL, query_string={"action": "file:download", "format": "csv"})
    excel = admin.get(URL, query_string={"action": "file:download", "format": "csv-excel"})

    assert plain.data.startswith(b"id,event_id,")
    assert excel.data == b"\xef\xbb\xbf" + plain.data
    assert plain.content_type == excel.content_type == "text/csv; charset=utf-8"
    assert plain.data.count(b"\n") == plain.data.count(b"\r\n") == 4
    assert b',"a ""quoted"", one",' in plain.data
    for answer in (plain, excel):
        assert re.fullmatch(
            r'attachment; filename="audit-\d{4}-\d\d-\d\d\.csv"', answer.headers["Content-Disposition"]
        )


def test_a_csv_has_details_as_json(parts: Parts, admin: FlaskClient, record: Record) -> None:
    record(1, details='{"filename":"=1+1, or \\"more\\""}')

    answer = admin.get(URL, query_string={"action": "file:download", "format": "csv"})
    [row] = csv.DictReader(io.StringIO(answer.text, newline=""))

    assert json.loads(row["details"]) == {"filename": '=1+1, or "more"'}


def test_an_export_is_one_operation_that_ends_with_the_last_byte(
    parts: Parts, admin: FlaskClient, record: Record
) -> None:
    record(1500)

    answer = admin.get(URL, query_string={"action": "file:download"}, buffered=False)
    pieces = answer.iter_encoded()
    next(pieces)
    before = _exports(parts)
    rest = list(pieces)
    answer.close()

    assert before == []
    assert len(rest) == 1
    exports = _exports(parts)
    assert [row.status for row in exports] == ["success"]
    assert json.loads(exports[0].details)["rows"] == 1500


def test_an_export_that_is_broken_off_says_so(parts: Parts, admin: FlaskClient, record: Record) -> None:
    record(1500)

    answer = admin.get(URL, buffered=False)
    next(answer.iter_encoded())
    answer.close()

    assert [(row.status, row.error_type) for row in _exports(parts)] == [("failed", "network_error")]


def test_an_export_that_fails_half_way_breaks_off_and_says_so(
    parts: Parts, admin: FlaskClient, record: Record
) -> None:
    record(1500)

    answer = admin.get(URL, buffered=False)
    pieces = answer.iter_encoded()
    next(pieces)
    alter(parts, "ALTER TABLE audit_log RENAME TO elsewhere")
    with pytest.raises(DBAPIError):
        next(pieces)
    alter(parts, "ALTER TABLE elsewhere RENAME TO audit_log")

    (export,) = _exports(parts)
    assert (export.status, json.loads(export.details)["rows"]) == ("failed", 1000)


def test_whatever_a_forger_wrote_is_shown_and_harmless(
    parts: Parts, admin: FlaskClient, record: Record
) -> None:
    record(5)
    nested = '{"a": ' * 300 + "1" + "}" * 300
    alter(
        parts,
        "UPDATE audit_log SET timestamp_us = 9223372036854775807 WHERE id = 1",
        "UPDATE audit_log SET username = X'611b5b33316d0d0a62' WHERE id = 2",
        f"UPDATE audit_log SET details = '{nested}' WHERE id = 3",
        """UPDATE audit_log SET details = '{"a":"x\u202ey"}' WHERE id = 4""",
        "UPDATE audit_log SET details = 'not JSON', file_type = 'a/b' WHERE id = 5",
    )

    listed = admin.get("/api/v1/audit/logs").json
    lines = admin.get(URL, query_string={"resource_type": "file"}).text.splitlines()
    cells = admin.get(URL, query_string={"resource_type": "file", "format": "csv"}).text

    assert listed is not None
    rows = {row["id"]: row for row in listed["logs"]}
    assert [json.loads(line) for line in lines] == [rows[number] for number in (1, 5, 4, 3, 2)]
    assert "9223372036854775807" in rows[1]["details"]["unreadable"]["timestamp_us"]
    assert set(rows[3]["details"]) == set(rows[5]["details"]) - {"file_size", "mime_type"} == {"unreadable"}
    assert rows[4]["details"] == {"a": "x\ufffdy"}
    assert not set(cells.replace("\r\n", "")) & set("\x1b\r\n\u202e")


def test_a_head_request_gets_no_rows_and_ends_its_operation(parts: Parts, admin: FlaskClient) -> None:
    answer = admin.head(URL)

    assert answer.status_code == 200
    assert [row.status for row in _exports(parts)] == ["success"]


def test_the_last_verification_is_told(parts: Parts, admin: FlaskClient) -> None:
    never = admin.get("/api/v1/audit/verify").json
    parts.verification.run(Caller())
    after = admin.get("/api/v1/audit/verify").json

    assert never is not None
    assert after is not None
    assert never["status"] == "unknown"
    assert after["status"] == "intact"
    assert after["verified_at"] == after["last_success_at"]


def test_a_filter_that_is_none_is_explained(environ: dict[str, str], app: Flask) -> None:
    for given, told in (
        ("action", "NAME=VALUE"),
        ("action=nothing", "action: Not an action"),
        ("x=1", "x: Unk"),
        ("q=\udcff\udcff", "An argument is no text"),
        ("action=read --filter action=create", "action: give this once"),
    ):
        arguments = ["audit", "export", "--filter", *given.split(" ")]
        done = CliRunner().invoke(main, arguments, env=environ)

        assert done.exit_code == 2
        assert told in done.output


def test_dates_that_cannot_be_meant_are_refused(environ: dict[str, str], app: Flask) -> None:
    shell = Shell(environ)
    shell.run("audit", "verify")
    for arguments, told in (
        (("prune", "--before", "2999-01-01"), "lies in the future"),
        (("verify", "--to", "2001-01-31"), "No sealed block ends before"),
        (("verify", "--from", "2999-01-01"), "No sealed block begins after"),
        (("verify", "--from", "12345678"), "The range holds no sealed block"),
        (("verify", "--from", "²"), "neither a block number nor a date"),
    ):
        with pytest.raises(RuntimeError, match=told):
            shell.run("audit", *arguments)


def _recovered(row: dict[str, str]) -> dict[str, Any]:
    """The values of a row of CSV, as anybody gets them back: without the mark that each marked cell begins with."""
    values = {name: cell.removeprefix("'") for name, cell in row.items()}
    return {**values, "details": json.loads(values["details"])}


def _exports(parts: Parts) -> list[Any]:
    parts.shipper.ship()
    return rows_of(parts, "SELECT status, error_type, details FROM audit_log WHERE action = 'audit:export'")
