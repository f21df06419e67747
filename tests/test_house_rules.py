"""The house keeps its laws, and each law catches what it forbids."""

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import pytest

from harness import ROOT
from tests import house_rules
from tests.house_rules import House, Module, read_modules

Rule = Callable[[Module], Iterator[str]]

RULES: list[Rule] = [
    house_rules.features_that_reach_into_each_other,
    house_rules.requests_read_outside_the_edge,
    house_rules.commits_in_the_wrong_place,
    house_rules.metrics_outside_observability,
    house_rules.files_written_in_the_wrong_place,
    house_rules.environment_read_outside_config,
    house_rules.long_files,
    house_rules.long_functions,
    house_rules.files_that_do_not_say_why_they_exist,
    house_rules.tests_that_hide_or_wait,
]
HOUSE = House(
    modules=frozenset({"filewallball.audit", "filewallball.recording.audit_rows", "filewallball.clock"}),
    maintained=frozenset({"filewallball.files.sweep"}),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_the_law(rule: Rule) -> None:
    broken = [f"{module.path}:{found}" for module in read_modules(ROOT) for found in rule(module)]

    assert broken == []


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (RULES[0], "filewallball/files/service.py", "from filewallball.recording.audit_rows import append"),
        (RULES[0], "filewallball/files/service.py", "from filewallball.audit import trail"),
        (RULES[0], "filewallball/files/service.py", "import filewallball.recording.audit_rows"),
        (RULES[1], "filewallball/files/service.py", "from flask import request"),
        (RULES[1], "filewallball/recording/operations.py", "import flask\nflask.request.args"),
        (RULES[2], "filewallball/files/service.py", "session.commit()"),
        (RULES[2], "filewallball/files/views.py", "with database.begin() as connection: pass"),
        (RULES[3], "filewallball/files/service.py", "from prometheus_client import Counter"),
        (RULES[3], "filewallball/recording/operations.py", "import prometheus_flask_exporter"),
        (RULES[4], "filewallball/files/service.py", "open(path, 'wb')"),
        (RULES[4], "filewallball/files/service.py", "path.open(mode='a')"),
        (RULES[4], "filewallball/files/service.py", "os.open(path, os.O_CREAT)"),
        (RULES[4], "filewallball/settings/service.py", "path.write_text('x')"),
        (RULES[4], "filewallball/files/sweep.py", "os.unlink(path)"),
        (RULES[5], "gunicorn.conf.py", "os.environ['PORT']"),
        (RULES[5], "filewallball/cli.py", "from os import getenv"),
        (RULES[6], "tests/test_all.py", "x = 1\n" * 301),
        (RULES[7], "filewallball/cli.py", "def long():\n" + "    x = 1\n" * 50),
        (RULES[8], "filewallball/clock.py", "x = 1"),
        (RULES[9], "tests/test_all.py", "@pytest.mark.skipif(True)\ndef test(): pass"),
        (RULES[9], "tests/test_all.py", "import time\ntime.sleep(1)"),
    ],
)
def test_the_law_catches_what_it_forbids(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Module(PurePosixPath(path), text, HOUSE)))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("filewallball/files/service.py", '"""Why."""\nfrom filewallball.audit import append'),
        ("filewallball/files/service.py", '"""Why."""\nfrom filewallball.clock import now_us'),
        ("filewallball/files/views.py", '"""Why."""\nfrom flask import request'),
        ("filewallball/files/sweep.py", '"""Why."""\nwith database.begin() as connection: pass'),
        ("filewallball/recording/operations.py", '"""Why."""\ntransaction.commit()'),
        ("filewallball/files/service.py", '"""Why."""\nname.replace("a", "b")\nopen(path)\nstore.open(name)'),
        ("filewallball/storage/local.py", '"""Why."""\nos.unlink(path)'),
        ("filewallball/settings/service.py", '"""Why."""\nos.environ["PORT"]'),
        ("filewallball/files/__init__.py", ""),
    ],
)
def test_the_laws_allow_what_the_design_allows(path: str, text: str) -> None:
    module = Module(PurePosixPath(path), text, HOUSE)

    assert [found for rule in RULES for found in rule(module)] == []
