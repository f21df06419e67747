"""What the pages know by heart is what the service knows."""

import json
import re
from pathlib import Path

import pytest

from filewallball import console
from filewallball.audit.filters import STATUSES, VERBS
from filewallball.errors import WRONG_CREDENTIALS, catalogue
from filewallball.observability.vocabulary import ACTIONS, OTHER
from filewallball.permissions import ROLES
from harness import ROOT

STATIC = Path(next(iter(console.__path__))) / "static"
_KEY = re.compile(r"""^  "?([a-zA-Z0-9_:.-]+)"?:""", re.MULTILINE)


def words(name: str) -> set[str]:
    """The strings of a list in the vocabulary of the audit log's filters."""
    text = (STATIC / "lib/audit/vocabulary.js").read_text()
    found = re.search(rf"export const {name} = \[(.*?)\];", text, re.DOTALL)
    assert found is not None
    return set(re.findall(r'"([^"]+)"', found[1]))


def keys(language: str, view: str) -> set[str]:
    return set(_KEY.findall((STATIC / f"messages/{language}/{view}.js").read_text()))


def test_the_filters_of_the_audit_log_know_every_action_verb_and_outcome() -> None:
    assert words("ACTIONS") == {*ACTIONS} - {OTHER}
    assert words("VERBS") == VERBS.keys()
    assert words("STATUSES") == {*STATUSES}


def test_failed_authentications_are_those_that_are_counted() -> None:
    text = (STATIC / "lib/security/refusals.js").read_text()
    found = re.search(r"WRONG_CREDENTIALS = \[(.*?)\]", text)

    assert found is not None
    assert set(re.findall(r'"(\w+)"', found[1])) == {*WRONG_CREDENTIALS}


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_role_and_permission_has_words(language: str) -> None:
    known = keys(language, "access")

    assert {f"role_{role}" for role in ROLES} <= keys(language, "common")
    assert {f"role_{role}_note" for role in ROLES} <= known
    assert {f"permission_{name}" for name in frozenset().union(*ROLES.values())} <= known


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_problem_has_words(language: str) -> None:
    said = {key for key in keys(language, "common") if key.startswith("error_")}

    assert said - {"error_offline", "error_unreadable"} == {f"error_{error.code}" for error in catalogue()}


def test_each_chart_leads_to_the_panel_that_shows_the_same() -> None:
    board = json.loads((ROOT / "ops/grafana/dashboards/filewallball-overview.json").read_text())
    titles = {panel["id"]: panel["title"] for panel in board["panels"]}
    charts = re.findall(r'name: "(\w+)", grafana: (\d+)', (STATIC / "lib/overview/charts.js").read_text())

    assert {name: titles[int(number)] for name, number in charts} == {
        "uploads": "File Uploads",
        "response": "Response Time",
        "error_rate": "Error Rate",
        "traffic": "Bytes of files",
        "storage": "Storage Usage",
        "downloads": "File Downloads",
    }
