"""This service under gunicorn, as `make run` starts it, on a private port and data folder."""

from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import ClassVar

from harness import ROOT
from harness.servers.base import Process
from harness.servers.gunicorn import Gunicorn
from harness.servers.warm import WarmProcess
from harness.shell import Shell


class Service(Gunicorn):
    """Master and workers; `settings` are environment variables beside those that make it private."""

    warm: ClassVar[WarmProcess | None] = None
    """What forks services, where they may do without a start of their own."""

    def __init__(self, folder: Path, settings: dict[str, str] | None = None, workers: int = 2) -> None:
        super().__init__(folder, "wsgi:app", ["-c", str(ROOT / "gunicorn.conf.py")])
        self.data_dir = folder / "data"
        self.settings = {
            "BIND": "127.0.0.1",
            "PORT": str(self.port),
            "DATA_DIR": str(self.data_dir),
            "WEB_CONCURRENCY": str(workers),
            "PREPARE_ON_START": "true",
            **(settings or {}),
        }

    def environment(self) -> dict[str, str]:
        return {**super().environment(), **self.settings}

    def listening(self) -> list[str]:
        return []  # its settings say so

    def is_ready(self) -> bool:
        # Asked fifty times a second while it starts, which the library `requests` would slow down by a tenth.
        asking = HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            asking.request("GET", "/health/live")
            return asking.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            asking.close()

    def cli(self, *arguments: str) -> str:
        """The output of `filewallball ...` under this service's settings; raises when it fails."""
        return Shell(self.environment()).run(*arguments)

    def _spawn(self, output: int) -> Process:
        if self.warm is not None and self.warm.can_be(self):
            return self.warm.fork(self, output)
        return super()._spawn(output)
