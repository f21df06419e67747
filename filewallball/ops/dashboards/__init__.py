"""Grafana: dashboards and how Grafana finds them, built in code so that tests can ask every query."""

from collections.abc import Callable
from functools import partial

from filewallball.ops.dashboards.clients import CLIENTS
from filewallball.ops.dashboards.dashboard import Dashboard
from filewallball.ops.dashboards.integrity import INTEGRITY
from filewallball.ops.dashboards.overview import OVERVIEW
from filewallball.ops.dashboards.provisioning import FOLDER, datasource, provider, server
from filewallball.ops.dashboards.security import SECURITY
from filewallball.ops.rendering import Artifact
from filewallball.settings.service import Settings

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
