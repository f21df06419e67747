"""nginx under the configuration that the project ships."""

from filewallball.ops.nginx_artifacts import ARTIFACTS
from filewallball.settings.loading import load_settings
from harness.servers.nginx import Nginx

_LOGS = "/var/log/nginx/"


class Front(Nginx):
    """The shipped file, rendered for one service; only its logs move to where a test may write."""

    def ship(self, environ: dict[str, str], public_url: str = "") -> None:
        """Configure for a service that runs under `environ`."""
        settings = load_settings({**environ, "PUBLIC_URL": public_url or self.url})
        self.configure(ARTIFACTS[0].text(settings).replace(_LOGS, f"{self.folder}/"))

    def lines(self) -> str:
        """Its JSON log."""
        return (self.folder / "filewallball.log").read_text()

    def error_log(self) -> str:
        """The log of what went wrong."""
        return (self.folder / "error.log").read_text()
