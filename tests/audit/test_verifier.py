"""Verification names the block that was tampered with, and passes a log that was not."""

from collections.abc import Callable

import pytest

from filewallball.audit.verifier import Span
from filewallball.recording.event import Event
from filewallball.recording.tables import audit_log
from harness.parts import Parts
from tests.fixtures.audit_log import alter, rows_of, seal_blocks

Record = Callable[..., list[Event]]

# Six blocks of four rows: ids 1 to 24. Each line: what is done behind the service's back, the first block named, why.
TAMPERING = {
    "a value changed": (["UPDATE audit_log SET username = 'mallory' WHERE id = 10"], 3, "row 10 was changed"),
    "an address changed": (["UPDATE audit_log SET address = X'00' WHERE id = 10"], 3, "row 10 was changed"),
    "a space added": (["UPDATE audit_log SET user_agent = 'curl/8 ' WHERE id = 10"], 3, "row 10 was changed"),
    "a capital made small": (["UPDATE audit_log SET action = 'File:download' WHERE id = 10"], 3, "row 10"),
    "a mac removed": (["UPDATE audit_log SET mac = '' WHERE id = 10"], 3, "row 10 was changed"),
    "a row deleted": (["DELETE FROM audit_log WHERE id = 10"], 3, "1 row(s) are missing"),
    "a block emptied": (["DELETE FROM audit_log WHERE block_id = 3"], 3, "4 row(s) are missing"),
    "every row deleted": (["DELETE FROM audit_log"], 1, "4 row(s) are missing"),
    "two rows exchanged": (
        ["UPDATE audit_log SET block_id = 7 - block_id WHERE id IN (10, 14)"],
        3,
        "replaced",
    ),
    "a block taken apart": (
        ["UPDATE audit_log SET block_id = NULL WHERE block_id = 3"],
        3,
        "4 row(s) are missing",
    ),
    "every row of a block changed": (
        ["UPDATE audit_log SET user_id = 9 WHERE block_id = 3"],
        3,
        "all of its 4 rows",
    ),
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
    "a second head": (
        [
            "INSERT INTO audit_chain (id, number, seal, pruned) SELECT 2, number, seal, pruned FROM audit_chain"
        ],
        0,
        "twin",
    ),
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
def test_tampering_is_found_and_named(parts: Parts, record: Record, name: str) -> None:
    statements, block, problem = TAMPERING[name]
    seal_blocks(parts, record, 6)

    alter(parts, *statements)
    report = parts.verification.verifier().verify()

    assert not report.is_intact
    assert report.findings[0].block == block, report.findings
    assert problem in report.findings[0].problem


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET status = CAST(status AS BLOB) WHERE id = 10",  # no filter finds it any more
        "UPDATE audit_log SET count = CAST(count AS BLOB) WHERE id = 10",
        "UPDATE audit_log SET address = CAST(address AS TEXT) WHERE id = 10",
        "UPDATE audit_log SET details = CAST(details AS BLOB) WHERE id = 10",
    ],
)
def test_bytes_where_text_belongs_are_a_change_although_they_read_the_same(
    parts: Parts, record: Record, statement: str
) -> None:
    seal_blocks(parts, record, 3)

    alter(parts, statement)

    report = parts.verification.verifier().verify()
    assert [finding.block for finding in report.findings] == [3]
    assert "row 10 was changed" in report.findings[0].problem


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET block_id = 'x' WHERE id = 10",
        "UPDATE audit_chain SET number = 'x'",
        "UPDATE audit_blocks SET row_count = 'x' WHERE number = 2",
    ],
)
def test_what_cannot_be_read_at_all_is_told_and_not_a_crash(
    parts: Parts, record: Record, statement: str
) -> None:
    seal_blocks(parts, record, 3)

    alter(parts, statement)

    assert not parts.verification.verifier().verify().is_intact


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
def test_a_value_made_null_is_found_in_its_block(parts: Parts, record: Record) -> None:
    seal_blocks(parts, record, 3)

    alter(
        parts,
        "ALTER TABLE audit_log MODIFY details MEDIUMTEXT NULL",
        "UPDATE audit_log SET details = NULL WHERE id = 6",
    )

    found = [(finding.block, finding.problem) for finding in parts.verification.verifier().verify().findings]
    assert found == [
        (2, "row 6 holds NULL, changed or inserted"),
        (0, "audit_log.details may be NULL"),
    ]


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
def test_a_log_that_could_hold_a_row_twice_is_not_intact(parts: Parts, record: Record) -> None:
    seal_blocks(parts, record, 2)
    names = ", ".join(f"`{column.name}`" for column in audit_log.c if column.name != "id")
    values = names.replace("`block_id`", "NULL")

    alter(
        parts,
        "ALTER TABLE audit_log DROP INDEX uq_audit_log_event_id",
        f"INSERT INTO audit_log ({names}) SELECT {values} FROM audit_log WHERE id = 6",
    )
    assert parts.sealer.run() == 1  # every row of it is genuine

    found = [(finding.block, finding.problem) for finding in parts.verification.verifier().verify().findings]
    assert found == [
        (3, "rows 6 and 9 are the same event"),
        (0, "event_id need not be unique any more: a row may be there twice"),
    ]


