"""The one way to ask: rows, a row, a value; on either database and by statements of any kind."""

import pytest
from flask import Flask
from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import MultipleResultsFound

from filewallball.access.tables import users
from filewallball.database.connections import Database
from harness.parts import Parts

_NAMES = select(users.c.username).where(users.c.id > bindparam("after")).order_by(users.c.id)


@pytest.fixture
def database(app: Flask) -> Database:
    """The database of the test's app, with three users."""
    database: Database = Parts(app).database
    with database.begin() as connection:
        for name in ("eve", "mallory"):
            connection.execute(insert(users), {"username": name, "role": "user", "created_us": 1})
    return database


def test_all_rows_are_told(database: Database) -> None:
    assert [tuple(row) for row in database.rows(_NAMES, {"after": 1})] == [("eve",), ("mallory",)]
    assert database.scalars(_NAMES, {"after": 1}) == ["eve", "mallory"]
    assert database.rows(_NAMES, {"after": 99}) == []


def test_a_row_is_told_if_it_is_the_only_one(database: Database) -> None:
    row = database.row(select(users).where(users.c.username == "eve"))

    assert row is not None
    assert (row.username, row.role) == ("eve", "user")
    assert database.row(select(users).where(users.c.id == 99)) is None
    with pytest.raises(MultipleResultsFound):
        database.row(select(users))


def test_a_value_is_told(database: Database) -> None:
    assert database.scalar(_NAMES, {"after": 0}) == "admin"
    assert database.scalar(_NAMES, {"after": 99}) is None
