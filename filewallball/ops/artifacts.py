"""Every file that `filewallball ops render` writes, and the host it describes where the environment is silent."""

from collections.abc import Mapping

from filewallball.ops import alertmanager, dashboards, nginx_artifacts, prometheus
from filewallball.ops.rendering import Artifact
from filewallball.settings.loading import load_settings
from filewallball.settings.service import Settings

HOST = {"DATA_DIR": "/var/lib/filewallball", "PUBLIC_URL": "https://files.example.org"}

ARTIFACTS = (
    Artifact("prometheus/prometheus.yml", prometheus.configuration),
    Artifact(f"prometheus/{prometheus.RULE_FILE}", prometheus.alert_rules),
    Artifact("alertmanager/alertmanager.yml", alertmanager.configuration, mode=0o640),
    *dashboards.ARTIFACTS,
    *nginx_artifacts.ARTIFACTS,
)


def host_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings that artifacts are rendered from: the environment first, then the host of docs/deploy.md."""
    return load_settings(environ, HOST)
