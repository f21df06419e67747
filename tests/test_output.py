"""Commands as people see them on a terminal, and as programs read them from a pipe."""

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from filewallball.commands.output import table
from harness.shell import Shell
from tests.conftest import ADMIN_TOKEN, SEAL_KEY

_PROGRAM = "from filewallball.cli import main; main(prog_name='filewallball')"


@pytest.fixture
def environ(prepared_sqlite: Path, tmp_path: Path) -> dict[str, str]:
    """The settings of a service that was prepared."""
    shutil.copyfile(prepared_sqlite, tmp_path / "filewallball.db")
    environ = {
        "DATA_DIR": str(tmp_path),
        "ADMIN_TOKEN": ADMIN_TOKEN,
        "AUDIT_SEAL_KEY": SEAL_KEY,
        "MIN_FREE_SPACE": "0",
    }
    Shell(environ).run("prepare")
    return environ


def _on_a_terminal(environ: dict[str, str], *arguments: str, columns: int = 80) -> str:
    """Everything that a command shows to whoever sits at a terminal of so many columns."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *arguments],
        env={**os.environ, **environ, "TERM": "xterm", "COLUMNS": str(columns)},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(ours)
    assert process.wait(timeout=60) == 0, shown
    return shown.decode()


def test_on_a_terminal_a_list_is_an_aligned_table_without_tabs(environ: dict[str, str]) -> None:
    shown = _on_a_terminal(environ, "users", "list")

    title, row = (line for line in shown.splitlines() if "USERNAME" in line or "admin" in line)
    assert "\t" not in shown
    assert "CREATED" in title
    assert row.split()[:3] == ["1", "admin", "admin"]


def test_on_a_terminal_without_columns_a_list_can_be_read_all_the_same(environ: dict[str, str]) -> None:
    shown = _on_a_terminal(environ, "users", "list", columns=0)

    assert [line.split()[:3] for line in shown.splitlines() if "admin" in line] == [["1", "admin", "admin"]]


def test_on_a_terminal_long_work_shows_its_progress(environ: dict[str, str]) -> None:
    shown = _on_a_terminal(environ, "audit", "verify")

    assert "Verifying" in shown
    assert "100%" in shown


def test_in_a_pipe_the_result_is_printed_and_no_progress(environ: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, "audit", "verify", "--json"],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout)["is_intact"] is True
    assert all(json.loads(line)["logger"] for line in done.stderr.splitlines())  # the service's log


def test_no_value_breaks_the_columns_of_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    table([SimpleNamespace(id=1, name="a\ttab\nand a line")], ["id", "name"])

    title, row = capsys.readouterr().out.splitlines()
    assert len(row.split("\t")) == len(title.split("\t"))


def test_a_list_of_backups_is_a_table_a_line_each_or_json(environ: dict[str, str], tmp_path: Path) -> None:
    shell, folder = Shell(environ), str(tmp_path / "backups")
    taken = json.loads(shell.run("backup", "create", folder, "--create", "--json"))

    lines = shell.run("backup", "list", folder).splitlines()
    listed = json.loads(shell.run("backup", "list", folder, "--json"))
    shown = _on_a_terminal(environ, "backup", "list", folder)

    assert [line.split()[0] for line in lines] == [taken["backup_id"]]
    assert listed == [{**taken, "problem": None}]
    assert "BACKUP_ID" in shown
    assert taken["created"][:19].replace("T", " ") in shown


def test_a_command_writes_the_log_of_the_service(environ: dict[str, str]) -> None:
    log = Path(environ["DATA_DIR"], "logs", "filewallball.log")
    Path(environ["DATA_DIR"], "journal", "ship.lock").unlink()
    Path(environ["DATA_DIR"], "journal", "ship.lock").mkdir()

    subprocess.run(
        [sys.executable, "-c", _PROGRAM, "audit", "verify"], env={**os.environ, **environ}, check=True
    )

    assert "Audit events could not be shipped" in log.read_text()
