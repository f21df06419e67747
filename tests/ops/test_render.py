"""`filewallball ops render`: the defaults in the repository, stale files named, secrets kept from others."""

import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from filewallball import errors
from filewallball.cli import main
from filewallball.ops.artifacts import ARTIFACTS, host_settings
from filewallball.ops.nginx import configuration
from filewallball.ops.nginx_problems import maps
from filewallball.ops.rendering import stale
from harness import ROOT


def test_the_configurations_in_the_repository_are_those_of_the_defaults() -> None:
    assert list(stale(ARTIFACTS, host_settings({}), ROOT / "ops")) == [], "run `make render`"


def test_check_names_what_is_missing_or_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _render(monkeypatch, tmp_path)[0] == 0
    assert _render(monkeypatch, tmp_path, "--check") == (0, "")
    changed, missing = tmp_path / ARTIFACTS[0].path, tmp_path / ARTIFACTS[-1].path
    changed.write_text(changed.read_text() + "\n")

    code, printed = _render(monkeypatch, tmp_path, "--check")

    assert (code, printed) == (1, f"stale: {changed}\n")
    missing.unlink()
    assert f"stale: {missing}\n" in _render(monkeypatch, tmp_path, "--check")[1]


def test_nginx_answers_with_the_codes_that_the_catalogue_has_for_its_statuses() -> None:
    status_of = {kind.code: kind.status for kind in errors.catalogue()}
    codes = next(text for text in "\n".join(maps()).split("}") if "_problem_code" in text)

    own = {int(status): code for status, code in re.findall(r'(\d{3}) "(\w+)"', codes)}
    differing = {status: code for status, code in own.items() if status_of[code] != status}

    assert {400, 414, 431} <= own.keys()
    assert differing == {502: "unavailable", 504: "unavailable"}


def test_a_service_that_is_reached_by_an_ipv6_address_is_redirected_to_in_brackets() -> None:
    text = configuration(host_settings({"PUBLIC_URL": "https://[2001:db8::1]"}))

    assert text.count("server_name [2001:db8::1];") == 2
    assert "return 308 https://[2001:db8::1]$request_uri;" in text


def test_prometheus_is_configured_as_the_guide_writes_it_and_reaches_alertmanager(tmp_path: Path) -> None:
    content = yaml.safe_load((ROOT / "ops/prometheus/prometheus.yml").read_text())

    labels = content["global"].pop("external_labels")
    assert content["global"] == {"scrape_interval": "15s", "evaluation_interval": "15s"}
    assert labels == {"host": "files.example.org"}
    assert content["rule_files"] == ["filewallball_alerts.yml"]
    assert content["scrape_configs"][:2] == [
        {
            "job_name": "filewallball",
            "static_configs": [{"targets": ["localhost:8000"]}],
            "metrics_path": "/metrics",
            "scrape_interval": "15s",
        },
        {
            "job_name": "filewallball-health",
            "static_configs": [{"targets": ["localhost:8000"]}],
            "metrics_path": "/health",
            "scrape_interval": "30s",
        },
    ]
    assert content["scrape_configs"][2]["job_name"] == "node"
    assert content["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["localhost:9093"]}]}]


def _render(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str) -> tuple[int, str]:
    monkeypatch.setenv("DATA_DIR", str(folder / "data"))
    done = CliRunner().invoke(main, ["ops", "render", "--out", str(folder), *arguments])
    return done.exit_code, done.output
