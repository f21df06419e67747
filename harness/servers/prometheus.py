"""A private Prometheus under a configuration and rules that the test writes."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import requests

from harness.servers.base import Server


class Prometheus(Server):
    """`configure`, `start`, then ask it as its users do."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def configure(self, configuration: str, rules: str = "") -> None:
        """Write `prometheus.yml`, and its rule file `filewallball_alerts.yml`."""
        self._config_path().write_text(configuration)
        (self.folder / "filewallball_alerts.yml").write_text(rules)

    def command(self) -> list[str]:
        return [
            "prometheus",
            f"--config.file={self._config_path()}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--enable-feature=exemplar-storage",
            "--log.level=warn",
        ]

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/-/ready", timeout=5).ok
        except requests.RequestException:
            return False

    def reload(self) -> None:
        """Read configuration and rules anew."""
        os.kill(self.pid, signal.SIGHUP)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an instant query."""
        return list(self._get("query", query=expression)["result"])

    def exemplars(self, series: str) -> list[dict[str, Any]]:
        """Every exemplar of these series."""
        parameters = {"query": series, "start": "0", "end": str(time.time() + 60)}
        found = self._data("query_exemplars", **parameters)
        return [exemplar for one in found for exemplar in one["exemplars"]]

    def alerts(self) -> list[dict[str, Any]]:
        """Alerts that are pending or firing."""
        return list(self._get("alerts")["alerts"])

    def _get(self, path: str, **parameters: str) -> dict[str, Any]:
        data: dict[str, Any] = self._data(path, **parameters)
        return data

    def _data(self, path: str, **parameters: str) -> Any:
        answer = requests.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30)
        answer.raise_for_status()
        return answer.json()["data"]

    def _config_path(self) -> Path:
        return self.folder / "prometheus.yml"
