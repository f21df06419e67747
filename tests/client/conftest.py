"""One real service for all tests of the client, and `fwb` with a home folder of its own."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from filewallball_client import Client, retries
from harness.servers import Relay, Service
from tests.client.command import Fwb
from tests.client.uploads import ADMIN_TOKEN as ADMIN_TOKEN
from tests.client.uploads import CONTENT

SETTINGS = {
    "ADMIN_TOKEN": ADMIN_TOKEN,
    "MIN_FREE_SPACE": "0",
    "MAX_UPLOAD_SIZE": "64MB",
    "LOG_LEVEL": "WARNING",
}


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service that the tests share; leave it running."""
    server = Service(tmp_path_factory.mktemp("client-service"), SETTINGS).start()
    yield server
    server.kill()


@pytest.fixture
def relay(service: Service) -> Iterator[Relay]:
    """A relay in front of it, free to cut connections."""
    relay = Relay(service.port).start()
    yield relay
    relay.stop()


@pytest.fixture
def hour_passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Each call puts the clock by which patience is measured forward by an hour."""
    passed = 0.0

    def put_forward() -> None:
        nonlocal passed
        passed += 3600

    monkeypatch.setattr(retries, "monotonic", lambda: time.monotonic() + passed)
    return put_forward


@pytest.fixture
def fwb(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Fwb:
    """The command `fwb`, without a token."""
    home = tmp_path / "home"
    home.mkdir()
    return Fwb(home, service.url, monkeypatch, capsys)


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    """The class `Client` with the administrator's token, which remembers nothing and tries again for 20 s."""
    with Client(service.url, token=ADMIN_TOKEN, retry_seconds=20) as client:
        yield client


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of 12 MiB with a mark in its middle, under a name that no other test uses."""
    path = tmp_path / f"큰 파일 {os.urandom(4).hex()}.bin"
    path.write_bytes(CONTENT)
    return path
