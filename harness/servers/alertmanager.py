"""A private Alertmanager under a configuration that the test writes."""

from pathlib import Path

import requests

from harness.servers.base import Server


class Alertmanager(Server):
    """`configure`, then `start`."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def configure(self, configuration: str) -> None:
        """Write `alertmanager.yml`."""
        self._config_path().write_text(configuration)

    def command(self) -> list[str]:
        return [
            "prometheus-alertmanager",
            f"--config.file={self._config_path()}",
            f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",  # otherwise it gossips on every address
            "--log.level=debug",
        ]

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/-/ready", timeout=5).ok
        except requests.RequestException:
            return False

    def _config_path(self) -> Path:
        return self.folder / "alertmanager.yml"
