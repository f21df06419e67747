"""Grafana: dashboards and how Grafana finds them, built in code so that tests can ask every query."""

from collections.abc import Callable
from functools import partial

from filewallball.ops.alert_rules import backup_within, verified_within
from filewallball.ops.dashboards.clients import CLIENTS
from filewallball.ops.dashboards.dashboard import Dashboard
from filewallball.ops.dashboards.integrity import integrity
from filewallball.ops.dashboards.overview import OVERVIEW
from filewallball.ops.dashboards.provisioning import FOLDER, datasource, provider, server
from filewallball.ops.dashboards.security import SECURITY
from filewallball.ops.rendering import Artifact
from filewallball.settings.service import Settings

__all__ = ["ARTIFACTS", "FOLDER", "Dashboard", "dashboards"]
_UIDS = ("filewallball-overview", "filewallball-security", "filewallball-integrity", "filewallball-clients")


def dashboards(settings: Settings) -> tuple[Dashboard, ...]:
    """All of them; figures turn red where the alert of the same settings fires."""
    return (OVERVIEW, SECURITY, integrity(verified_within(settings), backup_within(settings)), CLIENTS)


def _render(uid: str, settings: Settings) -> str:
    (wanted,) = (each for each in dashboards(settings) if each.uid == uid)
    return wanted.render(settings.alert_runbook_url)


def _artifact(path: str, text: Callable[[Settings], str]) -> Artifact:
    return Artifact(f"grafana/{path}", text, wanted=lambda settings: settings.grafana_enabled)


ARTIFACTS = (
    _artifact("grafana.ini", server),
    _artifact("provisioning/datasources/filewallball.yml", datasource),
    _artifact("provisioning/dashboards/filewallball.yml", provider),
    *(_artifact(f"dashboards/{uid}.json", partial(_render, uid)) for uid in _UIDS),
)
