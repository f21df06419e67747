"""The command line as a whole: what it lists is there, prints JSON, and a call imports no more than it runs."""

import gc
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from filewallball.cli import main
from filewallball.commands.table import COMMANDS, Entry, Group

# Run on, write a file that has a format of its own, or print what another program reads as it is.
_WITHOUT_DATA = {
    *("serve", "maintain", "prepare", "reference", "db upgrade", "db downgrade"),
    *("audit export", "audit grants"),
}
_LARGE = {"flask", "sqlalchemy", "marshmallow", "redis", "prometheus_client", "flask_limiter"}
_OF_REQUESTS = {"flask", "werkzeug", "flask_limiter", "flask_smorest", "flask_sqlalchemy", "redis", "limits"}
_NEVER = _OF_REQUESTS | {"alembic", "sqlalchemy.orm", "rich", "pymysql", "prometheus_client"}
_OF_SERVERS = {"gunicorn", "prometheus_flask_exporter", "opentelemetry"}
_FEW_OBJECTS = 1000  # of the 70,000 that are loaded
_SERVES = {"maintain"}  # has the application, for its jobs are those of the service
_PROGRAM = """
import atexit, sys
from filewallball.cli import main
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
main(sys.argv[1:], prog_name="filewallball")
"""


_AT_THE_END = """
import atexit, gc, sys
from filewallball.cli import main
atexit.register(lambda: print(len(gc.get_objects()), file=sys.stderr))
main(sys.argv[1:], prog_name="filewallball")
"""


def _commands(entries: dict[str, Entry], path: str = "") -> Iterator[tuple[str, Entry]]:
    for name, entry in entries.items():
        yield f"{path}{name}", entry
        if isinstance(entry, Group):
            yield from _commands(entry.commands, f"{path}{name} ")


def _command(path: str) -> click.Command:
    found: click.Command = main
    for name in path.split():
        assert isinstance(found, click.Group)
        following = found.get_command(click.Context(found), name)
        assert following is not None
        found = following
    return found


def _imported(done: subprocess.CompletedProcess[str]) -> set[str]:
    return set(done.stderr.splitlines()[-1].split())


def _run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a service that was prepared and never ran."""
    folder = tmp_path_factory.mktemp("data")
    _run("prepare", DATA_DIR=str(folder))
    return folder


@pytest.mark.parametrize(("path", "entry"), list(_commands(COMMANDS)))
def test_every_command_that_is_listed_is_there_and_says_the_same(path: str, entry: Entry) -> None:
    command = _command(path)

    assert command.name == path.split()[-1]
    assert " ".join((command.help or "").split()).startswith(entry.about.rstrip("."))


@pytest.mark.parametrize(
    "path", [path for path, entry in _commands(COMMANDS) if not isinstance(entry, Group)]
)
def test_whatever_tells_something_tells_it_as_json_too(path: str) -> None:
    options = {option for parameter in _command(path).params for option in parameter.opts}

    assert ("--json" in options) == (path not in _WITHOUT_DATA)


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("users", "--help"), ("backup", "list", ".")]
)
def test_what_needs_no_service_imports_no_large_library(arguments: tuple[str, ...]) -> None:
    done = _run(*arguments)

    assert _LARGE & _imported(done) == set()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("filewallball qu", ["plain,quarantine", "plain,quotas"]),
        ("filewallball tokens r", ["plain,revoke", "plain,rotate"]),
    ],
)
def test_a_shell_completes_the_commands_and_imports_none_of_them(words: str, expected: list[str]) -> None:
    place = str(len(words.split()) - 1)

    done = _run(_FILEWALLBALL_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=place)

    assert done.stdout.split() == expected
    assert {name for name in _imported(done) if name.endswith("commands")} == {"filewallball.commands"}
    assert _LARGE & _imported(done) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("users", "list"),
        ("blocks", "list", "--json"),
        ("quarantine", "list"),
        ("tokens", "create", "admin"),
    ],
)
def test_a_command_imports_nothing_that_only_answers_requests(
    arguments: tuple[str, ...], prepared_sqlite: Path, tmp_path: Path
) -> None:
    shutil.copyfile(prepared_sqlite, tmp_path / "filewallball.db")

    done = _run(*arguments, DATA_DIR=str(tmp_path))

    assert done.stdout
    assert _NEVER & _imported(done) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("audit", "export"),
        ("audit", "verify", "--json"),
        ("audit", "prune", "--json"),
        ("reconcile", "--json"),
        ("stats", "rebuild", "--json"),
    ],
)
def test_a_command_that_looks_through_the_log_imports_no_server(
    arguments: tuple[str, ...], prepared: Path
) -> None:
    done = _run(*arguments, DATA_DIR=str(prepared))

    assert done.stdout
    assert (_NEVER | _OF_SERVERS | {"cryptography"}) & _imported(done) == set()


def test_no_command_but_those_that_serve_loads_a_server() -> None:
    places = {
        path: f"filewallball.{entry.place.partition(':')[0]}"
        for path, entry in _commands(COMMANDS)
        if not isinstance(entry, Group)
    }
    modules = {place for path, place in places.items() if path not in _SERVES}
    program = (
        f"import importlib, sys\nfor name in {sorted(modules)}:\n    importlib.import_module(name)\n"
        "print(*sys.modules, file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert (_OF_REQUESTS | _OF_SERVERS) & _imported(done) == set()


def test_a_command_that_ends_leaves_nothing_to_look_through(prepared: Path) -> None:
    environ = {**os.environ, "DATA_DIR": str(prepared)}

    done = subprocess.run(
        [sys.executable, "-c", _AT_THE_END, "audit", "verify"],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )

    assert int(done.stderr.splitlines()[-1]) < _FEW_OBJECTS


def test_who_goes_on_after_a_command_keeps_its_collector() -> None:
    before = gc.get_freeze_count()

    assert CliRunner().invoke(main, ["users", "--help"]).exit_code == 0

    assert gc.isenabled()
    assert gc.get_freeze_count() <= before


def test_the_periodic_jobs_load_no_telemetry_for_the_client_of_redis() -> None:
    assert "opentelemetry" not in _imported(_run("maintain", "--help"))


def test_grants_name_every_table_of_the_database(prepared_sqlite: Path, tmp_path: Path) -> None:
    """A process of its own, for this one has imported all tables."""
    shutil.copyfile(prepared_sqlite, tmp_path / "filewallball.db")
    with closing(sqlite3.connect(prepared_sqlite)) as database:
        found = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        tables = {name for (name,) in found}

    done = _run("audit", "grants", "account", DATA_DIR=str(tmp_path))

    assert set(re.findall(r"`\.`(\w+)` TO account;", done.stdout)) == tables
    assert _OF_REQUESTS & _imported(done) == set()
