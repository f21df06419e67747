"""Requests that no worker has begun are counted where they wait."""

import os
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from filewallball.serving.accept_queue import waiting_at
from filewallball.serving.handover import Handover
from harness.servers import Service
from harness.waiting import wait_until

_HEAD = b"PUT /upload/a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nsome"


def test_connections_that_nobody_accepted_are_counted(tmp_path: Path) -> None:
    path = str(tmp_path / "a socket")
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(path)
        with pytest.raises(OSError, match="Nobody listens"):
            waiting_at(path)
        listener.listen(10)
        assert waiting_at(path) == 0
        for _ in range(3):
            stack.enter_context(socket.socket(socket.AF_UNIX)).connect(path)
        assert waiting_at(path) == 3
        stack.enter_context(listener.accept()[0])
        assert waiting_at(path) == 2


@pytest.mark.parametrize(
    "address", ["", ("127.0.0.1", 1), ("2001:db8:1111:2222:3333:4444:5555:6666", 65535, 0, 9)]
)
def test_connections_in_the_shared_queue_are_counted(address: object) -> None:
    queue = Handover()
    with queue.receiver, queue._sender:
        for _ in range(3):
            one, other = socket.socketpair()
            one.close()
            assert queue.put(other, address)
        assert queue.waiting() == 3
        taken = queue.take()
        assert taken is not None
        taken[0].close()
        assert (taken[1], queue.waiting()) == (address, 2)


def test_a_connection_waits_on_while_no_descriptor_is_free() -> None:
    queue = Handover()
    one, other = socket.socketpair()
    with queue.receiver, queue._sender, one:
        assert queue.put(other, "")
        lowest_free = os.dup(one.fileno())
        os.close(lowest_free)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, limits[1]))
        try:
            with pytest.raises(OSError, match="Too many open files"):
                queue.take()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        taken = queue.take()
        assert taken is not None
        taken[0].close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    settings = {"SYNC_WORKERS": "1", "THREADS": "2", "MIN_FREE_SPACE": "0"}
    server = Service(tmp_path, settings, workers=1).start()
    yield server
    server.kill()


@pytest.mark.server
def test_a_scrape_tells_what_waits_for_each_role(service: Service) -> None:
    [worker] = [
        child.pid for child in psutil.Process(service.master_pid).children() if child.name() == "fwb-sync"
    ]
    os.kill(worker, signal.SIGSTOP)
    with ExitStack() as stack:
        for _ in range(3):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(str(service.data_dir / "sync.sock"))
        for _ in range(2 + 4):  # as many as there are threads, and four
            stack.enter_context(service.connect()).sendall(_HEAD)
        wait_until(lambda: _waiting(service) == {"pool": 4.0, "sync": 3.0}, 60, "they are told")
    os.kill(worker, signal.SIGCONT)
    wait_until(lambda: _waiting(service) == {"pool": 0.0, "sync": 0.0}, 60, "all were begun")


def _waiting(service: Service) -> dict[str, float]:
    lines = service.request("GET", "/metrics").text.splitlines()
    found = (line.split() for line in lines if line.startswith("requests_waiting{"))
    return {name.split('"')[1]: float(value) for name, value in found}
