"""Clients that stop halfway: they hold threads for a bounded time and keep no probe waiting; slow ones are served."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from harness.servers import Service
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN

pytestmark = pytest.mark.server
_HELD = 12
"""Connections that stop; the service has fewer threads."""
_PROBES = ("/health/live", "/health/ready", "/metrics")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that has little patience and few threads; what each test opens, it closes."""
    settings = {
        "CLIENT_HEADER_TIMEOUT": "3s",
        "CLIENT_TIMEOUT": "4s",
        "THREADS": "4",
        "ADMIN_TOKEN": ADMIN_TOKEN,
    }
    running = Service(tmp_path_factory.mktemp("slow"), settings).start()
    yield running
    running.kill()


@pytest.fixture
def stopped() -> Iterator[ExitStack]:
    """Connections to be closed at the end."""
    with ExitStack() as stack:
        yield stack


def test_half_sent_heads_hold_no_thread_and_end(server: Service, stopped: ExitStack) -> None:
    clients = [
        _send(server, stopped, b"GET /health/live HTTP/1.1\r\nHost: a\r\nX-A: ") for _ in range(10 * _HELD)
    ]

    assert _answers(server, *_PROBES, "/") == [200] * 4
    assert [client.recv(100) for client in clients[:_HELD]] == [b""] * _HELD


def test_a_head_that_comes_byte_by_byte_is_read_whole(server: Service, stopped: ExitStack) -> None:
    client = _send(server, stopped, b"")
    for byte in b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n":
        client.sendall(bytes([byte]))

    assert b'"alive"' in _all_of(client)


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET /\r\n", id="no version"),
        pytest.param(b"\r\n\r\nG\xc3 / HTTP/1.1\r\n\r\n", id="no method"),
        pytest.param(b"GET /" + b"a" * 5000, id="long line"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"a" * 100_000 + b"\r\n\r\n", id="long head"),
    ],
)
def test_what_can_be_no_head_is_refused_before_its_time_is_up(
    server: Service, stopped: ExitStack, head: bytes
) -> None:
    answer = _all_of(_send(server, stopped, head))

    assert answer.split()[1] in (b"400", b"414", b"431")


def test_readers_that_stop_are_cut_and_keep_no_probe_waiting(server: Service, stopped: ExitStack) -> None:
    content = os.urandom(16 * 1024 * 1024)
    uploaded = server.request("PUT", "/upload/a.bin", data=content).json()
    request = f"GET /download/{uploaded['file_id']} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    for _ in range(_HELD):
        _send(server, stopped, request)

    assert _answers(server, *_PROBES) == [200] * 3
    assert server.request("GET", uploaded["download_url"], timeout=60).content == content
    cut = wait_until(lambda: _recorded(server, "file:download", "network_error"), 60, "a cut download")
    assert cut[0]["error_type"] == "network_error"


def test_bodies_that_trickle_are_cut_and_keep_no_probe_waiting(server: Service, stopped: ExitStack) -> None:
    head = b"PUT /upload/a.bin HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
    clients = [_send(server, stopped, head) for _ in range(_HELD)]

    assert _answers(server, *_PROBES) == [200] * 3
    for client in clients:
        client.sendall(b"x" * 10)
    assert _all_of(clients[0]).startswith(b"HTTP/1.1 400")
    assert server.request("PUT", "/upload/b.bin", data=b"honest", timeout=60).status_code == 201


def test_clients_that_are_refused_and_send_on_keep_nobody_waiting(
    server: Service, stopped: ExitStack
) -> None:
    head = b"PUT /upload/a.bin?nonsense=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
    clients = [_send(server, stopped, head) for _ in range(_HELD)]

    assert [_all_of(client).split()[1] for client in clients] == [b"422"] * _HELD
    assert _answers(server, *_PROBES, "/") == [200] * 4


def test_an_upload_slower_than_its_time_but_above_the_least_rate_is_taken(
    server: Service, stopped: ExitStack
) -> None:
    piece, count = b"x" * 4096, 12
    client = _send(
        server, stopped, b"PUT /upload/a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (4096 * count)
    )
    for _ in range(count - 1):
        client.sendall(piece)
        with pytest.raises(TimeoutError):  # nothing comes while the body is under way
            _recv_within(client, 0.7)
    client.sendall(piece)

    assert _all_of(client).startswith(b"HTTP/1.1 201")


def test_requests_beyond_all_threads_wait_for_one_of_any_worker(server: Service, stopped: ExitStack) -> None:
    head = b"PUT /upload/a.bin HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"
    clients = [_send(server, stopped, head) for _ in range(20 * _HELD)]

    for client in clients:
        client.sendall(b"body")

    assert {_all_of(client).split()[1] for client in clients} == {b"201"}


def _send(server: Service, stack: ExitStack, data: bytes) -> socket.socket:
    client = stack.enter_context(closing(socket.socket()))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(60)
    client.connect(("127.0.0.1", server.port))
    client.sendall(data)
    return client


def _all_of(client: socket.socket) -> bytes:
    data = b""
    while piece := client.recv(65536):
        data += piece
    return data


def _recv_within(client: socket.socket, seconds: float) -> bytes:
    client.settimeout(seconds)
    try:
        return client.recv(1)
    finally:
        client.settimeout(60)


def _answers(server: Service, *paths: str) -> list[int]:
    """The status of each: asked one after the other, and each answered before anybody was cut."""
    return [server.request("GET", path, timeout=3).status_code for path in paths]


def _recorded(server: Service, action: str, code: str) -> list[dict[str, str]]:
    rows = server.request(
        "GET", "/api/v1/audit/logs?size=50", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}
    ).json()["logs"]
    return [row for row in rows if (row["action"], row["error_type"]) == (action, code)]
