"""The code keeps the rules that linters cannot express, and each rule catches what it forbids."""

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import pytest

from harness import ROOT
from tests import code_rules
from tests.code_rules import Module, read_modules

Rule = Callable[[Module], Iterator[str]]

RULES: list[Rule] = [
    code_rules.commits_in_the_wrong_place,
    code_rules.files_written_in_the_wrong_place,
    code_rules.environment_read_outside_the_settings,
    code_rules.long_files,
    code_rules.long_functions,
]
MAINTAINED = frozenset({"filewallball.files.sweep"})


def test_the_code_keeps_every_rule() -> None:
    broken = [
        f"{rule.__name__}: {module.path}:{found}"
        for module in read_modules(ROOT)
        for rule in RULES
        for found in rule(module)
    ]

    assert broken == []


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (RULES[0], "filewallball/files/upload.py", "session.commit()"),
        (RULES[0], "filewallball/files/views.py", "with database.begin() as connection: pass"),
        (RULES[1], "filewallball/files/upload.py", "open(path, 'wb')"),
        (RULES[1], "filewallball/files/upload.py", "path.open(mode='a')"),
        (RULES[1], "filewallball/files/upload.py", "os.open(path, os.O_CREAT)"),
        (RULES[1], "filewallball/settings/service.py", "path.write_text('x')"),
        (RULES[1], "filewallball/files/sweep.py", "os.unlink(path)"),
        (RULES[2], "gunicorn.conf.py", "os.environ['PORT']"),
        (RULES[2], "filewallball/cli.py", "from os import getenv"),
        (RULES[2], "filewallball_client/cli.py", "os.environ['FWB_TOKEN']"),
        (RULES[3], "filewallball_client/cli.py", "x = 1\n" * 301),
        (RULES[3], "tests/test_all.py", "x = 1\n" * 301),
        (RULES[4], "filewallball/cli.py", "def long():\n" + "    x = 1\n" * 50),
    ],
)
def test_the_rule_catches_what_it_forbids(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Module(PurePosixPath(path), text, MAINTAINED)))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("filewallball/files/upload.py", '"""Why."""\nfrom filewallball.audit import append'),
        ("filewallball/files/upload.py", '"""Why."""\nfrom filewallball.clock import now_us'),
        ("filewallball/files/views.py", '"""Why."""\nfrom flask import request'),
        ("filewallball/files/sweep.py", '"""Why."""\nwith database.begin() as connection: pass'),
        ("filewallball/recording/operations.py", '"""Why."""\ntransaction.commit()'),
        ("filewallball/files/upload.py", '"""Why."""\nname.replace("a", "b")\nopen(path)\nstore.open(name)'),
        ("filewallball/storage/local.py", '"""Why."""\nos.unlink(path)'),
        ("filewallball/settings/loading.py", '"""Why."""\nos.environ["PORT"]'),
        ("filewallball/files/__init__.py", ""),
    ],
)
def test_the_rules_allow_what_the_design_allows(path: str, text: str) -> None:
    module = Module(PurePosixPath(path), text, MAINTAINED)

    assert [found for rule in RULES for found in rule(module)] == []
