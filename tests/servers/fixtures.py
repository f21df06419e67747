"""The fixtures that start real servers and end them with the test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import Clamd, Front, MariaDB, Nginx, Prometheus, Redis, Service


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
def front(tmp_path: Path) -> Iterator[Front]:
    """An nginx to `ship` the project's own configuration to, and `start`."""
    server = Front(tmp_path / "front")
    yield server
    server.kill()


@pytest.fixture
def clamd(tmp_path: Path) -> Iterator[Clamd]:
    """A running scanner of the test's own, free to be stopped or frozen."""
    server = Clamd(tmp_path / "clamd")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus to `configure` and `start`."""
    server = Prometheus(tmp_path / "prometheus")
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
