"""Rows found by key: always the newest commit, no snapshot kept, and an outage that is told as one."""

import gc
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Engine,
    MetaData,
    Select,
    Table,
    TableClause,
    bindparam,
    column,
    create_engine,
    event,
    func,
    insert,
    literal,
    select,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import (
    IntegrityError,
    MultipleResultsFound,
    NoResultFound,
    OperationalError,
    StatementError,
)

from filewallball.access.tables import users
from filewallball.database.columns import code_type
from filewallball.database.connections import Database
from filewallball.database.prepared import PreparedInserts, PreparedStatements
from filewallball.database.stock import Statements
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


def test_a_refused_statement_fails_as_the_stock_way_does_and_leaves_the_transaction_open(
    database: Database,
) -> None:
    new, stock = database.dialect.insert(users), Statements(database.query)
    twice = {"username": "admin", "role": "user", "created_us": 1}
    heard: list[type[BaseException]] = []
    listener = lambda context: heard.append(type(context.sqlalchemy_exception))  # noqa: E731
    event.listen(database._writer, "handle_error", listener)
    refusals = []
    for execute in (stock.execute, database.run):
        with database.begin() as connection:
            with pytest.raises(IntegrityError) as refused:
                execute(connection, new, twice)
            refusals.append((str(refused.value.orig), refused.value.connection_invalidated))
            execute(connection, new, {**twice, "username": f"user {len(refusals)}"})

    assert refusals[0] == refusals[1]
    assert heard == [IntegrityError, IntegrityError]
    assert database.scalar(select(func.count()).select_from(users)) == 3


def test_a_work_goes_on_after_a_refused_statement_and_one_that_fails_leaves_nothing(
    database: Database,
) -> None:
    new = database.dialect.insert(users)

    def named(name: str) -> dict[str, Any]:
        return {"username": name, "role": "user", "created_us": 1}

    def work(connection: Connection) -> None:
        database.run(connection, new, named("first"))
        with pytest.raises(IntegrityError):
            database.run(connection, new, named("admin"))
        connection.execute(new, named("second"))
        database.run(connection, new, named("third"))

    def failing(connection: Connection) -> None:
        database.run(connection, new, named("never"))
        raise LookupError

    database.commit(work)
    with pytest.raises(LookupError):
        database.commit(failing)
    database.commit(lambda connection: database.run(connection, new, named("last")))

    found = database.scalars(select(users.c.username).order_by(users.c.id))
    assert found == ["admin", "first", "second", "third", "last"]


def test_a_statement_that_is_not_what_one_or_first_expect_answers_as_the_stock_way_does(
    database: Database,
) -> None:
    stock = Statements(database.query)
    two = union_all(select(literal(1).label("n")), select(literal(2).label("n"))).subquery()
    for execute in (stock.execute, database.run):
        with database.begin() as connection:
            assert execute(connection, _FIND, {"id": 404}).first() is None
            assert execute(connection, _FIND, {"id": 1}).one().username == "admin"
            assert execute(connection, select(two.c.n), {}).first().n == 1
            with pytest.raises(NoResultFound):
                execute(connection, _FIND, {"id": 404}).one()
            with pytest.raises(MultipleResultsFound):
                execute(connection, select(two.c.n), {}).one()


@pytest.mark.parametrize("text", ["naïve \U0001f36a", "", "plain", "it's; --"])
def test_any_text_is_written_and_found_as_the_stock_way_does_it(database: Database, text: str) -> None:
    code = Column("code", code_type(64), primary_key=True)
    table = Table("coded_rows", MetaData(), code, Column("n", BigInteger))
    new, find = table.insert(), select(code, table.c.n).where(code == bindparam("code"))
    with database.begin() as connection:
        table.create(connection)
        database.run(connection, new, {"code": text, "n": 1})
        connection.execute(new, {"code": f"stock {text}", "n": 2})

    stock = Statements(database.query)
    for wanted in (text, f"stock {text}", "absent"):
        found, same = database.find(find, {"code": wanted}), stock.row(find, {"code": wanted})
        assert (found and tuple(found)) == (same and tuple(same))
    assert database.find(find, {"code": text}).n == 1


def test_statements_of_any_kind_answer_as_the_stock_way_does(database: Database) -> None:
    """A list of values, a value that the statement brings itself, a converted type and a repeated name."""
    statements: tuple[tuple[Any, dict[str, Any]], ...] = (
        (select(users.c.username).where(users.c.id.in_(bindparam("ids", expanding=True))), {"ids": [1, 2]}),
        (select(users.c.role).where(users.c.id == 1), {}),
        (select(type_coerce(users.c.username, JSON).label("name")).where(users.c.id == 404), {}),
        (select(users.c.id, literal(7).label("id")).where(users.c.id == 1), {}),
    )
    stock = Statements(database.query)
    for statement, values in statements:
        assert database.find(statement, values) == stock.row(statement, values)


def test_a_value_that_is_missing_is_an_error(database: Database) -> None:
    with pytest.raises(StatementError):
        database.find(_FIND, {})


def test_a_statement_that_nobody_keeps_is_forgotten(database: Database) -> None:
    for number in range(10):
        database.find(select(users.c.id).where(users.c.id == number), {})

    gc.collect()
    statements = database._statements
    assert not isinstance(statements, PreparedStatements) or len(statements._plans) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_lookup_waits_for_a_locked_database_as_long_as_the_settings_say(
    set_config: Callable[..., Flask],
) -> None:
    database = Parts(set_config(DATABASE_TIMEOUT="7s")).database
    patience: Select[int] = select(column("timeout")).select_from(
        TableClause("pragma_busy_timeout", column("timeout"))
    )

    assert database.find(patience, {}).timeout == 7000


@pytest.mark.parametrize("odd", [None, "", "\xe9", "\ud800"])
@pytest.mark.parametrize("place", range(6))
def test_codes_that_are_not_ascii_are_written_out_among_any_others(place: int, odd: str | None) -> None:
    names = [f"code_{number}" for number in range(5)]
    table = Table(
        "codes", MetaData(), *(Column(name, code_type(9)) for name in names), Column("size", BigInteger)
    )
    values = [*names, 7]
    values[place] = odd if place < 5 else 8

    prepared = PreparedInserts(insert(table), [*names, "size"], sqlite.dialect()).prepare([tuple(values)])

    expected = [
        value.encode("ascii", "backslashreplace").decode() if type(value) is str else value
        for value in values
    ]
    assert prepared == [tuple(expected)]
