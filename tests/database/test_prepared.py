"""Rows found by key: always the newest commit, no snapshot kept, and an outage that is told as one."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, bindparam, create_engine, select, update
from sqlalchemy.exc import OperationalError

from filewallball.access.tables import users
from filewallball.database.connections import Database
from harness.parts import Parts

_FIND = select(users.c.id, users.c.username, users.c.disabled_us).where(users.c.id == bindparam("id"))
_DISABLE = update(users).where(users.c.id == 1)


@pytest.fixture
def database(app: Flask) -> Database:
    """The database of the test's app."""
    return Parts(app).database


@pytest.fixture
def elsewhere(app: Flask, database_url: str) -> Any:
    """The same database as another process has it."""
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


def test_a_row_is_found_by_its_key(database: Database) -> None:
    row = database.find(_FIND, {"id": 1})

    assert (row.id, row.username, row.disabled_us) == (1, "admin", None)


def test_no_row_is_none(database: Database) -> None:
    assert database.find(_FIND, {"id": 404}) is None


def test_what_another_process_commits_is_seen_by_the_next_lookup(
    database: Database, elsewhere: Engine
) -> None:
    for moment in (1, 2, 3):
        with elsewhere.begin() as connection:
            connection.execute(_DISABLE.values(disabled_us=moment))

        assert database.find(_FIND, {"id": 1}).disabled_us == moment


def test_a_lookup_leaves_no_snapshot_behind(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    engine = create_engine(f"sqlite:///{path}")
    database = Database(engine, engine)
    with engine.begin() as connection:
        users.create(connection)
    database.find(_FIND, {"id": 1})

    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM users")
        blocked, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    database.close()
    assert blocked == 0


def test_a_database_that_cannot_be_reached_is_an_outage(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'missing' / 'other.db'}")

    with pytest.raises(OperationalError):
        Database(engine, engine).find(_FIND, {"id": 1})


def test_a_statement_runs_in_the_transaction_that_it_is_given(database: Database, elsewhere: Engine) -> None:
    new = database.dialect.insert(users)
    again = database.dialect.upsert(new, [users.c.username], {"role": "monitor"})

    for statement in (new, again):
        with database.begin() as connection:
            values = {"username": "somebody", "role": "user", "created_us": 1}
            assert database.run(connection, statement, values).rowcount >= 1

    with elsewhere.connect() as connection:
        row = connection.execute(select(users.c.role).where(users.c.username == "somebody")).one()
    assert row.role == "monitor"
