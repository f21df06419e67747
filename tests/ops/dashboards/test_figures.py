"""Figures of now tell what is now: of a service that is gone, idle, or was never seen to do a thing."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from filewallball.ops.artifacts import host_settings
from filewallball.ops.dashboards import dashboards
from tests.ops.promtool import expect

_AT = 'job="filewallball",instance="a:8000"'
_HEALTH = 'job="filewallball-health",instance="a:8000"'
_HEALTH_UP = f"up{{{_HEALTH}}}"
_OVERALL = f'filewallball_health_status{{service="overall",{_HEALTH}}}'
_SUCCESSES = f'operations_total{{action="file:upload",status="success",{_AT}}}'
_FAULTS = f'errors_total{{error_type="storage_full",endpoint="/upload",{_AT}}}'
_DEAD_LINKS = f'errors_total{{error_type="not_found",endpoint="/download/<file_id>",{_AT}}}'


def _firing(name: str, severity: str, job: str = "filewallball", instance: str = "a:8000") -> str:
    return f'ALERTS{{alertname="{name}",alertstate="firing",severity="{severity}",job="{job}",instance="{instance}"}}'


_WATCHDOG = 'ALERTS{alertname="Watchdog",alertstate="firing",severity="none"}'


@dataclass(frozen=True)
class Figure:
    """A panel over a history of samples 15 seconds apart, and the value it shows after 10 minutes."""

    panel: str
    history: dict[str, str]
    shown: float | None


FIGURES = {
    "a healthy service": Figure("Health", {_HEALTH_UP: "1x40", _OVERALL: "1x40"}, 1),
    "a degraded service": Figure("Health", {_HEALTH_UP: "1x40", _OVERALL: "0.5x40"}, 0.5),
    "a service that went away is unhealthy": Figure(
        "Health", {_HEALTH_UP: "1x30 0x10", _OVERALL: "1x30 stale"}, 0
    ),
    "nothing fires but the Watchdog": Figure("Alerts firing", {_WATCHDOG: "1x40"}, 0),
    "an alert and the Watchdog": Figure(
        "Alerts firing", {_WATCHDOG: "1x40", _firing("ScannerDown", "warning"): "1x40"}, 1
    ),
    "an alert that waits for its time": Figure(
        "Alerts firing",
        {'ALERTS{alertname="ScannerDown",alertstate="pending",severity="warning"}': "1x40"},
        0,
    ),
    "an inhibited alert is not counted beside its cause": Figure(
        "Alerts firing",
        {
            _firing("ServiceDown", "critical"): "1x40",
            _firing("ServiceDown", "critical", "filewallball-health"): "1x40",
            _firing("StorageFull", "critical"): "1x40",
            _firing("StorageUtilizationHigh", "critical"): "1x40",
        },
        2,
    ),
    "another instance's alert inhibits nothing": Figure(
        "Alerts firing",
        {
            _firing("ServiceDown", "critical", instance="b:8000"): "1x40",
            _firing("ServiceDown", "critical", "filewallball-health"): "1x40",
        },
        2,
    ),
    "an idle service": Figure("Failed operations", {_SUCCESSES: "9x40", _FAULTS: "1x40"}, 0),
    "a service that is gone": Figure("Failed operations", {}, None),
    "dead links are no failures": Figure(
        "Failed operations", {_SUCCESSES: "0+1x40", _FAULTS: "0x40", _DEAD_LINKS: "0+9x40"}, 0
    ),
    "one in four": Figure("Failed operations", {_SUCCESSES: "0+3x40", _FAULTS: "0+1x40"}, 25),
    "no lookups in the cache": Figure(
        "Metadata cache",
        {
            f'cache_requests_total{{result="hit",{_AT}}}': "5x40",
            f'cache_requests_total{{result="miss",{_AT}}}': "5x40",
        },
        None,
    ),
    "a log that was never verified": Figure(
        "Audit log found intact", {f"audit_verify_last_success_timestamp_seconds{{{_AT}}}": "0x40"}, None
    ),
    "a log verified 590 seconds ago": Figure(
        "Audit log found intact", {f"audit_verify_last_success_timestamp_seconds{{{_AT}}}": "10x40"}, 590
    ),
    "a host that never took a backup": Figure(
        "Age of the last backup", {f"backup_last_success_timestamp_seconds{{{_AT}}}": "0x40"}, None
    ),
    "one host that never took a backup beside one that did": Figure(
        "Age of the last backup",
        {
            f"backup_last_success_timestamp_seconds{{{_AT}}}": "0x40",
            'backup_last_success_timestamp_seconds{job="filewallball",instance="b:8000"}': "10x40",
        },
        None,
    ),
    "the older backup of two hosts": Figure(
        "Age of the last backup",
        {
            f"backup_last_success_timestamp_seconds{{{_AT}}}": "10x40",
            'backup_last_success_timestamp_seconds{job="filewallball",instance="b:8000"}': "300x40",
        },
        590,
    ),
    "a disk of 100 bytes that loses one in 15 seconds": Figure(
        "Free in 24 hours",
        {
            f"storage_free_bytes{{{_AT}}}": "90-1x40",
            f"storage_size_bytes{{{_AT}}}": "100x40",
        },
        50 - 86400 / 15,
    ),
    "a verification that failed before the time shown": Figure(
        "Failed verifications", {f"audit_verify_failures_total{{{_AT}}}": "3x40"}, 0
    ),
}


@pytest.mark.server
@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_a_figure_shows(tmp_path: Path, figure: Figure) -> None:
    (target,) = _panel(figure.panel)["targets"]
    expr = target["expr"].replace("$instance", ".*")
    for window in ("$window", "$__rate_interval", "$__range"):
        expr = expr.replace(window, "5m")

    expect(tmp_path, figure.history, expr, "10m", figure.shown)


def test_only_lines_are_drawn_from_the_past() -> None:
    kinds = {(panel["type"], target["range"]) for panel in _panels() for target in panel.get("targets", [])}

    assert {kind for kind, is_range in kinds if is_range} == {"timeseries", "heatmap"}
    assert not {("timeseries", False), ("heatmap", False)} & kinds


def test_lines_over_time_follow_the_steps_of_the_drawing() -> None:
    """With a fixed window, what happened between two points of a long time would be in neither."""
    for panel, target in _targets():
        if target["range"]:
            assert "$window" not in target["expr"], panel["title"]
        else:
            assert "$__rate_interval" not in target["expr"], panel["title"]


def test_no_figure_is_shown_twice() -> None:
    shown: dict[str, str] = {}
    for panel, target in _targets():
        expr = re.sub(r"\$(window|__rate_interval|__range)", "W", target["expr"])
        expr = re.sub(r"\binstance=~\S+?(?=[,}])", "", expr)
        assert shown.setdefault(expr, panel["title"]) == panel["title"], expr


def test_latencies_show_their_exemplars() -> None:
    timed = [
        target for _, target in _targets() if "_duration_seconds_bucket" in target["expr"] and target["range"]
    ]

    assert len(timed) > 5
    assert all(target["exemplar"] for target in timed)
    assert not [target for _, target in _targets() if target.get("exemplar") and target not in timed]


def test_no_colour_depends_on_a_number_of_bytes() -> None:
    """A gigabyte is much of one disk and little of another."""
    for panel in _panels():
        defaults = panel.get("fieldConfig", {}).get("defaults", {})
        if defaults.get("unit") == "bytes":
            assert len(defaults["thresholds"]["steps"]) == 1, panel["title"]


def test_what_never_happened_is_called_never() -> None:
    for title in ("Age of the last backup", "Audit log found intact"):
        assert _panel(title)["fieldConfig"]["defaults"]["noValue"] == "never"


def test_no_colour_depends_on_what_only_ever_grows() -> None:
    """A counter's value never falls: a limit on it is passed for ever."""
    for panel in _panels():
        limits = panel.get("fieldConfig", {}).get("defaults", {}).get("thresholds", {}).get("steps", [])
        for target in panel.get("targets", []):
            assert len(limits) < 2 or "_total" not in _without_windows(target["expr"]), panel["title"]


