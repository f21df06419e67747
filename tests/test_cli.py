"""The command line as a whole: what it lists is there, and a call imports no more than it runs."""

import subprocess
import sys

import click
import pytest

from filewallball.cli import COMMANDS, main

_LARGE = {"flask", "sqlalchemy", "marshmallow", "redis", "prometheus_client", "flask_limiter"}
_PROGRAM = """
import sys
from filewallball.cli import main
main(sys.argv[1:], standalone_mode=False)
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
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
