"""Transfers under way when a worker is told to end, or its master is gone: they have GRACEFUL_TIMEOUT and no more."""

import os
import signal
from collections.abc import Callable
from contextlib import closing

import psutil
import pytest

from harness.servers import Service
from harness.waiting import wait_until

Start = Callable[..., Service]
_SETTINGS = {"GRACEFUL_TIMEOUT": "1s", "CLIENT_TIMEOUT": "1h", "WORKER_TIMEOUT": "1h", "LOG_LEVEL": "WARNING"}
_PUT = b"PUT /upload/a.bin HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_a_client_that_dawdles_keeps_no_process(service: Start, number: signal.Signals) -> None:
    server = service(_SETTINGS, workers=1)
    workers = psutil.Process(server.master_pid).children()
    with closing(server.connect()) as client:
        client.sendall(_PUT)
        wait_until(lambda: _is_served(workers, client.getsockname()[1]), 60, "the request is served")

        os.kill(server.master_pid, number)

        assert not psutil.wait_procs(workers, 60)[1]
        client.settimeout(60)
        assert client.recv(100).startswith(b"HTTP/1.1 400")


def test_a_reader_that_dawdles_keeps_no_process(service: Start) -> None:
    server = service(_SETTINGS, workers=1)
    file_id = server.request("PUT", "/upload/a.bin", data=b"x" * 20_000_000).json()["file_id"]
    workers = psutil.Process(server.master_pid).children()
    with closing(server.connect()) as client:
        client.sendall(f"GET /download/{file_id} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 200")

        server.reload()

        assert not psutil.wait_procs(workers, 60)[1]


def _is_served(workers: list[psutil.Process], port: int) -> bool:
    return any(each.raddr and each.raddr.port == port for one in workers for each in one.net_connections())
