"""Under gunicorn's threads files leave by sendfile, and a client that goes away is seen with what it got."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from harness.servers import Gunicorn
from harness.waiting import wait_until
from tests.observability.probe_app import LARGE


class Probe:
    """A running probe application and what it recorded."""

    def __init__(self, server: Gunicorn, log: Path) -> None:
        self.server = server
        self._log = log

    def ended(self, path: str) -> dict[str, Any]:
        """The record of the one exchange for `path`, once it has ended."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            lines = self._log.read_text().splitlines() if self._log.exists() else []
            found[:] = [line for line in map(json.loads, lines) if line["path"] == path]
            return bool(found)

        wait_until(look, what=f"the end of {path}")
        assert len(found) == 1
        return found[0]


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[Probe]:
    log = tmp_path / "probe.log"
    arguments = ["--workers", "1", "--threads", "2", "--worker-class", "gthread"]
    environ = {"PROBE_LOG": str(log)}
    server = Gunicorn(tmp_path, "tests.observability.probe_app:create_app()", arguments, environ)
    server.start()
    yield Probe(server, log)
    server.kill()


def test_a_file_sent_by_sendfile_is_counted_to_the_last_byte(probe: Probe) -> None:
    assert len(requests.get(probe.server.url + "/file", timeout=20).content) == LARGE
    ended = probe.ended("/file")
    assert (ended["sent"], ended["completed"]) == (LARGE, True)
    assert ended["notes"] == [{"tell": LARGE, "closed": False}]


def test_a_part_of_a_file_is_counted_from_where_it_began(probe: Probe) -> None:
    assert len(requests.get(probe.server.url + "/part", timeout=20).content) == 5000
    ended = probe.ended("/part")
    assert (ended["sent"], ended["expected"], ended["completed"]) == (5000, 5000, True)
    assert ended["notes"] == [{"tell": 6000, "closed": False}]


def test_head_of_a_file_sends_nothing_and_is_complete(probe: Probe) -> None:
    assert requests.head(probe.server.url + "/file", timeout=20).headers["Content-Length"] == str(LARGE)
    ended = probe.ended("/file")
    assert (ended["sent"], ended["completed"]) == (0, True)


@pytest.mark.parametrize("path", ["/file", "/stream"])
def test_a_client_that_leaves_ends_the_exchange_with_what_was_sent(probe: Probe, path: str) -> None:
    with probe.server.connect() as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
    ended = probe.ended(path)
    assert not ended["completed"]
    assert 0 < ended["sent"] < LARGE
    assert requests.get(probe.server.url + "/text", timeout=20).text == "hello"
