"""The distinct values of an index: the same from either database, by its shortcut and the stock way."""

import pytest
from flask import Flask
from sqlalchemy import BigInteger, Column, Index, MetaData, Table, insert

from filewallball.database.columns import code_type
from filewallball.database.connections import Database
from filewallball.database.dialect import Dialect
from harness.parts import Parts

_TABLE = Table(
    "skipped_rows",
    MetaData(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("action", code_type(20), nullable=False),
    Column("status", code_type(10), nullable=False),
    Index("ix_skipped_rows_action", "action", "status", "id"),
)
_PAIRS = [("", "a"), ("delete", "a"), ("delete", "b"), ("upload", "a"), ("view", "b")]
_COLUMNS = [_TABLE.c.action, _TABLE.c.status]


@pytest.fixture
def database(app: Flask) -> Database:
    """The app's database with a table of 500 rows of five kinds."""
    database: Database = Parts(app).database
    kinds = [dict(zip(("action", "status"), pair, strict=True)) for pair in _PAIRS]
    with database.begin() as connection:
        _TABLE.create(connection)
        connection.execute(insert(_TABLE), [{"id": number, **kinds[number % 5]} for number in range(500)])
    return database


@pytest.mark.parametrize("most", [5, 4], ids=["as many as may be", "too many"])
def test_the_shortcut_finds_what_the_stock_way_finds(database: Database, most: int) -> None:
    with database.read() as connection:
        arguments = connection, _COLUMNS, "ix_skipped_rows_action", [_TABLE.c.action >= ""], most
        ours = database.dialect.distinct(*arguments)
        stock = Dialect.distinct(database.dialect, *arguments)

    assert (sorted(ours) if ours else ours) == (sorted(stock) if stock else stock)
    assert (ours is None) == (most < len(_PAIRS))


def test_only_values_within_are_found(database: Database) -> None:
    with database.read() as connection:
        within = [_TABLE.c.action == "delete"]
        found = database.dialect.distinct(connection, _COLUMNS, "ix_skipped_rows_action", within, 10)

    assert found == [("delete", "a"), ("delete", "b")]
