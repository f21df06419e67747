"""Errors of COMMIT: those by which the database says that nothing was kept, and those that leave it open."""

import sqlite3

import pymysql
import pytest
from sqlalchemy.exc import DBAPIError

from filewallball.errors.database_codes import is_refused_commit
from filewallball.errors.translation import translate


def mariadb(code: int, message: str) -> DBAPIError:
    """The error as SQLAlchemy raises it for what PyMySQL raised."""
    others = pymysql.err.InternalError if code < 1000 else pymysql.err.OperationalError
    kind = pymysql.err.error_map.get(code, others)
    return wrapped(kind(code, message), pymysql.err.MySQLError)


def sqlite(code: int) -> DBAPIError:
    error = sqlite3.OperationalError("broken")
    error.sqlite_errorcode = code
    return wrapped(error, sqlite3.Error)


def wrapped(error: Exception, base: type[Exception]) -> DBAPIError:
    found = DBAPIError.instance("COMMIT", {}, error, base)
    assert isinstance(found, DBAPIError)
    return found


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (mariadb(1213, "Deadlock found"), "unavailable"),
        (mariadb(1205, "Lock wait timeout exceeded"), "unavailable"),
        (mariadb(1290, "running with the --read-only option"), "unavailable"),
        (mariadb(1836, "Running in read-only mode"), "unavailable"),
        (mariadb(1021, "Disk full (files); waiting for someone to free some space"), "storage_full"),
        (mariadb(1114, "The table 'files' is full"), "storage_full"),
        (
            mariadb(1026, "Error writing file 'files.ibd' (errno: 28 \"No space left on device\")"),
            "storage_full",
        ),
        (mariadb(1030, 'Got error 28 "No space left on device" from storage engine'), "storage_full"),
        (mariadb(3, "Error writing file './binlog.000001' (Errcode: 28 \"No space left\")"), "storage_full"),
        (sqlite(sqlite3.SQLITE_FULL), "storage_full"),
        (sqlite(sqlite3.SQLITE_READONLY), "unavailable"),
        (sqlite(sqlite3.SQLITE_BUSY), "unavailable"),
    ],
    ids=lambda value: str(value).splitlines()[0],
)
def test_an_error_that_says_what_became_of_the_change_is_told_as_that(error: DBAPIError, code: str) -> None:
    assert is_refused_commit(error)
    assert translate(error).code == code


@pytest.mark.parametrize(
    "error",
    [
        mariadb(2013, "Lost connection to MySQL server during query"),
        mariadb(2006, "MySQL server has gone away"),
        mariadb(1053, "Server shutdown in progress"),
        mariadb(1317, "Query execution was interrupted"),
        mariadb(1927, "Connection was killed"),
        mariadb(1180, "Got error 149 during COMMIT"),
        mariadb(1030, "Got error 128 from storage engine"),
        sqlite(sqlite3.SQLITE_IOERR),
    ],
    ids=str,
)
def test_an_error_that_may_come_in_place_of_done_leaves_the_outcome_open(error: DBAPIError) -> None:
    assert not is_refused_commit(error)
