"""Grafana's data source, dashboards and address: files for /etc/grafana."""

from collections.abc import Iterator

from filewallball.ops.dashboards.panels import DATASOURCE_NAME
from filewallball.ops.rendering import yaml_text
from filewallball.settings.service import Settings

FOLDER = "/var/lib/grafana/dashboards/filewallball"
_UID = "filewallball-prometheus"


def datasource(settings: Settings) -> str:
    """`provisioning/datasources/filewallball.yml`."""
    url = settings.prometheus_url or f"http://localhost:{settings.prometheus_port}"
    source = {
        "name": DATASOURCE_NAME,
        "uid": _UID,
        "type": "prometheus",
        "access": "proxy",
        "url": url,
        "isDefault": True,
        "editable": False,
        # The scrape interval: Grafana asks for no finer steps.
        "jsonData": {
            "httpMethod": "POST",
            "timeInterval": "15s",
            "manageAlerts": True,
            "exemplarTraceIdDestinations": list(_stories(settings)),
        },
    }
    return yaml_text({"apiVersion": 1, "datasources": [source]})


def _stories(settings: Settings) -> Iterator[dict[str, str]]:
    """From an exemplar to its request's page in the console; Grafana reads `$$` in its files as `$`."""
    if settings.public_url:
        yield {
            "name": "request_id",
            "url": f"{settings.public_url}/console/audit/$${{__value.raw}}",
            "urlDisplayLabel": "Story of the request",
        }


def provider(_settings: Settings) -> str:
    """`provisioning/dashboards/filewallball.yml`: the JSON files are read from one folder, anew when they change."""
    found = {
        "name": "FileWallBall",
        "orgId": 1,
        "folder": "FileWallBall",
        "type": "file",
        "disableDeletion": True,
        "allowUiUpdates": False,
        "updateIntervalSeconds": 30,
        "options": {"path": FOLDER},
    }
    return yaml_text({"apiVersion": 1, "providers": [found]})


def server(settings: Settings) -> str:
    """`grafana.ini`: on loopback, behind a proxy or a tunnel; nobody signs up and nothing is reported to its makers."""
    return (
        "; Written by `filewallball ops render`: change the environment it reads, not this file.\n"
        f"[server]\nhttp_addr = 127.0.0.1\nhttp_port = {settings.grafana_port}\n\n"
        "[users]\nallow_sign_up = false\n\n"
        "[auth.anonymous]\nenabled = false\n\n"
        "[analytics]\nreporting_enabled = false\ncheck_for_updates = false\n"
    )
