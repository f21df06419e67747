"""What a database refuses to write, noticed whoever asked it to, and told for as long as it lasts."""

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from filewallball.database.connections import Database
from filewallball.database.refusals import Refusals
from filewallball.storage.leases import leases, try_writing


@pytest.fixture
def sqlite() -> Database:
    """A small database in memory with the table that the probe writes to."""
    engine = create_engine("sqlite:///:memory:", isolation_level=None)
    leases.create(engine)
    return Database(engine, engine)


def refuse(database: Database, *pragmas: str) -> None:
    with database.writing() as connection:
        for pragma in pragmas:
            connection.exec_driver_sql(f"PRAGMA {pragma}")


def fill(database: Database) -> None:
    """Add rows until the database takes no more."""
    rows = [{"lease_id": f"{number:036d}", "purpose": "x" * 40, "expires_us": 1} for number in range(1000)]
    with database.begin() as connection:
        connection.execute(leases.insert(), rows)


def test_a_database_that_keeps_what_is_written_has_no_problem_and_no_row_more(sqlite: Database) -> None:
    try_writing(sqlite)

    assert sqlite.refusals.problem == ""
    assert sqlite.rows(leases.select()) == []


def test_a_read_only_database_is_noticed_by_a_write_of_nothing(sqlite: Database) -> None:
    refuse(sqlite, "query_only = ON")

    with pytest.raises(DBAPIError):
        try_writing(sqlite)

    assert sqlite.refusals.problem == "The database is read-only."


@pytest.mark.parametrize("write", ["a job", "a change"])
def test_a_change_that_finds_no_space_is_noticed_whoever_makes_it(sqlite: Database, write: str) -> None:
    refuse(sqlite, "max_page_count = 4")

    with pytest.raises(DBAPIError):
        fill(sqlite) if write == "a job" else sqlite.commit(
            lambda connection: connection.execute(
                text("INSERT INTO leases SELECT hex(zeroblob(9999)), '', 0")
            )
        )

    assert sqlite.refusals.problem == "The database has no space left."


def test_other_errors_are_no_refusal(sqlite: Database) -> None:
    with pytest.raises(DBAPIError):
        sqlite.commit(lambda connection: connection.execute(text("INSERT INTO nowhere VALUES (1)")))

    assert sqlite.refusals.problem == ""


def test_a_refusal_is_told_for_fifteen_seconds_after_the_last_one() -> None:
    engine = create_engine("sqlite:///:memory:", isolation_level=None)
    now = [100.0]
    database = Database(engine, engine)
    refusals = Refusals(engine, clock=lambda: now[0])
    database.refusals = refusals
    leases.create(engine)
    refuse(database, "query_only = ON")

    told: list[bool] = []
    for moment, writes in ((100.0, True), (110.0, True), (124.9, False), (125.0, False)):
        now[0] = moment
        if writes:
            with pytest.raises(DBAPIError):
                try_writing(database)
        told.append(refusals.problem != "")

    assert told == [True, True, True, False]
