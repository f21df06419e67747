"""Dashboards are what Grafana reads: its own types take every key, and what they say is complete."""

import json
from typing import Any

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard as Schema

from filewallball.ops.artifacts import host_settings
from filewallball.ops.dashboards import Dashboard, dashboards
from harness import ROOT

# What the specification wants to see, with the panels of today for what it calls `graph`.
SPECIFIED = {
    "FileWallBall System Overview": {
        "File Uploads": ("timeseries", "file_uploads_total"),
        "Response Time": ("timeseries", "file_upload_duration_seconds_bucket"),
        "Error Rate": ("timeseries", "errors_total"),
        "Storage Usage": ("gauge", "storage_utilization_percent"),
    },
    "FileWallBall Security": {
        "Failed Authentications": ("timeseries", "authentication_failures_total"),
        "Rate Limit Violations": ("timeseries", "rate_limit_violations_total"),
        "Suspicious Uploads": ("stat", "suspicious_uploads_total"),
    },
}
DASHBOARDS = dashboards(host_settings({}))
WITHOUT_QUERIES = ("alertlist",)
# What the data source for Prometheus reads of an annotation; the types are of annotations of any source.
OF_PROMETHEUS = {"titleFormat", "textFormat", "useValueForTime"}
each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.uid)


def model(dashboard: Dashboard) -> dict[str, Any]:
    """The dashboard as Grafana gets it."""
    found: dict[str, Any] = json.loads(dashboard.render("https://example.org/runbook"))
    return found


@pytest.fixture(scope="module", autouse=True)
def panel_types() -> None:
    """Grafana's own panels, whose options are typed too."""
    plugins.register_default_plugins()


@each_dashboard
def test_grafanas_types_take_every_key(dashboard: Dashboard) -> None:
    said = model(dashboard)
    understood = json.loads(JSONEncoder().encode(Schema.from_json(said)))

    assert [path for path in _lost(said, understood, "") if not _is_of_prometheus(path)] == []


def test_a_key_that_grafana_does_not_know_is_noticed() -> None:
    said = model(DASHBOARDS[0])
    said["panels"][1]["options"]["colourMode"] = "value"
    understood = json.loads(JSONEncoder().encode(Schema.from_json(said)))

    lost = [path for path in _lost(said, understood, "") if not _is_of_prometheus(path)]
    assert lost == ["/panels/1/options/colourMode"]


@each_dashboard
def test_panels_have_places_of_their_own_words_and_known_units(dashboard: Dashboard) -> None:
    said = model(dashboard)
    known = {value for value in vars(units).values() if isinstance(value, str)}
    cells: set[tuple[int, int]] = set()
    for panel in said["panels"]:
        place = panel["gridPos"]
        taken = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        assert all(x < 24 for x, _ in taken), panel["title"]
        cells |= taken
        if panel["type"] != "row":
            assert panel["description"].endswith("."), panel["title"]
            assert panel["targets"] or panel["type"] in WITHOUT_QUERIES, panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"] in known, panel["title"]
    assert len({panel["id"] for panel in said["panels"]}) == len(said["panels"])
    variables = {each["name"] for each in said["templating"]["list"]}
    assert variables >= {"datasource", "instance"}
    assert ("window" in variables) == ("$window" in json.dumps(said["panels"])), (
        "a choice that changes nothing"
    )


@pytest.mark.parametrize("title", SPECIFIED)
def test_the_specified_panels_are_there(title: str) -> None:
    (dashboard,) = (each for each in DASHBOARDS if each.title == title)
    panels = {panel["title"]: panel for panel in model(dashboard)["panels"]}

    for name, (kind, metric) in SPECIFIED[title].items():
        assert panels[name]["type"] == kind
        assert metric in panels[name]["targets"][0]["expr"]


@each_dashboard
def test_links_lead_to_sections_of_the_runbook(dashboard: Dashboard) -> None:
    lines = (ROOT / "docs" / "runbook.md").read_text().splitlines()
    sections = {line.strip("# ").lower().replace(" ", "-") for line in lines if line.startswith("#")}
    links = [link["url"] for panel in model(dashboard)["panels"] for link in panel.get("links", [])]

    assert links
    assert {url.partition("#")[2] for url in links} <= sections


def _is_of_prometheus(path: str) -> bool:
    return path.startswith("/annotations/list/") and path.rpartition("/")[2] in OF_PROMETHEUS


def _lost(said: Any, understood: Any, path: str) -> list[str]:
    """Paths of what did not come back as it was said."""
    if isinstance(said, dict) and isinstance(understood, dict):
        return [
            lost
            for key, value in said.items()
            for lost in (
                [f"{path}/{key}"] if key not in understood else _lost(value, understood[key], f"{path}/{key}")
            )
        ]
    if isinstance(said, list) and isinstance(understood, list) and len(said) == len(understood):
        return [
            lost
            for at, pair in enumerate(zip(said, understood, strict=True))
            for lost in _lost(*pair, f"{path}/{at}")
        ]
    return [] if said == understood else [path]
