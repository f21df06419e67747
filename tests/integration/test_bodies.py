"""Bodies as clients really send them: refused early, cut short, chunked, large."""

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from harness.servers import Service
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN

AS_ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
MEBIBYTE = 1024 * 1024
FORM_HEAD = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'


@pytest.fixture
def server(service: Callable[..., Service]) -> Service:
    """A service that takes files of up to 1 MiB."""
    return service({"MAX_UPLOAD_SIZE": "1MB", "ADMIN_TOKEN": ADMIN_TOKEN, "MIN_FREE_SPACE": "0"})


def logged(server: Service, **wanted: str) -> list[dict[str, object]]:
    answer = server.request("GET", "/api/v1/audit/logs?size=500&action=file:upload", headers=AS_ADMIN)
    rows: list[dict[str, object]] = answer.json()["logs"]
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def stored(server: Service) -> list[Path]:
    storage = server.data_dir / "storage"
    return [path for part in ("staging", "blobs") for path in (storage / part).rglob("*") if path.is_file()]


def send(server: Service, data: bytes, *, reset: bool) -> None:
    """Send the beginning of a request and go away, politely or not."""
    with server.connect() as connection:
        connection.sendall(data)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def test_a_client_sees_the_refusal_of_a_body_it_is_still_sending(server: Service, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(os.urandom(20 * MEBIBYTE))

    library = server.request("POST", "/upload", files={"file": ("a.bin", large.read_bytes())})
    raw = server.request("PUT", "/upload/a.bin", data=large.read_bytes())
    command = ["curl", "-s", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", "-T", str(large)]
    curl = subprocess.run(
        [*command, f"{server.url}/upload/a.bin"], capture_output=True, text=True, check=True
    )
    expecting = subprocess.run(
        [*command, "-H", "Expect:", "-H", "Transfer-Encoding: chunked", f"{server.url}/upload/a.bin"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert library.status_code == raw.status_code == 413
    assert library.json()["code"] == "file_too_large"
    assert curl.stdout == expecting.stdout == "413"
    wait_until(lambda: stored(server) == [], what="nothing is left of them")


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_leaves_stores_nothing_and_is_on_record(server: Service, reset: bool) -> None:
    length = f"Content-Length: {MEBIBYTE // 2}\r\n\r\n".encode()
    form = b"Content-Type: multipart/form-data; boundary=cut\r\n"
    send(server, b"PUT /upload/a HTTP/1.1\r\nHost: x\r\n" + length + os.urandom(1000), reset=reset)
    send(
        server,
        b"POST /upload HTTP/1.1\r\nHost: x\r\n" + form + length + FORM_HEAD + os.urandom(1000),
        reset=reset,
    )

    wait_until(lambda: len(logged(server, status="failed")) == 2, what="both attempts are on record")

    assert {row["error_type"] for row in logged(server)} == {"network_error"}
    wait_until(lambda: stored(server) == [], what="nothing is left of them")


def test_a_chunked_body_is_taken_whole_or_not_at_all(server: Service) -> None:
    head = b"PUT /upload/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    cuts = range(0, len(body), 4)  # few enough not to be coalesced
    for cut in cuts:
        send(server, head + body[:cut], reset=False)
    with server.connect() as connection:
        connection.sendall(head + body)
        answer = connection.makefile("rb").readline()

    assert b"201" in answer
    wait_until(lambda: len(logged(server, status="success")) == 1, what="the whole body is on record")
    wait_until(
        lambda: sum(int(str(row["count"])) for row in logged(server)) == len(cuts) + 1,
        what="every attempt is on record",
    )
    outcomes = {(row["status"], row["error_type"]) for row in logged(server)}
    assert outcomes == {("success", ""), ("failed", "network_error")}
    wait_until(lambda: len(stored(server)) == 1, what="only the whole one is kept")


def test_a_nonsense_length_is_refused(server: Service) -> None:
    for length in ("-1", "+5", "1e3", "0x10", "99999999999999999999", "5, 6", ""):
        with server.connect() as connection:
            head = f"PUT /upload/a HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
            connection.sendall(head.encode() + b"hello")
            connection.shutdown(socket.SHUT_WR)
            answer = connection.makefile("rb").readline()

        assert b" 400 " in answer or b" 413 " in answer, length
    wait_until(lambda: stored(server) == [], what="nothing is left of them")


def test_memory_does_not_grow_with_the_file(
    service: Callable[..., Service], tmp_path: Path, rounds: Callable[[int, int], int]
) -> None:
    server = service({"MAX_UPLOAD_SIZE": "4GB", "MIN_FREE_SPACE": "0"}, workers=1)
    worker = psutil.Process(server.worker_pids()[0])
    server.request("PUT", "/upload/first", data=b"x")
    before, size = worker.memory_info().rss, rounds(256, 2048) * MEBIBYTE
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(size)

    command = ["curl", "-s", "--noproxy", "*", "--fail"]
    subprocess.run([*command, "-o", "/dev/null", "-F", f"file=@{large}", f"{server.url}/upload"], check=True)
    raw = subprocess.run(
        [*command, "-T", str(large), f"{server.url}/upload/x"], check=True, capture_output=True
    )

    assert str(size).encode() in raw.stdout
    peak = next(
        line
        for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    assert int(peak.split()[1]) * 1024 - before <= 64 * MEBIBYTE
