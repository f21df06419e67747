"""Commits that a power cut may undo are seen at once, and undone as a whole where they fail."""

import pytest
from flask import Flask
from sqlalchemy import Connection, insert, select

from filewallball.access.tables import generations
from harness.parts import Parts


def _add(connection: Connection) -> None:
    connection.execute(insert(generations).values(name="a", value=1))


def _add_and_fail(connection: Connection) -> None:
    _add(connection)
    raise ZeroDivisionError


def test_it_is_seen_at_once_and_undone_where_it_fails(app: Flask) -> None:
    database = Parts(app).database
    value = select(generations.c.value).where(generations.c.name == "a")

    with pytest.raises(ZeroDivisionError):
        database.commit_unsynced(_add_and_fail)
    assert database.scalar(value) is None

    database.commit_unsynced(_add)
    assert database.scalar(value) == 1
