"""Rows of a newer format are written once the database says that every process understands them, and not before."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner

from filewallball.audit.structure import structure
from filewallball.cli import main
from filewallball.filesystem import locked
from filewallball.observability.metric_store.slots import Slots
from filewallball.recording.event import Event
from filewallball.recording.row_format import FIRST, NEWEST, RowFormat
from filewallball.settings.loading import load_settings
from harness.parts import Parts
from harness.shell import Shell
from tests.conftest import SEAL_KEY
from tests.fixtures.audit_log import alter, finish_upgrade, rows_of, write_as_before

Record = Callable[..., list[Event]]


def test_a_new_database_takes_the_newest_format_at_once(parts: Parts, record: Record) -> None:
    record(1, trace_id="7" * 32)

    assert _formats(parts) == [NEWEST]


def test_upgrade_finish_lets_every_process_write_the_newest_format(
    parts: Parts, record: Record, environ: dict[str, str]
) -> None:
    write_as_before(parts)
    now = [0.0]
    parts.ledger.writer.row_format = RowFormat(parts.database, SEAL_KEY.encode(), lambda: now[0])
    record(1)

    said = [Shell(environ).run("upgrade", "finish") for _ in range(2)]
    record(1)
    now[0] += 5
    record(1)

    assert said == ["Audit rows are written in format 2.\n"] * 2
    assert _formats(parts) == [FIRST, FIRST, FIRST, NEWEST]
    assert len(rows_of(parts, "SELECT mac FROM audit_formats")) == 1


@pytest.mark.parametrize(
    "row", ["'', 2, 1", f"'{'0' * 64}', 2, 1", "'x', 9, 0"], ids=["no mac", "a wrong mac", "a later one"]
)
def test_nobody_without_the_key_can_say_that_all_processes_understand_a_format(
    parts: Parts, record: Record, row: str
) -> None:
    write_as_before(parts)
    alter(parts, f"INSERT INTO audit_formats (mac, format, finished_us) VALUES ({row})")

    record(1, trace_id="7" * 32)

    assert _formats(parts) == [FIRST]


def test_a_record_that_was_altered_is_not_believed(parts: Parts) -> None:
    alter(parts, "UPDATE audit_formats SET finished_us = finished_us + 1")

    assert RowFormat(parts.database, SEAL_KEY.encode()).current() == FIRST


def test_what_a_later_release_finished_is_written_as_far_as_this_one_can(parts: Parts) -> None:
    later = RowFormat(parts.database, SEAL_KEY.encode())
    row = f"'{later._mac(NEWEST + 1, 5)}', {NEWEST + 1}, 5"
    alter(parts, "DELETE FROM audit_formats", f"INSERT INTO audit_formats VALUES ({row})")

    assert later.current() == NEWEST


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("other", ["nobody", "a service", "a command"])
def test_prepare_finishes_the_upgrade_of_a_sqlite_database_that_nothing_else_uses(
    parts: Parts, environ: dict[str, str], tmp_path: Path, other: str
) -> None:
    """The DATA_DIR is the folder of the database, as it is by default."""
    write_as_before(parts)
    environ["DATA_DIR"] = str(tmp_path)
    folder = load_settings(environ).slots_dir
    folder.mkdir()

    with ExitStack() as running:
        if other == "a service":
            lock = os.open(folder / "service.lock", os.O_RDWR | os.O_CREAT, 0o600)
            assert running.enter_context(locked(lock))
        elif other == "a command":
            slots = Slots(folder)
            slots.number()
            running.callback(slots.release)
        Shell(environ).run("prepare")

    assert _finished(parts) == (NEWEST if other == "nobody" else FIRST)


def test_prepare_leaves_an_upgrade_to_the_operator_where_others_may_use_the_database(
    parts: Parts, environ: dict[str, str]
) -> None:
    """As of MariaDB, and of a SQLite file outside of DATA_DIR."""
    write_as_before(parts)

    done = CliRunner(env=environ).invoke(main, ["prepare"])

    assert (done.exit_code, "run `filewallball upgrade finish`" in done.stderr) == (0, True)
    assert _finished(parts) == FIRST


def test_going_back_is_refused_once_rows_of_the_newest_format_are_on_record(
    parts: Parts, record: Record, environ: dict[str, str]
) -> None:
    write_as_before(parts)
    record(2)
    parts.sealer.run()
    before = rows_of(parts, _EVENTS)
    shell = Shell(environ)

    shell.run("db", "downgrade", "0008")
    shell.run("db", "upgrade")
    assert rows_of(parts, _EVENTS) == before
    assert parts.verification.verifier().verify().findings == []

    finish_upgrade(parts)
    shell.run("db", "downgrade", "0008")
    shell.run("db", "upgrade")
    assert _finished(parts) == FIRST

    shell.run("upgrade", "finish")
    record(1)
    with pytest.raises(RuntimeError, match="an earlier release cannot verify"):
        shell.run("db", "downgrade", "0008")
    assert parts.sealer.run() == 2  # the operation itself, too
    assert parts.verification.verifier().verify().findings == []


def test_a_backup_of_an_earlier_release_replaces_rows_of_any_format(
    parts: Parts, record: Record, environ: dict[str, str], tmp_path: Path
) -> None:
    write_as_before(parts)
    record(2)
    parts.sealer.run()
    shell, folder = Shell(environ), str(tmp_path / "backups")
    shell.run("db", "downgrade", "0008")
    shell.run("backup", "create", "--create", folder)
    shell.run("db", "upgrade")
    shell.run("upgrade", "finish")
    Shell(environ).run("audit", "verify")
    assert NEWEST in _formats(parts)

    shell.run("backup", "restore", folder, "--force")

    assert set(_formats(parts)) == {FIRST}
    assert _finished(parts) == FIRST


def test_a_migration_broken_off_after_the_columns_is_run_again(parts: Parts, environ: dict[str, str]) -> None:
    write_as_before(parts)
    shell = Shell(environ)
    shell.run("db", "downgrade", "0008")
    parts.database.close()  # or SQLite would know the columns still
    alter(parts, "ALTER TABLE audit_log ADD COLUMN format SMALLINT DEFAULT 1 NOT NULL")
    alter(
        parts,
        *(
            f"ALTER TABLE audit_log ADD COLUMN {name} {_CODE[parts.database.dialect.name]}"
            for name in ("link_id", "trace_id")
        ),
    )

    shell.run("db", "upgrade")

    assert parts.database.query(structure) == []


def _formats(parts: Parts) -> list[int]:
    return [row[0] for row in rows_of(parts, "SELECT format FROM audit_log ORDER BY id")]


def _finished(parts: Parts) -> int:
    return RowFormat(parts.database, SEAL_KEY.encode()).finished()


_EVENTS = "SELECT id, event_id, mac, block_id FROM audit_log ORDER BY id"
_CODE = {
    "sqlite": "VARCHAR(32)",
    "mariadb": "VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin",
    "mysql": "VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin",
}
