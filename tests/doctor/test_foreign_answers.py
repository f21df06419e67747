"""What answers in place of the service, its proxy or Prometheus is named, whatever it says."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from filewallball.doctor import neighbours
from filewallball.ops.dashboards import ARTIFACTS
from filewallball.ops.rendering import write
from filewallball.settings.loading import load_settings
from filewallball.settings.service import Settings

ANSWERS = {
    "a page": (200, "<html>Welcome</html>"),
    "an error page": (502, "<html>502 Bad Gateway</html>"),
    "other JSON": (200, '{"status": ["ok"], "services": [], "data": []}'),
    "a list": (200, "[]"),
    "nothing": (200, ""),
    "half a metric": (200, "# TYPE \n"),
}


class Stranger(BaseHTTPRequestHandler):
    """Answers whatever it is asked in one way."""

    answer = (200, "")

    def do_GET(self) -> None:
        status, text = self.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    """Settings under which a stranger stands wherever one of our own is expected."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        places = {"PORT": str(server.server_port), "PUBLIC_URL": url, "PROMETHEUS_URL": url}
        yield load_settings({**places, "TRUSTED_PROXIES": "127.0.0.1/32"})
        server.shutdown()


@pytest.mark.parametrize("name", ANSWERS)
def test_a_stranger_is_bad_and_ends_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(Stranger, "answer", ANSWERS[name])

    asked = [
        *neighbours.service(settings, ""),
        neighbours.proxies(settings),
        *neighbours.prometheus(settings),
    ]

    assert len(asked) == 8
    assert {each.status for each in asked} == {"bad"}
    proxies = next(each for each in asked if each.name == "proxies")
    assert ("answers 502" in proxies.text) == (name == "an error page")


def test_dashboards_that_cannot_be_read_end_nothing(settings: Settings, tmp_path: Path) -> None:
    list(write(ARTIFACTS, settings, tmp_path))
    folder = tmp_path / "grafana" / "dashboards"
    first, second, *_ = sorted(folder.iterdir())

    first.write_bytes(b"\xff")  # no UTF-8
    found = neighbours.provisioned(settings, folder)
    assert (found.status, first.name in found.text) == ("warning", True)

    second.unlink()
    second.symlink_to("/proc/self/mem")  # a file that nobody reads at its start
    found = neighbours.provisioned(settings, folder)
    assert (found.status, "cannot be read" in found.text) == ("bad", True)
