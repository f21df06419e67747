"""The configuration of Prometheus: the seed's scrape jobs, node_exporter, the rules and Alertmanager."""

from typing import Any
from urllib.parse import urlsplit

from filewallball.config import Settings
from filewallball.rendering import yaml_text

RULE_FILE = "filewallball_alerts.yml"


def configuration(settings: Settings) -> str:
    """`prometheus.yml`."""
    return yaml_text(
        {
            "global": {"scrape_interval": "15s", "evaluation_interval": "15s"},
            "rule_files": [RULE_FILE],
            "alerting": {"alertmanagers": [_alertmanager(settings)]},
            "scrape_configs": list(_jobs(settings)),
        }
    )


def _jobs(settings: Settings) -> list[dict[str, Any]]:
    service = list(settings.prometheus_targets) or [f"localhost:{settings.port}"]
    access = _access(settings)
    jobs: list[dict[str, Any]] = [
        _job("filewallball", service, "/metrics", "15s") | access,
        _job("filewallball-health", service, "/health", "30s") | access,
    ]
    if settings.prometheus_node_targets:
        jobs.append(_job("node", list(settings.prometheus_node_targets), "/metrics", "15s"))
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
    entry: dict[str, Any] = {"static_configs": [{"targets": [where.netloc]}]}
    if where.scheme != "http":
        entry = {"scheme": where.scheme} | entry
    if where.path:
        entry = {"path_prefix": where.path} | entry
    return entry