def test_rows_taken_out_of_the_last_block_and_sealed_again_rewrite_history(
    parts: Parts, record: Record
) -> None:
    seal_blocks(parts, record, 3)
    alter(
        parts,
        "DELETE FROM audit_log WHERE id = 10",
        "UPDATE audit_log SET block_id = NULL WHERE block_id = 3",
        "DELETE FROM audit_blocks WHERE number = 3",
        "UPDATE audit_chain SET number = 2, seal = (SELECT seal FROM audit_blocks WHERE number = 2)",
    )

    assert parts.sealer.run() == 3

    report = parts.verification.verifier().verify()
    assert [finding.block for finding in report.findings] == [3]
    assert "history was rewritten" in report.findings[0].problem


def test_nothing_is_forgiven_because_somebody_says_that_it_was_pruned(parts: Parts, record: Record) -> None:
    seal_blocks(parts, record, 3)
    alter(parts, "UPDATE audit_log SET username = 'mallory' WHERE id = 6")

    report = parts.verification.verifier().verify(
        progress=lambda done, total: alter(parts, "UPDATE audit_chain SET pruned = 3")
    )

    assert report.findings[0].block == 2


def test_an_untouched_log_is_intact(parts: Parts, record: Record) -> None:
    seal_blocks(parts, record, 6)
    record(2)

    report = parts.verification.verifier().verify()

    assert report.findings == []
    assert (report.blocks, report.rows, report.unsealed) == (6, 24, 2)


def test_a_block_too_large_to_be_read_in_one_piece_is_intact_all_the_same(
    parts: Parts, record: Record
) -> None:
    record(4)
    record(300, details="x" * 60_000)  # more than MariaDB's largest packet
    parts.sealer.run()

    report = parts.verification.verifier().verify()

    assert (report.findings, report.blocks, report.rows) == ([], 1, 304)


def test_an_empty_log_is_intact(parts: Parts) -> None:
    assert parts.verification.verifier().verify().is_intact


@pytest.mark.parametrize("mac", ["", "0" * 64])
def test_a_row_that_the_service_did_not_write_is_named_before_and_after_the_digest(
    parts: Parts, record: Record, mac: str
) -> None:
    seal_blocks(parts, record, 1)
    columns = [name for name in rows_of(parts, "SELECT * FROM audit_log LIMIT 1")[0]._fields if name != "id"]
    chosen = {"event_id": "'forged'", "mac": f"'{mac}'", "block_id": "NULL"}
    values = ", ".join(chosen.get(name, f"{'`count`' if name == 'count' else name}") for name in columns)
    names = ", ".join("`count`" if name == "count" else name for name in columns)
    alter(parts, f"INSERT INTO audit_log ({names}) SELECT {values} FROM audit_log WHERE id = 1")

    before = parts.verification.verifier().verify()
    parts.sealer.run()
    after = parts.verification.verifier().verify()

    assert ["unsealed row 5" in finding.problem for finding in before.findings] == [True]
    assert ["row 5 was refused" in finding.problem for finding in after.findings] == [True]


def test_a_cut_tail_is_found_after_the_service_went_on_writing(parts: Parts, record: Record) -> None:
    seal_blocks(parts, record, 3)
    alter(parts, *TAMPERING["everything removed"][0])

    seal_blocks(parts, record, 5)

    report = parts.verification.verifier().verify()
    assert [finding.block for finding in report.findings] == [3]
    assert "history was rewritten" in report.findings[0].problem


def test_a_range_is_verified_for_itself(parts: Parts, record: Record) -> None:
    seal_blocks(parts, record, 6)
    alter(parts, "UPDATE audit_log SET username = 'mallory' WHERE block_id = 5")

    assert parts.verification.verifier().verify(Span(2, 4)).is_intact
    assert not parts.verification.verifier().verify(Span(4, 5)).is_intact
    assert parts.verification.verifier().verify(Span(6, None)).is_intact
    assert parts.verification.verifier().verify(Span(60, 70)).is_intact