def test_colours_follow_the_settings_as_the_alerts_do() -> None:
    weekly = {"AUDIT_VERIFY_INTERVAL": "7d", "BACKUP_MAX_AGE": "8d"}
    day = 86_400

    for title, expected in (("Audit log found intact", 14 * day + 3600), ("Age of the last backup", 8 * day)):
        steps = _panel(title, weekly)["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert steps[-1] == {"value": expected, "color": "red"}


def test_links_are_only_where_they_open() -> None:
    by_path = [
        panel for each in dashboards(host_settings({})) for panel in _links(each.render("docs/runbook.md"))
    ]
    by_url = [panel for each in dashboards(host_settings({})) for panel in _links(each.render("https://a/r"))]

    assert by_path == []
    assert len(by_url) > 20


def _links(text: str) -> list[dict[str, Any]]:
    return [link for panel in json.loads(text)["panels"] for link in panel.get("links", [])]


def _panels(environ: dict[str, str] | None = None) -> list[dict[str, Any]]:
    settings = host_settings(environ or {})
    return [panel for each in dashboards(settings) for panel in json.loads(each.render("r"))["panels"]]


def _targets() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(panel, target) for panel in _panels() for target in panel.get("targets", [])]


def _panel(title: str, environ: dict[str, str] | None = None) -> dict[str, Any]:
    (found,) = (panel for panel in _panels(environ) if panel["title"] == title)
    return found


def _without_windows(expr: str) -> str:
    """The expression without the selectors that a range follows."""
    return re.sub(r"\w+(\{[^{}]*\})?\[[^\[\]]*\]", "", expr)
