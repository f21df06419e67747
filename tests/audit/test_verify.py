"""Verification names the block that was tampered with, and passes a log that was not."""

from collections.abc import Callable

import pytest

from filewallball.audit.verdict import Verdict
from filewallball.audit.verification import standing, verifier, verify_log
from filewallball.audit.verify import Span
from filewallball.event import Event
from filewallball.operations import Caller
from filewallball.runtime import Runtime
from tests.audit.conftest import alter, rows_of

Record = Callable[..., list[Event]]
CALLER = Caller(username="system", role="admin")

# Six blocks of four rows: ids 1 to 24. Each line: what is done behind the service's back, the first block named, why.
TAMPERING = {
    "a value changed": (["UPDATE audit_log SET username = 'mallory' WHERE id = 10"], 3, "row 10 was changed"),
    "an address changed": (["UPDATE audit_log SET address = X'00' WHERE id = 10"], 3, "row 10 was changed"),
    "a mac removed": (["UPDATE audit_log SET mac = '' WHERE id = 10"], 3, "row 10 was changed"),
    "a row deleted": (["DELETE FROM audit_log WHERE id = 10"], 3, "1 row(s) are missing"),
    "a block emptied": (["DELETE FROM audit_log WHERE block_id = 3"], 3, "4 row(s) are missing"),
    "a row added": (
        ["UPDATE audit_log SET block_id = 3 WHERE id = 24"],
        3,
        "1 row(s) were inserted",
    ),
    "rows reordered": (
        [
            "UPDATE audit_log SET id = 100 WHERE id = 10",
            "UPDATE audit_log SET id = 10 WHERE id = 11",
            "UPDATE audit_log SET id = 11 WHERE id = 100",
        ],
        3,
        "reordered",
    ),
    "a row moved out": (["UPDATE audit_log SET block_id = NULL WHERE id = 10"], 3, "missing"),
    "a row in no block": (["UPDATE audit_log SET block_id = 99 WHERE id = 10"], 3, "missing"),
    "a seal edited": ([f"UPDATE audit_blocks SET seal = '{'0' * 64}' WHERE number = 3"], 3, "seal"),
    "terms edited": (["UPDATE audit_blocks SET last_us = 1 WHERE number = 3"], 3, "record was edited"),
    "a record removed": (["DELETE FROM audit_blocks WHERE number = 3"], 3, "record of the block is missing"),
    "all records removed": (["DELETE FROM audit_blocks"], 1, "record of the block is missing"),
    "the last seal edited": ([f"UPDATE audit_blocks SET seal = '{'0' * 64}' WHERE number = 6"], 6, "seal"),
    "the head edited": ([f"UPDATE audit_chain SET seal = '{'0' * 64}'"], 6, "head of the chain"),
    "the head set back": (
        ["UPDATE audit_chain SET number = 4, seal = (SELECT seal FROM audit_blocks WHERE number = 4)"],
        5,
        "tail was cut",
    ),
    "the head removed": (["DELETE FROM audit_chain"], 0, "head of the chain is missing"),
    "the tail cut with its seals": (
        [
            "DELETE FROM audit_log WHERE block_id > 4",
            "DELETE FROM audit_blocks WHERE number > 4",
            "UPDATE audit_chain SET number = 4, seal = (SELECT seal FROM audit_blocks WHERE number = 4)",
        ],
        5,
        "tail was cut",
    ),
    "everything removed": (
        [
            "DELETE FROM audit_log",
            "DELETE FROM audit_blocks",
            "UPDATE audit_chain SET number = 0, seal = ''",
        ],
        1,
        "tail was cut",
    ),
    "the beginning cut": (
        ["DELETE FROM audit_log WHERE block_id < 3", "UPDATE audit_chain SET pruned = 2"],
        2,
        "stub",
    ),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_found_and_named(parts: Runtime, record: Record, name: str) -> None:
    statements, block, problem = TAMPERING[name]
    _seal_blocks(parts, record, 6)

    alter(parts, *statements)
    verdict = verifier(parts).verify()

    assert not verdict.is_intact
    assert verdict.findings[0].block == block, verdict.findings
    assert problem in verdict.findings[0].problem


def test_an_untouched_log_is_intact(parts: Runtime, record: Record) -> None:
    _seal_blocks(parts, record, 6)
    record(2)

    verdict = verifier(parts).verify()

    assert verdict.findings == []
    assert (verdict.blocks, verdict.rows, verdict.unsealed) == (6, 24, 2)


def test_a_block_too_large_to_be_read_in_one_piece_is_intact_all_the_same(
    parts: Runtime, record: Record
) -> None:
    record(4)
    record(300, details="x" * 60_000)  # more than MariaDB's largest packet
    parts.digest.run()

    verdict = verifier(parts).verify()

    assert (verdict.findings, verdict.blocks, verdict.rows) == ([], 1, 304)


def test_an_empty_log_is_intact(parts: Runtime) -> None:
    assert verifier(parts).verify().is_intact


@pytest.mark.parametrize("mac", ["", "0" * 64])
def test_a_row_that_the_service_did_not_write_is_named_before_and_after_the_digest(
    parts: Runtime, record: Record, mac: str
) -> None:
    _seal_blocks(parts, record, 1)
    columns = [name for name in rows_of(parts, "SELECT * FROM audit_log LIMIT 1")[0]._fields if name != "id"]
    chosen = {"event_id": "'forged'", "mac": f"'{mac}'", "block_id": "NULL"}
    values = ", ".join(chosen.get(name, f"{'`count`' if name == 'count' else name}") for name in columns)
    names = ", ".join("`count`" if name == "count" else name for name in columns)
    alter(parts, f"INSERT INTO audit_log ({names}) SELECT {values} FROM audit_log WHERE id = 1")

    before = verifier(parts).verify()
    parts.digest.run()
    after = verifier(parts).verify()

    assert ["unsealed row 5" in finding.problem for finding in before.findings] == [True]
    assert ["row 5 was refused" in finding.problem for finding in after.findings] == [True]


def test_a_cut_tail_is_found_after_the_service_went_on_writing(parts: Runtime, record: Record) -> None:
    _seal_blocks(parts, record, 3)
    alter(parts, *TAMPERING["everything removed"][0])

    _seal_blocks(parts, record, 5)

    verdict = verifier(parts).verify()
    assert [finding.block for finding in verdict.findings] == [3]
    assert "history was rewritten" in verdict.findings[0].problem


def test_a_range_is_verified_for_itself(parts: Runtime, record: Record) -> None:
    _seal_blocks(parts, record, 6)
    alter(parts, "UPDATE audit_log SET username = 'mallory' WHERE block_id = 5")

    assert verifier(parts).verify(Span(2, 4)).is_intact
    assert not verifier(parts).verify(Span(4, 5)).is_intact
    assert verifier(parts).verify(Span(6, None)).is_intact
    assert verifier(parts).verify(Span(60, 70)).is_intact


def test_a_verdict_is_kept_and_on_record(parts: Runtime, record: Record) -> None:
    _seal_blocks(parts, record, 2)

    first = verify_log(parts, CALLER)
    alter(parts, "DELETE FROM audit_log WHERE id = 3")
    second = verify_log(parts, CALLER)
    parts.shipper.ship()

    assert _success(parts) == first.finished_us
    assert not second.is_intact
    kept = rows_of(
        parts, "SELECT status, error_type, details FROM audit_log WHERE action = 'audit:verify' ORDER BY id"
    )
    assert [row[:2] for row in kept] == [("success", ""), ("failed", "audit_broken")]
    assert '"block":1' in kept[1].details


def _success(parts: Runtime) -> int:
    kept = standing(parts)
    assert kept is not None
    assert isinstance(kept.verdict, Verdict)
    return kept.last_success_us


def _seal_blocks(parts: Runtime, record: Record, count: int) -> None:
    for _ in range(count):
        record(4)
        parts.digest.run()
