"""The same answers over real sockets: framing, sendfile, clients that leave, and nginx sending in our place."""

import hashlib
import re
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from werkzeug.http import http_date

from filewallball.files.delivery import Delivery
from harness.servers import Front, Gunicorn
from harness.waiting import wait_until
from tests.files.delivery_app import FILES, LARGE, MODIFIED, deliveries

APP = "tests.files.delivery_app:create_app()"
THREADED = ["--workers", "1", "--threads", "4", "--worker-class", "gthread", "--keep-alive", "5"]
SMALL = FILES["small.bin"][0]
TAG = hashlib.sha256(SMALL).hexdigest()


@pytest.fixture(params=["sendfile", "no-sendfile"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Gunicorn]:
    """Gunicorn around the delivering application, with and without sendfile."""
    arguments = [*THREADED, "--no-sendfile"] if request.param == "no-sendfile" else THREADED
    made = Gunicorn(tmp_path / "gunicorn", APP, arguments, {"DELIVERY_FOLDER": str(tmp_path)})
    made.start()
    yield made
    made.kill()


def ended(folder: Path, count: int) -> list[Delivery]:
    """The first `count` deliveries, once they are over, and no more."""
    wait_until(lambda: len(deliveries(folder)) >= count, what=f"{count} deliveries are over")
    return deliveries(folder)


class Connection:
    """One keep-alive connection read byte by byte, so that nothing repairs a wrong framing."""

    def __init__(self, port: int) -> None:
        self._client = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._reader = self._client.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        self._client.close()

    def ask(self, method: str, path: str, *headers: str) -> tuple[int, dict[str, str], bytes]:
        lines = [f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]
        self._client.sendall("\r\n".join(lines).encode())
        status = int(self._reader.readline().split()[1])
        fields: dict[str, str] = {}
        while (line := self._reader.readline().strip().decode()) != "":
            name, _, value = line.partition(": ")
            assert name.lower() not in fields, f"{name} twice"
            fields[name.lower()] = value
        bodiless = method == "HEAD" or status == 304
        return status, fields, b"" if bodiless else self._reader.read(int(fields["content-length"]))


def test_answers_of_every_kind_share_a_connection_without_a_byte_too_many(
    server: Gunicorn, tmp_path: Path
) -> None:
    with Connection(server.port) as connection:
        for _ in range(3):
            assert connection.ask("GET", "/attachment/large.bin")[::2] == (200, LARGE)
            assert connection.ask("HEAD", "/attachment/large.bin")[::2] == (200, b"")
            part = connection.ask("GET", "/attachment/large.bin", "Range: bytes=1000-300999")
            assert part[::2] == (206, LARGE[1000:301_000])
            assert connection.ask("GET", "/attachment/empty.bin")[::2] == (200, b"")
            known = connection.ask("GET", "/attachment/small.bin", f'If-None-Match: "{TAG}"')
            assert known[::2] == (304, b"")
            beyond = connection.ask("GET", "/attachment/small.bin", "Range: bytes=10-")
            assert beyond[::2] == (416, b"range_not_satisfiable")
            assert connection.ask("GET", "/attachment/small.bin", "Range: bytes=-3")[::2] == (206, b"789")
    check = Delivery("check", 0, 0, "app")
    assert ended(tmp_path, 21) == 3 * [
        Delivery("full", len(LARGE), len(LARGE), "app"),
        check,
        Delivery("partial", 300_000, 300_000, "app"),
        Delivery("full", 0, 0, "app"),
        check,
        check,
        Delivery("partial", 3, 3, "app"),
    ]


@pytest.mark.parametrize("headers", ["", "Range: bytes=1000-9000999\r\n"])
def test_a_client_that_leaves_is_noted_once_with_what_it_was_sent(
    server: Gunicorn, tmp_path: Path, headers: str
) -> None:
    with server.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(f"GET /attachment/large.bin HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
        client.recv(2000)
    assert server.request("GET", "/attachment/small.bin").content == SMALL

    aborted = [delivery for delivery in ended(tmp_path, 2) if delivery.bytes_expected > len(SMALL)]
    assert len(aborted) == 1
    assert aborted[0].bytes_sent < aborted[0].bytes_expected == (9_000_000 if headers else len(LARGE))


def test_the_shipped_nginx_sends_whole_files_and_parts_with_our_headers(front: Front, tmp_path: Path) -> None:
    environ = {"DELIVERY_FOLDER": str(tmp_path), "X_ACCEL": "1"}
    server = Gunicorn(tmp_path / "gunicorn", APP, THREADED, environ)
    server.start()
    try:
        blobs = tmp_path / "storage" / "blobs"
        front.ship({"DATA_DIR": str(tmp_path), "PORT": str(server.port)})
        front.start()
        with Connection(front.port) as connection:
            status, headers, body = connection.ask("GET", "/attachment/large.bin")
            assert (status, body) == (200, LARGE)
            assert headers["etag"] == f'"{hashlib.sha256(LARGE).hexdigest()}"'
            assert headers["last-modified"] == http_date(MODIFIED)
            assert headers["content-disposition"] == 'attachment; filename="large.bin"'
            assert headers["content-type"] == "application/octet-stream"
            assert headers["accept-ranges"] == "bytes"
            assert "sandbox" in headers["content-security-policy"]
            assert "x-accel-redirect" not in headers
            part = connection.ask("GET", "/attachment/large.bin", "Range: bytes=1000-1999")
            assert part[::2] == (206, LARGE[1000:2000])
            several = connection.ask("GET", "/attachment/small.bin", "Range: bytes=0-0,2-2")
            assert several[::2] == (200, SMALL)
            for condition in (f'"{TAG}"', http_date(MODIFIED)):
                same = ("Range: bytes=1-2", f"If-Range: {condition}")
                assert connection.ask("GET", "/attachment/small.bin", *same)[::2] == (206, b"12")
            other = connection.ask("GET", "/attachment/small.bin", "Range: bytes=1-2", 'If-Range: "other"')
            assert other[::2] == (200, SMALL)
            known = connection.ask("GET", "/attachment/small.bin", f'If-None-Match: "{TAG}"')
            assert known[::2] == (304, b"")
            beyond = connection.ask("GET", "/attachment/small.bin", "Range: bytes=10-")
            assert (beyond[0], beyond[1]["content-range"]) == (416, "bytes */10")
            status, headers, _ = connection.ask("HEAD", "/attachment/large.bin")
            assert (status, headers["content-length"]) == (200, str(len(LARGE)))
            path = next(blobs.rglob("*.*")).relative_to(blobs)
            assert re.fullmatch(r"[0-9a-f/.]+", str(path))
            assert connection.ask("GET", f"/_blobs/{path}")[0] == 404
        sent = Counter((delivery.kind, delivery.by) for delivery in ended(tmp_path, 9))
        assert sent == {
            ("full", "nginx"): 1,
            ("partial", "nginx"): 3,
            ("full", "app"): 2,
            ("check", "app"): 3,
        }
    finally:
        server.kill()
