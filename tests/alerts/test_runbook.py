"""The runbook as the service shows it: one text, a page whose anchors the rules' links lead to, and JSON."""

import re

import pytest
from flask.testing import FlaskClient

from filewallball.alerts.runbook import SOURCE, section_of, sections
from filewallball.ops.alert_rules import rules
from filewallball.settings.loading import load_settings
from harness import ROOT

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_the_package_carries_the_text_of_the_documentation() -> None:
    assert SOURCE.read_text() == (ROOT / "docs/runbook.md").read_text(), "run `make reference`"


def test_no_word_of_it_is_lost() -> None:
    found = "".join(section.name + section.text for section in sections())
    text = re.sub(r"^#+ ", "", SOURCE.read_text(), flags=re.MULTILINE)

    assert re.sub(r"\s", "", found) == re.sub(r"\s", "", text)


@on_sqlite
def test_the_link_of_every_rule_leads_to_its_section(client: FlaskClient) -> None:
    page = client.get("/runbook")

    assert page.status_code == 200
    assert page.content_type == "text/html; charset=utf-8"
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    anchors = re.findall(r'<section id="([^"]+)">', page.text)
    assert len(anchors) == len(set(anchors))
    for rule in rules(load_settings({})):
        assert rule.section in anchors
        assert section_of(rule.name) is not None
    assert "<script" not in page.text
    assert client.get("/runbook/static/runbook.css").status_code == 200


@on_sqlite
def test_the_same_is_there_as_json(client: FlaskClient) -> None:
    answer = client.get("/runbook.json").get_json()["sections"]

    names = [section["alert"] for section in answer if section["alert"]]
    assert names == [rule.name for rule in rules(load_settings({}))]
    page = client.get("/runbook").text
    assert all(section["html"] in page for section in answer)


def test_links_lead_to_the_service_where_it_has_an_address() -> None:
    def runbook(**environ: str) -> str:
        return load_settings(environ).alert_runbook_url

    assert runbook() == "docs/runbook.md"
    assert runbook(PUBLIC_URL="https://files.example.org/") == "https://files.example.org/runbook"
    assert (
        runbook(PUBLIC_URL="https://files.example.org", ALERT_RUNBOOK_URL="https://wiki/x")
        == "https://wiki/x"
    )
