"""Fixtures shared by every test, the `--soak` option, and a network closed to everything but this machine."""

import ipaddress
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import MariaDB, Nginx, Redis, Service

_SERVER_FIXTURES = {"mariadb", "redis_server", "nginx", "service"}
_ADDRESSED = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run campaigns at full length")


def pytest_configure() -> None:
    sys.addaudithook(_refuse_the_outside)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _SERVER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("server")


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """How often a campaign repeats: `rounds(20, 500)` is 20 in the suite and 500 in `make soak`."""
    full_length = request.config.getoption("--soak")
    return lambda in_suite, in_soak: in_soak if full_length else in_suite


@pytest.fixture(scope="session")
def make_mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], MariaDB]]:
    """Starts a MariaDB of the test's own, for tests that stop, freeze or kill it."""
    folder = tmp_path_factory.mktemp("mariadb")
    started: list[MariaDB] = []

    def make() -> MariaDB:
        server = MariaDB(folder / str(len(started)), template=folder / "template")
        started.append(server)
        server.start()
        return server

    yield make
    for server in started:
        server.kill()


@pytest.fixture(scope="session")
def mariadb(make_mariadb: Callable[[], MariaDB]) -> MariaDB:
    """The MariaDB that tests share, each in its own database; leave it running."""
    return make_mariadb()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Redis]:
    """A running, empty Redis of the test's own, free to be stopped or frozen."""
    server = Redis(tmp_path / "redis")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Nginx]:
    """An nginx to `configure` and `start`."""
    server = Nginx(tmp_path / "nginx")
    yield server
    server.kill()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts this service under gunicorn: `service({"MAX_UPLOAD_SIZE": "1KB"}, workers=2)`."""
    started: list[Service] = []

    def start(settings: dict[str, str] | None = None, workers: int = 2) -> Service:
        server = Service(tmp_path / f"service-{len(started)}", settings, workers)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.kill()


def _refuse_the_outside(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _ADDRESSED:
        return
    host = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
    if isinstance(host, tuple):
        host = host[0]
    if isinstance(host, str) and not _is_here(host):
        raise PermissionError(f"the tests may not reach {host}")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost") or host.startswith("/")
