"""Rows that are written out as one statement arrive as they were, whatever their text looks like."""

import pytest
from flask import Flask
from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, func, select

from filewallball.database.columns import code_type, text_type
from filewallball.database.connections import Database
from filewallball.database.stock import Inserts
from harness.parts import Parts

_TABLE = Table(
    "bulk_rows",
    MetaData(),
    Column("key", code_type(40), primary_key=True),
    Column("note", text_type(), nullable=False),
    Column("octets", LargeBinary(16), nullable=False),
    Column("count", BigInteger, nullable=False),
)
_NAMES = ("count", "key", "octets", "note")
_TEXTS = (
    "",
    "it's",
    "back\\slash\\",
    '"; DROP TABLE bulk_rows; --',
    "X'41'",
    "100 % (%s) %(key)s {0}",
    "two\nlines\r\0end",
    "쿠키 \U0001f36a",
)


@pytest.fixture
def database(app: Flask) -> Database:
    """The app's database with a table of the test's own."""
    parts: Parts = Parts(app)
    with parts.database.begin() as connection:
        _TABLE.create(connection)
    return parts.database


def test_any_text_arrives_as_it_was(database: Database) -> None:
    rows = [(number - 3, f"key {number}", bytes([number]), note) for number, note in enumerate(_TEXTS)]
    bulk = database.bulk(database.dialect.insert(_TABLE), _NAMES)

    with database.begin() as connection:
        bulk.execute(connection, rows)
        bulk.execute(connection, [])

    statement = select(*(_TABLE.c[name] for name in _NAMES)).order_by(_TABLE.c.key)
    assert database.query(lambda connection: [tuple(row) for row in connection.execute(statement)]) == rows


def test_rows_of_more_than_a_packet_are_all_written(database: Database) -> None:
    rows = [(number, f"key {number}", b"", "é" * 100_000) for number in range(50)]

    with database.begin() as connection:
        database.bulk(database.dialect.insert(_TABLE), _NAMES).execute(connection, rows)

    total = select(func.count(), func.sum(func.length(_TABLE.c.note)))
    found = database.query(lambda connection: connection.execute(total).one())
    assert found[0] == 50
    assert int(found[1]) in (5_000_000, 10_000_000)  # characters, or bytes


def test_sums_are_added_to_what_is_there(database: Database) -> None:
    table = Table(
        "bulk_sums", MetaData(), Column("key", code_type(40), primary_key=True), Column("count", BigInteger)
    )
    with database.begin() as connection:
        table.create(connection)
        bulk = database.bulk(database.dialect.adding(table), ("key", "count"))
        bulk.execute(connection, [("a", 1), ("b", 2)])
        bulk.execute(connection, [("b", 40), ("c", 3)])

    found = database.rows(select(table).order_by("key"))
    assert [tuple(row) for row in found] == [("a", 1), ("b", 42), ("c", 3)]


def test_any_value_arrives_as_the_stock_way_writes_it(database: Database) -> None:
    """Text in a column of codes, nothing at all, and rows that differ in kind."""
    table = Table(
        "bulk_kinds",
        MetaData(),
        Column("key", BigInteger, primary_key=True, autoincrement=False),
        Column("code", code_type(64)),
        Column("note", text_type()),
        Column("octets", LargeBinary(16)),
    )
    names = [column.name for column in table.columns]
    rows = [(1, "naïve", None, b"a"), (2, None, "b", None), (3, "plain", "쿠키", b"")]
    with database.begin() as connection:
        table.create(connection)
        database.bulk(database.dialect.insert(table), names).execute(connection, rows)
        stock = Inserts(database.dialect.insert(table), names, connection.dialect)
        stock.execute(connection, [(key + 10, *values) for key, *values in rows])

    found = [tuple(row) for row in database.rows(select(table).order_by(table.c.key))]
    assert [row[1:] for row in found[:3]] == [row[1:] for row in found[3:]]
    assert found[0] == (1, "na\\xefve", None, b"a")
