"""Apps on SQLite alone, for tests of rules that no database knows about."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from filewallball import create_app
from filewallball.settings.loading import load_settings
from harness.parts import Parts
from tests.conftest import ADMIN_TOKEN, Client, _close


@pytest.fixture
def build(prepared_sqlite: Path, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Builds an app on a prepared SQLite database: `build(RATELIMIT_API="2/hour")`."""
    built: list[Flask] = []

    def make(**settings: str) -> Flask:
        folder = tmp_path / str(len(built))
        folder.mkdir()
        shutil.copyfile(prepared_sqlite, folder / "filewallball.db")
        environ = {"DATA_DIR": str(folder), "ADMIN_TOKEN": ADMIN_TOKEN, "MIN_FREE_SPACE": "0", **settings}
        app = create_app(load_settings(environ))
        app.test_client_class = Client
        Parts(app).store.prepare()
        Parts(app).journal.prepare()
        Parts(app).adoption.adopt()
        built.append(app)
        return app

    yield make
    for app in built:
        _close(app)
