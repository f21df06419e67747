"""A row found by a shortcut is the row that the stock way finds, whatever its texts look like."""

from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    MetaData,
    Select,
    Table,
    bindparam,
    delete,
    event,
    func,
    literal,
    select,
)
from sqlalchemy.exc import MultipleResultsFound

from filewallball.access.authentication import _LOOKUP
from filewallball.database.columns import code_type, name_type, text_type
from filewallball.database.connections import Database
from filewallball.database.stock import Statements
from filewallball.files.lookup import FIND
from harness.parts import Parts

_TABLE = Table(
    "packed_rows",
    MetaData(),
    Column("key", code_type(40), primary_key=True),
    Column("name", name_type(255)),
    Column("note", text_type(), nullable=False),
    Column("count", BigInteger),
    Column("octets", LargeBinary(16)),
)
_SHOWN = (_TABLE.c.key, _TABLE.c.name, _TABLE.c.note, _TABLE.c.count)
_FIND = select(*_SHOWN).where(_TABLE.c.key == bindparam("key"))
_TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.sampled_from(
        ["{}", "[1]", '"', "null", "it's", "\\", "100 % (%s) %(key)s", "two\nlines\r\0end", "쿠키 🍪"]
    ),
)


@pytest.fixture
def database(app: Flask) -> Database:
    found: Database = Parts(app).database
    with found.begin() as connection:
        _TABLE.create(connection)
    return found


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.none(), _TEXTS), _TEXTS, st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)))
def test_a_row_is_what_the_stock_way_finds(
    database: Database, name: str | None, note: str, count: int | None
) -> None:
    with database.begin() as connection:
        connection.execute(delete(_TABLE))
        connection.execute(_TABLE.insert(), {"key": "a", "name": name, "note": note, "count": count})

    row = database.find(_FIND, {"key": "a"})

    assert tuple(row) == tuple(Statements(database.query).row(_FIND, {"key": "a"}))
    assert (row.key, row.name, row.note, row.count) == ("a", name, note, count)
    assert database.find(_FIND, {"key": "b"}) is None


@pytest.mark.parametrize(
    "columns",
    [(_TABLE.c.key, _TABLE.c.octets), (func.length(_TABLE.c.note) / literal(4), _TABLE.c.key)],
    ids=["octets", "a fraction"],
)
def test_what_json_would_change_is_found_as_it_is(database: Database, columns: tuple[Any, ...]) -> None:
    statement = select(*columns).where(_TABLE.c.key == bindparam("key"))
    with database.begin() as connection:
        connection.execute(_TABLE.insert(), {"key": "a", "note": "text", "octets": b"\xff\x00"})

    found = database.find(statement, {"key": "a"})

    assert tuple(found) == tuple(Statements(database.query).row(statement, {"key": "a"}))
    assert [type(value) for value in found][-1] is not float


def test_two_rows_are_one_too_many(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(_TABLE.insert(), [{"key": "a", "note": ""}, {"key": "b", "note": ""}])

    with pytest.raises(MultipleResultsFound):
        database.find(select(*_SHOWN).where(_TABLE.c.note == bindparam("note")), {"note": ""})


def test_a_connection_that_the_server_ended_is_replaced(database: Database) -> None:
    if database.dialect.name == "mariadb":
        with database.read() as connection:
            mine = connection.scalar(select(func.connection_id()))
        with database.begin() as other:
            other.exec_driver_sql(f"KILL {mine}")
    with database.begin() as connection:
        connection.execute(_TABLE.insert(), {"key": "a", "note": ""})

    assert database.find(_FIND, {"key": "a"}).note == ""


@pytest.mark.parametrize("statement", [FIND, _LOOKUP, _FIND], ids=["a file", "a token", "of this test"])
def test_what_nearly_every_request_asks_takes_one_value(database: Database, statement: Select[Any]) -> None:
    values = dict.fromkeys(("key", "file_id", "digest"), "a")
    database.find(statement, values)  # on SQLite this opens a connection
    asked: list[str] = []
    record = lambda _connection, _cursor, sql, *_: asked.append(sql)  # noqa: E731
    event.listen(database._reader, "before_cursor_execute", record)

    assert database.find(statement, values) is None

    assert asked == [], "SQLAlchemy executed it"
