"""The configuration of Prometheus: the seed's scrape jobs, node_exporter, the rules and Alertmanager."""

import socket
from typing import Any
from urllib.parse import SplitResult, urlsplit

from filewallball.ops.alert_rules import groups, record_groups
from filewallball.ops.guide_rules import Rule
from filewallball.ops.rendering import yaml_text
from filewallball.ops.request_failures import Record
from filewallball.ops.shared_records import INTERVAL_SECONDS, SHARED_GROUP
from filewallball.settings.service import Settings

RULE_FILE = "filewallball_alerts.yml"
_INSTANCE = "{{ $labels.instance }}"


def configuration(settings: Settings) -> str:
    """`prometheus.yml`."""
    return yaml_text(
        {
            "global": {
                "scrape_interval": "15s",
                "evaluation_interval": "15s",
                "external_labels": {"host": _host(settings)},
            },
            "rule_files": [RULE_FILE],
            "alerting": {"alertmanagers": [_alertmanager(settings)]},
            "scrape_configs": _jobs(settings),
        }
    )


def alert_rules(settings: Settings) -> str:
    """`filewallball_alerts.yml`."""
    return yaml_text(
        {
            "groups": [
                *(_records(name, group) for name, group in record_groups(settings).items()),
                *(
                    {"name": name, "rules": [_rule(rule, settings.alert_runbook_url) for rule in group]}
                    for name, group in groups(settings).items()
                ),
            ]
        }
    )


def _records(name: str, group: tuple[Record, ...]) -> dict[str, Any]:
    interval = {"interval": f"{INTERVAL_SECONDS}s"} if name == SHARED_GROUP else {}
    return {"name": name, **interval, "rules": [_record(each) for each in group]}


def _host(settings: Settings) -> str:
    """The name that alerts give this place: `localhost:8000` says nothing to people who have two."""
    return settings.alert_host or urlsplit(settings.public_url).hostname or socket.gethostname()


def _record(record: Record) -> dict[str, Any]:
    labels = {"labels": record.labels} if record.labels else {}
    return {"record": record.name, "expr": record.expr, **labels}


def _rule(rule: Rule, runbook: str) -> dict[str, Any]:
    return {
        "alert": rule.name,
        "expr": rule.expr,
        "for": rule.hold,
        "labels": {"severity": rule.severity},
        "annotations": {
            "summary": rule.summary,
            "description": rule.description.replace(
                _INSTANCE, f"{_INSTANCE} on {{{{ $externalLabels.host }}}}"
            ),
            "runbook_url": f"{runbook}#{rule.section}",
        },
    }


def _jobs(settings: Settings) -> list[dict[str, Any]]:
    service = list(settings.prometheus_targets) or [f"localhost:{settings.port}"]
    access = _access(settings)
    jobs: list[dict[str, Any]] = [
        _job("filewallball", service, "/metrics", "15s") | access,
        _job("filewallball-health", service, "/health", "30s") | access,
    ]
    if settings.prometheus_node_targets:
        jobs.append(_job("node", list(settings.prometheus_node_targets), "/metrics", "15s"))
    alertmanager = urlsplit(settings.alertmanager_url)
    jobs += [
        _job("prometheus", [f"localhost:{settings.prometheus_port}"], "/metrics", "15s"),
        _scheme(alertmanager)
        | _job("alertmanager", [alertmanager.netloc], f"{alertmanager.path}/metrics", "15s"),
    ]
    return jobs


def _job(name: str, targets: list[str], path: str, interval: str) -> dict[str, Any]:
    return {
        "job_name": name,
        "static_configs": [{"targets": targets}],
        "metrics_path": path,
        "scrape_interval": interval,
    }


def _access(settings: Settings) -> dict[str, Any]:
    if not settings.prometheus_token_file:
        return {}
    return {"authorization": {"credentials_file": settings.prometheus_token_file}}


def _alertmanager(settings: Settings) -> dict[str, Any]:
    where = urlsplit(settings.alertmanager_url)
    prefix = {"path_prefix": where.path} if where.path else {}
    return _scheme(where) | prefix | {"static_configs": [{"targets": [where.netloc]}]}


def _scheme(where: SplitResult) -> dict[str, Any]:
    return {} if where.scheme == "http" else {"scheme": where.scheme}
