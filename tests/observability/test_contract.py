"""The contract is what the code counts, what the dashboards and rules ask for, and what Prometheus calls good names."""

import ast
import json
import re
from collections.abc import Iterator
from math import prod
from typing import Any

import pytest
from flask import Flask
from prometheus_client.mmap_dict import mmap_key

from filewallball.observability import vocabulary as words
from filewallball.observability.contract import BY_NAME, CONTRACT
from filewallball.observability.metric import COUNTER, HISTOGRAM
from filewallball.observability.metric_store.exemplar_file import KEY_BYTES, LIMIT
from filewallball.ops.alert_rules import records
from filewallball.ops.artifacts import host_settings
from filewallball.ops.shared_records import SHARED
from harness import ROOT
from tests.observability.promql import labels_in, metrics_in

SAMPLES = {name: metric for metric in CONTRACT for name in metric.sample_names}
_PROMETHEUS = {"up", "ALERTS", "ALERTS_FOR_STATE", "scrape_duration_seconds"}
_HEALTH = {
    "filewallball_health_status",
    "filewallball_health_response_seconds",
    "filewallball_uptime_seconds",
}
_NODE_EXPORTER = {
    *("node_cpu_seconds_total", "node_load1", "node_load15", "node_uname_info"),
    *("node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes"),
    *("node_filesystem_avail_bytes", "node_filesystem_size_bytes"),
    *("node_disk_read_bytes_total", "node_disk_written_bytes_total"),
    *("node_network_receive_bytes_total", "node_network_transmit_bytes_total"),
}
_WATCHERS = {"prometheus_rule_evaluation_failures_total", "alertmanager_notifications_failed_total"}
_RECORDED = {record.name for record in records(host_settings({}))}
_ALWAYS_THERE = _RECORDED | _PROMETHEUS | _HEALTH | _NODE_EXPORTER | _WATCHERS
_ALWAYS_LABELS = {"slo", "le", "job", "instance", "alertname", "severity", "service", "alertstate"}
_NODE_LABELS = {"mode", "device", "fstype", "mountpoint"}

# The specification's own expressions: dashboards, then alert rules.
SPECIFIED = [
    "rate(file_uploads_total[5m])",
    "histogram_quantile(0.95, rate(file_upload_duration_seconds_bucket[5m]))",
    "rate(errors_total[5m])",
    "storage_utilization_percent",
    "rate(authentication_failures_total[5m])",
    "rate(rate_limit_violations_total[5m])",
    "suspicious_uploads_total",
    "rate(errors_total[5m]) > 0.05",
    "storage_utilization_percent > 90",
    "up == 0",
    "histogram_quantile(0.95, rate(file_upload_duration_seconds_bucket[5m])) > 5",
]
SPECIFIED_LABELS = {
    "file_uploads_total": ("status", "file_type", "client_ip"),
    "file_downloads_total": ("file_type", "client_ip"),
    "file_upload_duration_seconds": ("file_type",),
    "file_size_bytes": ("file_type",),
    "active_connections": (),
    "errors_total": ("error_type", "endpoint"),
    "authentication_failures_total": ("failure_type",),
    "rate_limit_violations_total": ("endpoint",),
    "suspicious_uploads_total": (),
    "storage_utilization_percent": (),
}


def expressions_in_ops() -> Iterator[tuple[str, str]]:
    """Every PromQL expression under ops/, with its file."""
    for path in sorted((ROOT / "ops").rglob("*.json")):
        yield from ((path.name, found) for found in _expressions(json.loads(path.read_text())))
    for path in sorted((ROOT / "ops").rglob("*.y*ml")):
        for line in re.findall(r"^\s*(?:-\s+)?expr:\s*(.+)$", path.read_text(), re.MULTILINE):
            yield path.name, line.strip().strip("'\"")


