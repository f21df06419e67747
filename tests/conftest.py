"""The app that tests are given, on either database; the `--soak` option; a network closed to all but this machine."""

import gc
import ipaddress
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from filewallball import create_app
from filewallball.recording.tables import audit_log
from filewallball.settings.loading import load_settings
from filewallball.settings.service import Settings
from harness.parts import Parts
from harness.servers import MariaDB, Service
from tests.fixtures.statements import share_statements


class Client(FlaskClient):
    """A client that reads every answer to its end, so that the operation behind it has ended too."""

    def open(self, *args: Any, buffered: bool = True, **kwargs: Any) -> TestResponse:
        return super().open(*args, buffered=buffered, **kwargs)


ADMIN_TOKEN = "fwb_the-first-administrator-of-the-tests"
SEAL_KEY = "the key that seals the audit log of the tests"

pytest_plugins = [
    "tests.fixtures.memory",
    "tests.fixtures.servers",
    "tests.fixtures.audit_log",
    "tests.fixtures.metrics",
    "tests.fixtures.syncs",
]

_SERVER_FIXTURES = {
    "make_mariadb",
    "redis_server",
    "nginx",
    "front",
    "service",
    "clamd",
    "prometheus",
    "visitor",
}
_ADDRESSED = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run campaigns at full length")


def pytest_configure(config: pytest.Config) -> None:
    # No time limits, and in the suite the same examples each time; `make soak` looks for new ones.
    hypothesis.settings.register_profile(
        "tests",
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
        derandomize=not config.getoption("--soak"),
        database=None,
    )
    hypothesis.settings.load_profile("tests")
    sys.addaudithook(_refuse_the_outside)
    gc.disable()  # until all tests are collected: they stay


def pytest_collection_finish() -> None:
    """Thousands of tests need not be looked through for garbage while they run: that is a tenth of the time."""
    gc.freeze()
    gc.enable()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests by their fixtures, before `-m` chooses among them."""
    fixtures = set(getattr(item, "fixturenames", ()))
    if fixtures & _SERVER_FIXTURES:
        item.add_marker("server")
    if "rounds" in fixtures:
        item.add_marker("soak")


@pytest.hookimpl(trylast=True)  # after they were shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The others are handed out while these wait, so that no process is left alone with them at the end.
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """The repetitions of a campaign: `rounds(20, 500)` is 20 in the suite and 500 in `make soak`."""
    full_length = request.config.getoption("--soak")
    return lambda in_suite, in_soak: in_soak if full_length else in_suite


@pytest.fixture(scope="session")
def prepare_database(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], None]:
    """Brings an empty database to where a service may start on it, first administrator included."""

    def prepare(url: str) -> None:
        settings = {"DATABASE_URL": url, "ADMIN_TOKEN": ADMIN_TOKEN, "AUDIT_SEAL_KEY": SEAL_KEY}
        Service(tmp_path_factory.mktemp("prepare"), settings).cli("prepare")

    return prepare


@pytest.fixture(scope="session")
def prepared_sqlite(
    prepare_database: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A prepared SQLite database to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "prepared.db"
    prepare_database(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def prepared_mariadb(
    prepare_database: Callable[[str], None], mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The script of a prepared MariaDB database."""
    url = mariadb.create_database()
    prepare_database(url)
    return mariadb.dump(url, tmp_path_factory.mktemp("dump") / "prepared.sql")


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.server)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A prepared database of the test's own, once on each kind."""
    if request.param == "sqlite":
        path = tmp_path / "filewallball.db"
        shutil.copyfile(request.getfixturevalue("prepared_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    server: MariaDB = request.getfixturevalue("mariadb")
    url = server.create_database(request.getfixturevalue("prepared_mariadb"))
    yield url
    server.drop_database(url)


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment variables that the test's app is configured by."""
    return {
        "DATA_DIR": str(tmp_path / "data"),
        "DATABASE_URL": database_url,
        "ADMIN_TOKEN": ADMIN_TOKEN,
        "AUDIT_SEAL_KEY": SEAL_KEY,
        "MIN_FREE_SPACE": "0",
    }


@pytest.fixture
def set_config(environ: dict[str, str]) -> Iterator[Callable[..., Flask]]:
    """Builds the app with some settings changed: `set_config(MAX_UPLOAD_SIZE="1KB")`."""
    built: list[Flask] = []

    def build(**changes: str) -> Flask:
        app = create_app(load_settings({**environ, **changes}))
        app.test_client_class = Client
        share_statements(app)
        Parts(app).store.prepare()
        Parts(app).journal.prepare()
        Parts(app).adoption.adopt()
        built.append(app)
        return app

    yield build
    for app in built:
        _close(app)


@pytest.fixture
def app(set_config: Callable[..., Flask]) -> Flask:
    """The app under default settings."""
    return set_config()


@pytest.fixture
def settings(app: Flask) -> Settings:
    """The settings of `app`."""
    return Parts(app).settings


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """An anonymous client of `app`."""
    return app.test_client()


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    """A client of `app` that sends the first administrator's token."""
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {ADMIN_TOKEN}"
    return client


@pytest.fixture
def operations(app: Flask) -> Callable[[], list[Any]]:
    """The audit rows that the test has caused, oldest first, after everything in the journal was shipped."""
    parts = Parts(app)
    statement = select(*audit_log.c).order_by(audit_log.c.timestamp_us, audit_log.c.id)
    before = {row.id for row in parts.database.rows(statement)}

    def recorded() -> list[Any]:
        assert parts.shipper.flush(seconds=60)
        rows = parts.database.rows(statement)
        return [row for row in rows if row.id not in before]

    return recorded


def _close(app: Flask) -> None:
    Parts(app).journal.close()
    Parts(app).slots.release()
    Parts(app).database.close()


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
