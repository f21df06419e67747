"""Commands called with nonsense, on data of another release or without streams end in clear lines and a status."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from filewallball.cli import main
from harness import ROOT

_PROGRAM = "from filewallball.cli import main; main(prog_name='filewallball')"
_KOREAN = "김철수"


@pytest.fixture(scope="module")
def data(prepared_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DATA_DIR with a user; leave its database as it is."""
    folder = tmp_path_factory.mktemp("misuse")
    shutil.copyfile(prepared_sqlite, folder / "filewallball.db")
    _run(folder, "users", "create", _KOREAN)
    return folder


def _run(folder: Path, *arguments: str) -> Result:
    return CliRunner(env={"DATA_DIR": str(folder)}).invoke(main, arguments)


def _start(folder: Path, *arguments: str | bytes, **options: object) -> subprocess.CompletedProcess[bytes]:
    environ = {**os.environ, "DATA_DIR": str(folder), **options.pop("env", {})}  # type: ignore[dict-item]
    command = [sys.executable, "-c", _PROGRAM, *arguments]
    return subprocess.run(command, env=environ, cwd=ROOT, check=False, timeout=60, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["users", "change", "\udcff", "--disable"], "no text in the encoding"),
        (["users", "create", ""], "filewallball: username: 1 to 128 bytes"),
        (["audit", "verify", "--from", "9" * 5000], "neither a block number nor a date"),
        (["backup", "create", ""], "name a folder"),
        (["ops", "render", "--out", ""], "name a folder"),
        (["serve", "--data-dir", ""], "name a folder"),
        (["backup", "prune", "backups"], "Say which backups go"),
        (["user", "list"], "No such command 'user'; did you mean 'users'?"),
        (["users", "lsit"], "No such command 'lsit'; did you mean 'list'?"),
        (["users", "nonsense"], "No such command 'nonsense'."),
        (["db", "upgrade", "nonsense"], "Can't locate revision identified by 'nonsense'"),
        (["reference", sys.executable], "is no text"),
    ],
)
def test_wrong_arguments_end_with_2_and_say_what_is_wrong(
    data: Path, arguments: list[str], said: str
) -> None:
    done = _run(data, *arguments)

    assert (done.exit_code, said in done.output, "Traceback" in done.output) == (2, True, False)


def test_the_name_of_nobody_lists_no_tokens(data: Path) -> None:
    assert _run(data, "tokens", "list", "--user", "").exit_code == 1


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "Can't locate revision identified by '9999'"),
        ("ALTER TABLE audit_log DROP COLUMN format", "has not all tables of this release"),
        (None, "the database cannot be read: file is not a database"),
    ],
)
def test_a_database_that_this_release_cannot_use_is_one_clear_line(
    prepared_sqlite: Path, tmp_path: Path, damage: str | None, said: str
) -> None:
    path = tmp_path / "filewallball.db"
    if damage is None:
        path.write_bytes(b"no database" * 1000)
    else:
        shutil.copyfile(prepared_sqlite, path)
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(damage)

    done = _run(tmp_path, *(["users", "create", "kim"] if "release" in said else ["prepare"]))

    (line,) = [line for line in done.output.splitlines() if line.startswith("filewallball: ")]
    assert said in line
    assert done.exit_code
    assert done.exception is None or isinstance(done.exception, SystemExit)


def test_jobs_that_fail_make_maintain_once_end_with_1(tmp_path: Path) -> None:
    (tmp_path / "filewallball.db").touch()

    assert _run(tmp_path, "maintain", "--once").exit_code == 1


def _closed(number: int) -> Callable[[], None]:
    return lambda: os.close(number)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_stream_that_is_closed_is_no_failure_and_no_file_of_the_service_gets_its_number(
    data: Path, number: int
) -> None:
    done = _start(data, "users", "list", preexec_fn=_closed(number), capture_output=True)

    assert (done.returncode, done.stderr) == (0, b"")


def test_output_that_cannot_be_written_is_one_line_and_a_reader_who_has_enough_is_none(data: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        unwritten = [
            _start(data, *arguments, stdout=full, stderr=subprocess.PIPE)
            for arguments in (["--help"], ["users", "list"])
        ]
    reader, writer = os.pipe()
    os.close(reader)
    unread = _start(data, "users", "list", stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)

    assert {done.stderr for done in unwritten} == {b"filewallball: No space left on device\n"}
    assert unread.stderr == b""
    assert {done.returncode for done in (*unwritten, unread)} == {1}


def test_letters_that_the_encoding_lacks_are_escaped(data: Path) -> None:
    lines, listed = (
        _start(data, "users", "list", *more, env={"PYTHONIOENCODING": "latin-1"}, capture_output=True).stdout
        for more in ([], ["--json"])
    )

    assert b"\\uae40" in lines
    assert json.loads(listed)[-1]["username"] == _KOREAN