def _expressions(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "expr" and isinstance(item, str):
                yield item
            else:
                yield from _expressions(item)
    elif isinstance(value, list):
        for item in value:
            yield from _expressions(item)


def unknown_in(expression: str) -> set[str]:
    """Metrics and labels of an expression that the contract does not have."""
    names = metrics_in(expression) - _ALWAYS_THERE
    labels = {label for name in names if name in SAMPLES for label in SAMPLES[name].label_names}
    labels |= {label for each in SHARED if each.name in metrics_in(expression) for label in each.labels}
    labels |= {"integration"} if metrics_in(expression) & _WATCHERS else set()
    labels |= _NODE_LABELS if metrics_in(expression) <= _NODE_EXPORTER else set()
    return (names - SAMPLES.keys()) | (labels_in(expression) - labels - _ALWAYS_LABELS)


@pytest.mark.parametrize("expression", SPECIFIED)
def test_what_the_specification_asks_for_is_there(expression: str) -> None:
    assert unknown_in(expression) == set()


@pytest.mark.parametrize("name", SPECIFIED_LABELS)
def test_specified_metrics_have_their_labels(name: str) -> None:
    assert BY_NAME[name].label_names == SPECIFIED_LABELS[name]


def test_dashboards_and_rules_name_only_what_exists() -> None:
    assert {(file, name) for file, found in expressions_in_ops() for name in unknown_in(found)} == set()


@pytest.mark.parametrize(
    ("expression", "unknown"),
    [
        ('sum by (status) (rate(file_uploads_total{file_type=~"image/.*"}[5m])) / 2e3', set()),
        ("increase(file_upload_total[1h]) > bool 3", {"file_upload_total"}),
        ('sum(errors_total{code="x"}) or vector(0)', {"code"}),
        ("sum by (path) (flask_http_request_total)", {"path"}),
        (
            "histogram_quantile(0.9, sum by (le, url_rule) (flask_http_request_duration_seconds_bucket))",
            set(),
        ),
    ],
)
def test_unknown_names_are_found(expression: str, unknown: set[str]) -> None:
    assert unknown_in(expression) == unknown


def test_names_are_unique_and_say_what_they_measure() -> None:
    assert len(BY_NAME) == len(CONTRACT)
    for metric in CONTRACT:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", metric.name), metric.name
        assert metric.name.endswith("_total") == (metric.kind == COUNTER), metric.name
        assert bool(metric.buckets) == (metric.kind == HISTOGRAM), metric.name
        assert metric.about, metric.name
        if metric.kind == HISTOGRAM:
            assert metric.name.endswith(("_seconds", "_bytes")), metric.name


def test_addresses_are_on_no_histogram() -> None:
    assert not [
        metric for metric in CONTRACT if metric.kind == HISTOGRAM and "client_ip" in metric.label_names
    ]


def test_exemplars_have_room_for_every_bucket_of_the_families_that_time_operations() -> None:
    timed = [
        metric
        for metric in CONTRACT
        if metric.buckets == words.SECONDS and metric.name.startswith(("file_", "upload_"))
    ]
    buckets = [prod(label.size for label in metric.labels) * (len(metric.buckets) + 1) for metric in timed]
    longest = max(words.MEDIA_TYPES, key=len)
    keys = [
        mmap_key(metric.name, f"{metric.name}_bucket", ["file_type", "le"], [longest, "300.0"], "")
        for metric in timed
    ]

    assert len(timed) == 3
    assert sum(buckets) <= LIMIT == 2000
    assert max(map(len, keys)) <= KEY_BYTES


def test_preset_series_fit_their_labels() -> None:
    for metric in CONTRACT:
        assert len(set(metric.preset)) == len(metric.preset), metric.name
        assert all(len(values) == len(metric.labels) for values in metric.preset), metric.name


def test_rules_of_preset_series_are_the_applications(app: Flask) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    assert {*words.UPLOAD_RULES, *words.DOWNLOAD_RULES} <= rules
    assert len(rules) <= words.MAX_RULES


def test_every_action_in_the_code_is_a_label_of_its_own() -> None:
    used = {action for path in (ROOT / "filewallball").rglob("*.py") for action in _actions(path.read_text())}
    assert len(used) > 20
    assert used <= set(words.ACTIONS)


def _actions(source: str) -> Iterator[str]:
    """The actions with which `recorded("…", …)` and `operation(ledger, "…", …)` are called."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            position = {"recorded": 0, "operation": 1, "_operation": 0}.get(node.func.id)
            if position is not None and len(node.args) > position:
                action = node.args[position]
                if isinstance(action, ast.Constant):
                    yield str(action.value)
