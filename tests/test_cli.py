"""The command line as a whole: what it lists is there, and a call imports no more than it runs."""

import os
import subprocess
import sys

import click
import pytest

from filewallball.cli import COMMANDS, main

_LARGE = {"flask", "sqlalchemy", "marshmallow", "redis", "prometheus_client", "flask_limiter"}
_PROGRAM = """
import atexit, sys
from filewallball.cli import main
atexit.register(lambda: print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr))
main(sys.argv[1:], prog_name="filewallball")
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_that_is_listed_is_there_and_says_the_same(name: str) -> None:
    command = main.get_command(click.Context(main), name)

    assert command is not None
    assert command.name == name
    assert " ".join((command.help or "").split()).startswith(COMMANDS[name][1].rstrip("."))


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_what_needs_no_service_imports_no_large_library(argument: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, argument], capture_output=True, text=True, check=True
    )

    assert done.stdout
    assert _LARGE & set(done.stderr.split()) == set()


def test_a_shell_completes_the_commands_and_imports_none_of_them() -> None:
    environ = {
        **os.environ,
        "_FILEWALLBALL_COMPLETE": "bash_complete",
        "COMP_WORDS": "filewallball qu",
        "COMP_CWORD": "1",
    }

    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], env=environ, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["plain,quarantine", "plain,quotas"]
    assert _LARGE & set(done.stderr.split()) == set()
