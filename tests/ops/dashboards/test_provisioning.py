"""Grafana finds what it is given: one data source, one folder, nothing where nobody wants it."""

from pathlib import Path

import yaml

from filewallball.ops.dashboards import ARTIFACTS, FOLDER
from filewallball.ops.rendering import write
from filewallball.settings.loading import load_settings


def test_the_data_source_is_the_prometheus_of_the_settings(tmp_path: Path) -> None:
    for environ, expected in (
        ({"PROMETHEUS_PORT": "9191"}, "http://localhost:9191"),
        ({"PROMETHEUS_URL": "https://prometheus.example.org"}, "https://prometheus.example.org"),
    ):
        list(write(ARTIFACTS, load_settings(environ), tmp_path))
        content = yaml.safe_load((tmp_path / "grafana/provisioning/datasources/filewallball.yml").read_text())
        (source,) = content["datasources"]
        assert (source["type"], source["url"], source["access"]) == ("prometheus", expected, "proxy")


def test_an_exemplar_leads_to_the_story_of_its_request(tmp_path: Path) -> None:
    for environ, expected in (
        ({}, []),
        (
            {"PUBLIC_URL": "https://files.example.org/"},
            ["https://files.example.org/console/audit/$${__value.raw}"],
        ),
    ):
        list(write(ARTIFACTS, load_settings(environ), tmp_path))
        content = yaml.safe_load((tmp_path / "grafana/provisioning/datasources/filewallball.yml").read_text())
        found = content["datasources"][0]["jsonData"]["exemplarTraceIdDestinations"]
        assert [each["url"] for each in found] == expected
        assert {each["name"] for each in found} <= {"request_id"}


def test_dashboards_are_read_from_the_folder_that_the_doctor_looks_into(tmp_path: Path) -> None:
    list(write(ARTIFACTS, load_settings({"GRAFANA_PORT": "3333"}), tmp_path))
    (provider,) = yaml.safe_load((tmp_path / "grafana/provisioning/dashboards/filewallball.yml").read_text())[
        "providers"
    ]

    assert provider["options"]["path"] == FOLDER
    assert "http_port = 3333" in (tmp_path / "grafana/grafana.ini").read_text()
    assert len(list((tmp_path / "grafana/dashboards").iterdir())) == 4


def test_nothing_is_written_where_grafana_is_not_wanted(tmp_path: Path) -> None:
    assert list(write(ARTIFACTS, load_settings({"GRAFANA_ENABLED": "false"}), tmp_path)) == []
