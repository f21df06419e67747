"""Every test here gives its slot back and runs on SQLite alone."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def slot_given_back(given_back: None) -> None:
    """See `given_back`."""


@pytest.fixture
def database_url(prepared_sqlite: Path, tmp_path: Path) -> str:
    """A SQLite database: the kind makes no difference to what is observed."""
    path = tmp_path / "filewallball.db"
    shutil.copyfile(prepared_sqlite, path)
    return f"sqlite:///{path}"
