"""Prometheus's own tools take what we say: promtool finds nothing to mend, a server scrapes both formats."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from harness.servers import Prometheus, Service
from harness.waiting import wait_until

pytestmark = pytest.mark.server

_CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: filewallball
  static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that has done a little of everything."""
    server = Service(tmp_path_factory.mktemp("service"), {"MAX_UPLOAD_SIZE": "1KB"}).start()
    file_id = server.request("PUT", "/upload/a.txt", data=b"some text\n").json()["file_id"]
    server.request("PUT", "/upload/b.txt", data=b"x" * 2000)
    server.request("GET", f"/download/{file_id}")
    server.request("GET", "/api/v1/audit/logs")
    server.request("GET", "/files", headers={"Authorization": "Bearer made-up"})
    server.request("GET", "/nothing")
    yield server
    server.kill()


@pytest.fixture
def between() -> Iterator[Callable[[Service, str], int]]:
    """Passes scrapes on with another Accept header: this Prometheus always asks for both formats."""
    proxies: list[ThreadingHTTPServer] = []

    def start(server: Service, accept: str) -> int:
        class Passing(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = server.request("GET", self.path, headers={"Accept": accept})
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers["Content-Type"])
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        proxies.append(ThreadingHTTPServer(("127.0.0.1", 0), Passing))
        threading.Thread(target=proxies[-1].serve_forever, daemon=True).start()
        return proxies[-1].server_port

    yield start
    for proxy in proxies:
        proxy.shutdown()
        proxy.server_close()


def test_promtool_finds_nothing_to_mend(server: Service) -> None:
    text = server.request("GET", "/metrics").content
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("accept", ["application/openmetrics-text;version=1.0.0", "text/plain;version=0.0.4"])
def test_a_real_prometheus_scrapes_it(
    server: Service, prometheus: Prometheus, between: Callable[[Service, str], int], accept: str
) -> None:
    prometheus.configure(_CONFIG.format(port=between(server, accept)))
    prometheus.start()
    wait_until(lambda: prometheus.query("up == 1"), 60, "a scrape that worked")
    for expression, lowest, highest in (
        ('sum(file_uploads_total{status="success"})', 1, 1),
        ('errors_total{error_type="file_too_large",endpoint="/upload/<filename>"}', 1, 1),
        ("histogram_quantile(0.95, sum by (le) (file_size_bytes_bucket))", 0, 1024),
    ):
        # A scrape that fails on a busy machine leaves no value for a moment.
        (found,) = wait_until(lambda asked=expression: prometheus.query(asked), 60, expression)  # type: ignore[misc]
        assert lowest <= float(found["value"][1]) <= highest, expression


def test_a_real_prometheus_finds_the_request_behind_a_bucket(server: Service, prometheus: Prometheus) -> None:
    prometheus.configure(_CONFIG.format(port=server.port))
    prometheus.start()
    series = '{__name__=~"file_(upload|download)_duration_seconds_bucket"}'
    found = wait_until(
        lambda: _two(prometheus.exemplars(series)), 60, "exemplars of an upload and a download"
    )

    token = (server.data_dir / "admin-token").read_text().strip()
    actions = []
    for exemplar in found or ():
        (row,) = server.request(
            "GET",
            "/api/v1/audit/logs",
            params=exemplar["labels"],
            headers={"Authorization": f"Bearer {token}"},
        ).json()["logs"]
        assert float(exemplar["value"]) * 1000 == pytest.approx(row["duration_ms"])
        actions.append(row["action"])
    assert sorted(actions) == ["file:download", "file:upload"]


def _two(exemplars: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    return exemplars if len(exemplars) == 2 else None
