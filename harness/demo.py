"""`make demo`: the service among all that stands around it in production, on loopback, with a minute of traffic.

MariaDB, Redis, nginx, Prometheus, Alertmanager and node_exporter from Debian's packages, each on a free port, under
the configurations that `filewallball ops render` writes. Ctrl-C ends all of it, and nothing is left behind.
"""

import random
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import click
import requests

from filewallball.ops import alertmanager, prometheus
from filewallball.ops.artifacts import host_settings
from harness.load import Load
from harness.servers import Alertmanager, Front, MariaDB, NodeExporter, Prometheus, Redis, Service
from harness.servers.base import Server

ADMIN_TOKEN = "fwb_demo-administrator-of-this-machine-alone"
_CLIENTS, _PAUSE_SECONDS = 4, 0.15
_TITLES = {"Front": "nginx", "NodeExporter": "node_exporter", "Service": "FileWallBall"}
_NAMES = ("report.txt", "notes.md", "measurements.csv", "readme.html", "보고서.txt")


class Traffic(Load):
    """Clients that upload, download, and sometimes ask for what is not there or send what is too large."""

    def __init__(self, url: str) -> None:
        super().__init__(_CLIENTS)
        self._url = url
        self._known: list[str] = []

    def client(self, number: int) -> None:
        chance = random.Random(number)
        pause = threading.Event()
        while self.goes_on:
            with suppress(requests.RequestException):
                chance.choices((self._upload, self._download, self._missing, self._too_large), (5, 12, 1, 1))[
                    0
                ](chance)
            pause.wait(chance.expovariate(1 / _PAUSE_SECONDS))

    def _upload(self, chance: random.Random) -> None:
        name, size = chance.choice(_NAMES), int(chance.lognormvariate(9, 2)) % 2_000_000
        answer = self._ask("PUT", f"/upload/{name}", data=f"{chance.random()}\n".encode() * (size // 20 + 1))
        if answer.status_code == 201:
            self._known.append(answer.json()["file_id"])

    def _download(self, chance: random.Random) -> None:
        if self._known:
            self._ask("GET", f"/download/{chance.choice(self._known)}")

    def _missing(self, chance: random.Random) -> None:
        self._ask("GET", f"/download/{chance.randbytes(16).hex()}")

    def _too_large(self, _chance: random.Random) -> None:
        self._ask("PUT", "/upload/too-large.bin", data=bytes(5_000_000))

    def _ask(self, method: str, path: str, **options: object) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, self._url + path, timeout=30, **options)  # type: ignore[arg-type]


class Demo:
    """All the servers, in the order in which they start."""

    def __init__(self, folder: Path) -> None:
        self.database = MariaDB(folder / "mariadb", folder / "mariadb-template")
        self.cache = Redis(folder / "redis")
        self.node = NodeExporter(folder / "node")
        self.alertmanager = Alertmanager(folder / "alertmanager")
        self.prometheus = Prometheus(folder / "prometheus")
        self.front = Front(folder / "nginx")
        self.service = Service(folder / "service", {})

    def start(self, ending: ExitStack, told: Callable[[str], None]) -> None:
        """Start everything; `ending` stops it."""
        self._start(self.database, ending, told)
        self._start(self.cache, ending, told)
        self.service.settings |= self._settings()
        self._start(self.service, ending, told)
        environ = self.service.environment()
        self.front.ship(environ)
        settings = host_settings(environ)
        self.alertmanager.configure(alertmanager.configuration(settings))
        self.prometheus.configure(prometheus.configuration(settings), prometheus.alert_rules(settings))
        for server in (self.front, self.node, self.alertmanager, self.prometheus):
            self._start(server, ending, told)

    def _start(self, server: Server, ending: ExitStack, told: Callable[[str], None]) -> None:
        ending.callback(server.kill)
        server.start()
        told(f"  {_TITLES.get(str(server), server)} on port {server.port}")

    def _settings(self) -> dict[str, str]:
        return {
            "ADMIN_TOKEN": ADMIN_TOKEN,
            "DATABASE_URL": self.database.create_database(),
            "REDIS_URL": self.cache.url,
            "SYNC_WORKERS": "2",
            "X_ACCEL": "true",
            "TRUSTED_PROXIES": "127.0.0.1/32",
            "MAX_UPLOAD_SIZE": "4MB",
            "RATELIMIT_UPLOAD": "3000/minute",
            "AUTOBLOCK_LIMITS": "off",
            "PUBLIC_URL": self.front.url,
            "ALERTMANAGER_URL": self.alertmanager.url,
            "PROMETHEUS_PORT": str(self.prometheus.port),
            "PROMETHEUS_TARGETS": f"127.0.0.1:{self.service.port}",
            "PROMETHEUS_NODE_TARGETS": f"127.0.0.1:{self.node.port}",
        }


@click.command(help=__doc__)
@click.option("--seconds", default=60, show_default=True, help="How long there is traffic.")
def main(seconds: int) -> None:
    told = click.echo
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with tempfile.TemporaryDirectory(prefix="filewallball-demo-") as name, ExitStack() as ending:
        with suppress(KeyboardInterrupt):
            told("Starting (about 20 seconds)")
            demo = Demo(Path(name))
            demo.start(ending, told)
            _show(demo, seconds, told)
        told("Ending all of it")


def _show(demo: Demo, seconds: int, told: Callable[[str], None]) -> None:
    waiting = threading.Event()
    pages = _pages(demo.prometheus)
    graph = f"{pages}/graph?g0.range_input=5m&g0.tab=0&g0.expr="
    slowest = "sum(rate(flask_http_request_duration_seconds_bucket%5B1m%5D))by(le)"
    told("\nOpen these now; Ctrl-C ends everything.\n")
    told(f"  Service        {demo.front.url}/  (administrator's token: {ADMIN_TOKEN})")
    told(f"  Uploads        {graph}sum(rate(file_uploads_total%5B1m%5D))by(status)")
    told(f"  Response time  {graph}histogram_quantile(0.95%2C{slowest})")
    told(f"  Alerts         {pages}/alerts and {demo.alertmanager.url}/")
    told(
        f"  Audit log      curl -H 'Authorization: Bearer {ADMIN_TOKEN}' '{demo.front.url}/api/v1/audit/logs?limit=5'"
    )
    told(f"\nTraffic for {seconds} seconds")
    with Traffic(demo.front.url):
        waiting.wait(seconds)
    told("The traffic has ended; the servers go on until Ctrl-C")
    waiting.wait()


def _pages(prometheus: Prometheus) -> str:
    """Where its web pages are: Debian ships the classic ones alone."""
    with requests.Session() as session:
        session.trust_env = False
        has_classic = session.get(f"{prometheus.url}/classic/graph", timeout=30).ok
    return f"{prometheus.url}/classic" if has_classic else prometheus.url


if __name__ == "__main__":
    main()
