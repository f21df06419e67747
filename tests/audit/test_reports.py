"""What a verification found is kept, told and on record; nothing that proves less takes its place."""

from collections.abc import Callable

import pytest
from click.testing import CliRunner
from flask import Flask

from filewallball.audit.report import Report
from filewallball.audit.seals import OTHER_KEY
from filewallball.audit.verifier import Span
from filewallball.cli import main
from filewallball.doctor import host
from filewallball.recording.caller import Caller
from filewallball.recording.event import Event
from filewallball.recording.row_format import RowFormat
from harness.parts import Parts
from harness.shell import Shell
from tests.fixtures.audit_log import alter, rows_of, seal_blocks

Record = Callable[..., list[Event]]
CALLER = Caller(username="system", role="admin")


def test_a_verdict_is_kept_and_on_record(parts: Parts, record: Record) -> None:
    seal_blocks(parts, record, 2)

    first = parts.verification.run(CALLER)
    alter(parts, "DELETE FROM audit_log WHERE id = 3")
    second = parts.verification.run(CALLER)
    parts.shipper.ship()

    assert _success(parts) == first.finished_us
    assert not second.is_intact
    kept = rows_of(
        parts, "SELECT status, error_type, details FROM audit_log WHERE action = 'audit:verify' ORDER BY id"
    )
    assert [row[:2] for row in kept] == [("success", ""), ("failed", "audit_broken")]
    assert '"block":1' in kept[1].details


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"{", b""),
        (b'"verdict":{', b'"verdict":5,"was":{'),
        (b'"finished_us":', b'"finished_us":"then","was":'),
        (b'"finished_us":', b'"finished_us":null,"first_block":'),
    ],
)
def test_a_verdict_that_cannot_be_read_is_none_and_soon_there_is_another(
    parts: Parts, record: Record, before: bytes, after: bytes
) -> None:
    seal_blocks(parts, record, 1)
    parts.verification.run(CALLER)
    kept = parts.settings.data_dir / "audit-verified.json"
    kept.write_bytes(kept.read_bytes().replace(before, after, 1))

    assert parts.verification.last() is None
    parts.verification.run_if_due(CALLER)
    last = parts.verification.last()
    assert last is not None
    assert last.report.is_intact


def test_an_intact_range_clears_no_verdict_and_puts_none_off(parts: Parts, record: Record) -> None:
    seal_blocks(parts, record, 4)
    alter(parts, "UPDATE audit_log SET username = 'mallory' WHERE block_id = 2")

    assert not parts.verification.run(CALLER).is_intact
    assert parts.verification.run(CALLER, Span(3, 4)).is_intact
    whole = parts.verification.last()
    assert not parts.verification.run(CALLER, Span(2, 2)).is_intact
    part = parts.verification.last()
    parts.verification.run_if_due(CALLER)
    again = parts.verification.last()

    assert whole is not None
    assert (whole.report.is_complete, whole.report.is_intact) == (True, False)
    assert part is not None
    assert not part.report.is_complete
    assert again is not None
    assert again.report.is_complete


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DELETE FROM audit_chain", "BROKEN, outside the blocks: the head of the chain is missing"),
        (
            "INSERT INTO audit_chain (id, number, seal, pruned) SELECT 0, number, seal, pruned FROM audit_chain",
            "BROKEN, outside the blocks: the head of the chain has a twin",
        ),
    ],
)
def test_the_command_tells_what_even_keeps_the_digest_from_sealing(
    parts: Parts, record: Record, environ: dict[str, str], statement: str, told: str
) -> None:
    seal_blocks(parts, record, 2)
    alter(parts, statement)

    with pytest.raises(RuntimeError, match=told):
        Shell(environ).run("audit", "verify")


def _success(parts: Parts) -> int:
    kept = parts.verification.last()
    assert kept is not None
    assert isinstance(kept.report, Report)
    return kept.last_success_us


def test_a_host_with_another_key_than_the_log_is_told_before_it_starts(
    parts: Parts, record: Record, set_config: Callable[..., Flask], environ: dict[str, str]
) -> None:
    seal_blocks(parts, record, 1)
    stranger = "another key than the one that sealed the log"

    same = CliRunner(env=environ).invoke(main, ["prepare"])
    other = CliRunner(env={**environ, "AUDIT_SEAL_KEY": stranger}).invoke(main, ["prepare"])

    assert (same.exit_code, same.stderr) == (0, "")
    assert (other.exit_code, other.stderr) == (0, f"filewallball: {OTHER_KEY}\n")
    parts = Parts(set_config(AUDIT_SEAL_KEY=stranger))
    found = host.audit(
        parts.settings, parts.database, parts.seals, parts.verification, RowFormat(parts.database, b"")
    )
    assert found.text == OTHER_KEY
