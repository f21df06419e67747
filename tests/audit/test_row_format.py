"""Rows of either format stand in one chain; no edit of what the second one added is overlooked, and no later format is
judged by a release that does not know it."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import bindparam, text

from filewallball.audit.filters import AuditFilter, resolve
from filewallball.audit.queries import _keys, list_events
from filewallball.audit.sealer import REFUSED
from filewallball.errors import AuditBroken
from filewallball.recording.event import Event
from harness.parts import Parts
from tests.fixtures.audit_log import alter, finish_upgrade, rows_of, seal_blocks, write_as_before

Record = Callable[..., list[Event]]
TRACE, OTHER_TRACE = "0af7651916cd43dd8448eb211c80319c", "4bf92f3577b34da6a3ce929d0e0e4736"

# What is done to a row; those that change nothing in one of the formats stand for the other alone.
EDITS = {
    "format 1": "format = 1",
    "format 2": "format = 2",
    "an impossible format": "format = 0",
    "a later format": "format = 3",
    "format 1 and nothing added": "format = 1, link_id = NULL, trace_id = NULL",
    "no link": "link_id = NULL",
    "an empty link": "link_id = ''",
    "another link": "link_id = 'another'",
    "no trace": "trace_id = NULL",
    "an empty trace": "trace_id = ''",
    "another trace": f"trace_id = '{OTHER_TRACE}'",
    "link and trace exchanged": "link_id = trace_id, trace_id = 'a link'",
}


def test_every_edit_of_what_format_2_added_is_found(parts: Parts, row_format: int, record: Record) -> None:
    seal_blocks(parts, record, 2, link_id="a link", trace_id=TRACE)
    record(4, link_id="a link", trace_id=TRACE)
    seen = rows_of(parts, _ADDED)
    for name, change in EDITS.items():
        for row_id, block in ((6, 2), (10, 0)):  # sealed, and not yet
            alter(parts, f"UPDATE audit_log SET {change} WHERE id = {row_id}")

            found = parts.verification.verifier().verify().findings

            if rows_of(parts, _ADDED) == seen:
                assert found == [], name
            else:
                assert [finding.block for finding in found] == [block], name
                assert f"row {row_id}" in found[0].problem, name
                alter(parts, _BACK[row_format].format(row_id))
    assert parts.verification.verifier().verify().findings == []


def test_a_chain_goes_on_from_rows_of_format_1_to_rows_of_format_2(parts: Parts, record: Record) -> None:
    write_as_before(parts)
    seal_blocks(parts, record, 2, trace_id=TRACE)
    record(2, trace_id=TRACE)
    before = rows_of(parts, "SELECT * FROM audit_log ORDER BY id")
    finish_upgrade(parts)
    record(2, trace_id=TRACE)
    parts.sealer.run()
    seal_blocks(parts, record, 1)

    report = parts.verification.verifier().verify()

    assert (report.findings, report.blocks, report.rows) == ([], 4, 16)
    rows = rows_of(parts, "SELECT format, trace_id FROM audit_log ORDER BY id")
    assert [tuple(row) for row in rows] == [(1, None)] * 10 + [(2, TRACE)] * 2 + [(2, None)] * 4
    after = rows_of(parts, "SELECT * FROM audit_log ORDER BY id LIMIT 10")
    assert [row._mapping["mac"] for row in after] == [row._mapping["mac"] for row in before]


def test_rows_of_format_1_are_sealed_with_the_bytes_that_they_always_were(parts: Parts) -> None:
    """A row that an earlier release wrote, and the seal that it gave it."""
    write_as_before(parts)
    insert = text(_OLD_ROW).bindparams(bindparam("address", bytes.fromhex("00" * 10 + "ffffc0000207")))
    with parts.database.begin() as connection:
        connection.execute(insert, {"mac": _OLD_MAC})
        connection.execute(text("UPDATE audit_log SET block_id = 1"))
        connection.execute(text(_OLD_BLOCK), {"seal": _OLD_SEAL})
        connection.execute(text("UPDATE audit_chain SET number = 1, seal = :seal"), {"seal": _OLD_SEAL})
        connection.execute(text("INSERT INTO audit_totals VALUES ('file:view', 'success', 472222, 1)"))

    report = parts.verification.verifier().verify()

    assert (report.findings, report.rows) == ([], 1)


def test_a_sealer_stops_at_a_row_of_a_later_release_and_refuses_nothing(
    parts: Parts, row_format: int, record: Record, caplog: pytest.LogCaptureFixture
) -> None:
    record(5)
    alter(parts, "UPDATE audit_log SET format = 3 WHERE id = 3")

    for _ in range(2):
        with pytest.raises(AuditBroken, match="Row 3 of the audit log has a format"):
            parts.sealer.run()

    blocks: list[Any] = [row[0] for row in rows_of(parts, "SELECT block_id FROM audit_log ORDER BY id")]
    assert blocks == [1, 1, None, None, None]
    assert "Row 3" in parts.sealer.stall.probe()["problem"]
    assert [entry.problem for entry in caplog.records if hasattr(entry, "problem")] == [
        parts.sealer.stall.problem
    ]
    told = [finding.problem for finding in parts.verification.verifier().verify().findings]
    assert told == [
        "unsealed row 3 has a format that this release does not know: a later one has to verify it"
    ]
    alter(parts, f"UPDATE audit_log SET format = {row_format} WHERE id = 3")
    assert parts.sealer.run() == 3
    assert parts.sealer.stall.probe()["problem"] == ""
    assert parts.verification.verifier().verify().findings == []


def test_a_sealer_still_refuses_what_was_forged_before_a_row_of_a_later_release(
    parts: Parts, record: Record
) -> None:
    record(4)
    alter(
        parts, "UPDATE audit_log SET user_id = 7 WHERE id = 2", "UPDATE audit_log SET format = 3 WHERE id = 3"
    )

    with pytest.raises(AuditBroken):
        parts.sealer.run()

    rows = rows_of(parts, "SELECT block_id FROM audit_log ORDER BY id")
    assert [row[0] for row in rows] == [1, REFUSED, None, None]


def test_the_rows_of_a_trace_are_found_by_its_index_and_shown_with_it(parts: Parts, record: Record) -> None:
    record(3)
    record(2, trace_id=TRACE, link_id="a link", timestamp_us=1_700_000_000_000_000)
    record(1, trace_id=OTHER_TRACE)
    wanted = AuditFilter(trace_id=TRACE)

    page = list_events(parts.database, wanted)

    assert [(row.trace_id, row.link_id) for row in page.rows] == [(TRACE, "a link")] * 2
    assert page.total is not None
    assert page.total.rows == 2
    assert list_events(parts.database, AuditFilter(trace_id=TRACE, status="failed")).rows == []


def test_a_page_of_a_trace_is_read_in_order_and_not_sorted(parts: Parts, record: Record) -> None:
    record(50, trace_id=TRACE)
    scope = parts.database.query(lambda connection: resolve(connection, AuditFilter(trace_id=TRACE)))
    keys = _keys(scope.branches(), scope.index, (1_700_000_000_000_000, 30), 0, 5)
    dialect = parts.database.query(lambda connection: connection.dialect)
    statement = keys.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN" if dialect.name == "sqlite" else "EXPLAIN"

    (plan,) = rows_of(parts, f"{explain} {statement}")

    said = " ".join(str(value) for value in plan)
    assert "ix_audit_log_trace" in said
    assert not any(word in said.lower() for word in ("b-tree", "filesort"))


_ADDED = "SELECT format, link_id, trace_id FROM audit_log ORDER BY id"
_BACK = {
    1: "UPDATE audit_log SET format = 1, link_id = NULL, trace_id = NULL WHERE id = {}",
    2: f"UPDATE audit_log SET format = 2, link_id = 'a link', trace_id = '{TRACE}' WHERE id = {{}}",
}
_OLD_ROW = """
INSERT INTO audit_log (id, event_id, timestamp_us, action, resource_type, resource_id, status, error_type, user_id,
    username, token_id, ip_address, address, user_agent, request_id, file_type, file_size, duration_us, cache, count,
    details, mac)
VALUES (1, '018bcfe5-6800-7000-8000-000000000001', 1700000000000000, 'file:view', 'file', 'f', 'success', '', 0, '쿠키',
    0, '192.0.2.7', :address, 'curl/8', 'r', 'text/plain', 7, 8, 'none', 1, '{}', :mac)
"""
_OLD_BLOCK = """
INSERT INTO audit_blocks (number, first_id, last_id, row_count, first_us, last_us, sealed_us, seal, stub)
VALUES (1, 1, 1, 1, 1700000000000000, 1700000000000000, 1700000002000000, :seal, '')
"""
_OLD_MAC = "4ab5854ea6c5f5f2138209a18c131f948faa0bcb1bca9bffb9ccd2b210f7ee05"
_OLD_SEAL = "c9cb35c55d5779737ad82bf7cdd7e14e12281e93dab92eb0eb4e6fa9e23643e0"
