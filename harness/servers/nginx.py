"""A private nginx under a configuration that the test writes."""

import os
import signal
from pathlib import Path

from harness.servers.base import Server

_FRAME = """
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/client_body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {http}
}}
"""


class Nginx(Server):
    """Give the content of its `http` block to `configure`, listening on `port`, then `start`."""

    # Its workers outlive a master that is killed outright.
    death_signal = "TERM"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def configure(self, http: str) -> None:
        # As root its workers must read and write what the test's own user owns.
        user = "user root;" if os.geteuid() == 0 else ""
        self.config_path.write_text(_FRAME.format(user=user, folder=self.folder, http=http))

    def command(self) -> list[str]:
        return ["nginx", "-c", str(self.config_path), "-e", "stderr", "-g", "daemon off;"]

    def reload(self) -> None:
        os.kill(self.pid, signal.SIGHUP)

    def access_log(self) -> str:
        return (self.folder / "access.log").read_text()

    @property
    def config_path(self) -> Path:
        """The file that it reads."""
        return self.folder / "nginx.conf"
