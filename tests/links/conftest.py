"""One app on SQLite for all tests of a module that leave nothing behind but files and links."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from filewallball import create_app
from filewallball.settings.loading import load_settings
from harness.parts import Parts
from tests.conftest import ADMIN_TOKEN, SEAL_KEY, Client, _close


@pytest.fixture(scope="module")
def shared_app(prepared_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The app that a module's tests share."""
    folder = tmp_path_factory.mktemp("links")
    shutil.copyfile(prepared_sqlite, folder / "filewallball.db")
    environ = {"DATA_DIR": str(folder), "ADMIN_TOKEN": ADMIN_TOKEN, "AUDIT_SEAL_KEY": SEAL_KEY}
    limits = {"RATELIMIT_AUTH": "5/hour", "AUTOBLOCK_AUTH": "off", "MIN_FREE_SPACE": "0"}
    app = create_app(load_settings({**environ, **limits}))
    app.test_client_class = Client
    Parts(app).store.prepare()
    Parts(app).journal.prepare()
    Parts(app).adoption.adopt()
    yield app
    _close(app)


@pytest.fixture
def visitor(shared_app: Flask) -> FlaskClient:
    """An anonymous client of the shared app."""
    return shared_app.test_client()
