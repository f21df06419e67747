"""The schema goes up and down with data, and is what the models say."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, text

from filewallball.extensions import Base, db

MIGRATIONS = str(Path(__file__).resolve().parents[1] / "migrations")
KEPT = "SELECT id, username FROM users ORDER BY id"


@pytest.fixture(autouse=True)
def context(app: Flask) -> object:
    """The app's context around each test."""
    with app.app_context():
        yield app


def test_the_schema_is_what_the_models_say() -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)

    assert differences == []


def test_every_migration_goes_down_and_up_with_data() -> None:
    revisions = [script.revision for script in ScriptDirectory(MIGRATIONS).walk_revisions()]  # newest first
    with db.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO users (username, role, created_us) VALUES ('someone', 'user', 1)")
        )
        before = list(connection.execute(text(KEPT)))

    for revision in revisions[1:]:
        downgrade(directory=MIGRATIONS, revision=revision)
        upgrade(directory=MIGRATIONS)
        with db.engine.connect() as connection:
            assert list(connection.execute(text(KEPT))) == before


def test_the_first_migration_leaves_nothing_behind() -> None:
    downgrade(directory=MIGRATIONS, revision="base")

    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
    upgrade(directory=MIGRATIONS)
