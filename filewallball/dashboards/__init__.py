"""Grafana: dashboards and how Grafana finds them, built in code so that tests can ask every query."""

from collections.abc import Callable
from functools import partial

from filewallball.config import Settings
from filewallball.dashboards.clients import CLIENTS
from filewallball.dashboards.dashboard import Dashboard
from filewallball.dashboards.integrity import INTEGRITY
from filewallball.dashboards.overview import OVERVIEW
from filewallball.dashboards.provisioning import FOLDER, datasource, provider, server
from filewallball.dashboards.security import SECURITY
from filewallball.rendering import Artifact

DASHBOARDS = (OVERVIEW, SECURITY, INTEGRITY, CLIENTS)

__all__ = ["ARTIFACTS", "DASHBOARDS", "FOLDER", "Dashboard"]


def _render(dashboard: Dashboard, settings: Settings) -> str:
    return dashboard.render(settings.alert_runbook_url)


def _artifact(path: str, text: Callable[[Settings], str]) -> Artifact:
    return Artifact(f"grafana/{path}", text, wanted=lambda settings: settings.grafana_enabled)


ARTIFACTS = (
    _artifact("grafana.ini", server),
    _artifact("provisioning/datasources/filewallball.yml", datasource),
    _artifact("provisioning/dashboards/filewallball.yml", provider),
    *(_artifact(f"dashboards/{each.uid}.json", partial(_render, each)) for each in DASHBOARDS),
)
