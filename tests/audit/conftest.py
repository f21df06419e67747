"""An app over each kind of database, and events to put on record."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_migrate import upgrade
from uuid_utils import uuid7

from filewallball import create_app
from filewallball.clock import now_us
from filewallball.config import load_settings
from filewallball.event import Event
from filewallball.extensions import db
from filewallball.runtime import Runtime, runtime
from tests.servers import MariaDB

MIGRATIONS = str(Path(__file__).resolve().parents[2] / "migrations")


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.server)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/test.db"
        return
    server: MariaDB = request.getfixturevalue("mariadb")
    url = server.create_database()
    yield url
    server.drop_database(url)


@pytest.fixture
def make_app(tmp_path: Path, database_url: str) -> Iterator[Callable[..., Flask]]:
    """Builds apps over one migrated database and one data folder: `make_app(AUDIT_SYNC="full")`."""
    built: list[Flask] = []

    def make(**environ: str) -> Flask:
        settings = load_settings(
            {"DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": database_url, **environ}
        )
        app = create_app(settings)
        if not built:
            with app.app_context():
                upgrade(directory=MIGRATIONS)
            parts = runtime(app)
            parts.store.prepare()
            parts.journal.prepare()
        built.append(app)
        return app

    yield make
    for app in built:
        runtime(app).slots.release()
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """One app, ready to serve."""
    return make_app()


@pytest.fixture
def parts(app: Flask) -> Runtime:
    """What the app is made of."""
    return runtime(app)


@pytest.fixture
def record(parts: Runtime) -> Callable[..., list[Event]]:
    """Puts events straight into the audit table: `record(3, action="file:view")`."""

    def write(count: int = 1, **fields: Any) -> list[Event]:
        events = [make_event(**fields) for _ in range(count)]
        with parts.database.begin() as connection:
            parts.ledger.trail.append_once(connection, events)
        return events

    return write


def make_event(**fields: Any) -> Event:
    """The smallest event that says who, what and where."""
    defaults: dict[str, Any] = {
        "event_id": str(uuid7()),
        "timestamp_us": now_us(),
        "action": "file:download",
        "resource_type": "file",
        "ip_address": "192.0.2.7",
        "username": "쿠키 🍪",
        "user_agent": "curl/8",
    }
    return Event(**{**defaults, **fields})
