"""Commits that a power cut may undo: seen at once, undone as a whole, and no others are left unsynced by them."""

import pytest
from flask import Flask
from sqlalchemy import Connection, insert, select

from filewallball.access.tables import generations
from harness.parts import Parts

_NORMAL, _FULL = 1, 2


def _synchronous(connection: Connection) -> int:
    """How SQLite syncs the commits of a connection; MariaDB has one way for all."""
    if connection.dialect.name != "sqlite":
        return 0
    driver = connection.connection.driver_connection
    assert driver is not None
    return int(driver.execute("PRAGMA synchronous").fetchone()[0])


def _add(connection: Connection) -> int:
    connection.execute(insert(generations).values(name="a", value=1))
    return _synchronous(connection)


def _add_and_fail(connection: Connection) -> None:
    _add(connection)
    raise ZeroDivisionError


def test_it_is_seen_at_once_and_the_next_commit_is_synced(app: Flask) -> None:
    database = Parts(app).database

    with pytest.raises(ZeroDivisionError):
        database.commit_unsynced(_add_and_fail)
    assert database.commit_unsynced(_add) in (0, _NORMAL)

    assert database.scalar(select(generations.c.value).where(generations.c.name == "a")) == 1
    assert database.commit(_synchronous) in (0, _FULL)
    with database.begin() as connection:
        assert _synchronous(connection) in (0, _FULL)
