"""`filewallball audit …` as an operator uses it: what it prints, writes, ends with, and puts on record."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

from filewallball.audit.grants import grants
from filewallball.cli import main
from filewallball.clock import now_us, rfc3339
from filewallball.recording.event import Event
from harness.parts import Parts
from harness.shell import Shell
from tests.fixtures.audit_log import alter, rows_of, seal_blocks

Record = Callable[..., list[Event]]
_DAY_US = 86_400_000_000


def test_an_export_writes_the_matching_rows_and_says_how_many(
    parts: Parts, record: Record, environ: dict[str, str], tmp_path: Path
) -> None:
    events = record(1200, action="file:view") + record(3)
    target = tmp_path / "audit.csv"
    arguments = [
        "audit",
        "export",
        "--format",
        "csv",
        "--output",
        str(target),
        "--filter",
        "action=file:view",
    ]

    done = CliRunner(env=environ).invoke(main, arguments)

    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "1200 rows exported.\n")
    with target.open(newline="", encoding="utf-8") as file:
        found = [row["event_id"] for row in csv.DictReader(file)]
    assert found == [event.event_id for event in reversed(events[:1200])]
    (kept,) = _on_record(parts, "audit:export")
    named = {name: value for name, value in kept.items() if name != "operator"}
    assert kept.keys() - named.keys() == {"operator"}
    assert named == {"filters": {"action": "file:view"}, "format": "csv", "rows": 1200}


def test_an_export_for_excel_begins_with_a_byte_order_mark(
    parts: Parts, record: Record, environ: dict[str, str], tmp_path: Path
) -> None:
    record(2, username="홍길동")
    target = tmp_path / "audit.csv"

    Shell(environ).run("audit", "export", "--format", "csv-excel", "--output", str(target))

    assert target.read_bytes().startswith(b"\xef\xbb\xbfid,event_id,")
    with target.open(newline="", encoding="utf-8-sig") as file:
        assert [row["username"] for row in csv.DictReader(file)] == ["홍길동", "홍길동"]


def test_pruning_says_how_much_went_and_the_rest_is_intact(
    parts: Parts, record: Record, environ: dict[str, str]
) -> None:
    old = now_us() - 3 * _DAY_US
    record(5, timestamp_us=old)
    parts.sealer.run()
    record(2)
    shell = Shell(environ)

    assert shell.run("audit", "prune") == "0 rows pruned.\n"
    assert shell.run("audit", "prune", "--before", rfc3339(old + _DAY_US)) == "5 rows pruned.\n"

    assert "Intact: blocks 2 to 2, " in shell.run("audit", "verify")
    assert [details["rows"] for details in _on_record(parts, "audit:prune")] == [5]


def test_a_broken_log_ends_verifying_and_pruning_with_1(
    parts: Parts, record: Record, environ: dict[str, str]
) -> None:
    seal_blocks(parts, record, 2)
    alter(parts, "UPDATE audit_log SET username = 'mallory' WHERE id = 6")

    verified = CliRunner(env=environ).invoke(main, ["audit", "verify"])
    pruned = CliRunner(env=environ).invoke(main, ["audit", "prune", "--before", rfc3339(now_us())])

    assert (verified.exit_code, pruned.exit_code) == (1, 1)
    assert "BROKEN, block 2: row 6 was changed or inserted\n" in verified.stdout
    assert "\nNot intact: " in verified.stdout
    assert pruned.stderr == "filewallball: The audit log is not what was sealed\n"
    assert rows_of(parts, "SELECT COUNT(*) FROM audit_log WHERE block_id = 2") == [(4,)]


def test_grants_are_printed_for_the_account(app: Flask, environ: dict[str, str]) -> None:
    printed = Shell(environ).run("audit", "grants", "'adds'@'10.0.0.%'").splitlines()

    assert len(printed) == len(grants("x", "y"))
    log = [line for line in printed if ".`audit_log`" in line]
    assert [line.partition(" ON ")[0] for line in log] == ["GRANT SELECT, INSERT, UPDATE (block_id)"]
    assert all(line.endswith(" TO 'adds'@'10.0.0.%';") for line in printed)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("given", "each"), [("second", 0), ("full", 1)])
def test_full_durability_syncs_each_line_before_anything_is_done(
    set_config: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, given: str, each: int
) -> None:
    client = set_config(AUDIT_SYNC=given).test_client()
    client.get("/download/first")
    synced: list[int] = []
    monkeypatch.setattr("os.fdatasync", synced.append)

    assert client.get("/download/nothing").status_code == 404

    assert len(synced) == 2 * each  # its beginning and its end


def _on_record(parts: Parts, action: str) -> list[dict[str, object]]:
    parts.shipper.ship()
    rows = rows_of(parts, f"SELECT details FROM audit_log WHERE action = '{action}' ORDER BY id")
    return [json.loads(row.details) for row in rows]
