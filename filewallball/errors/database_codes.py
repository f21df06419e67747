"""The meaning of a database's error: whether to try again, whether anything was kept, and the text for the caller."""

import errno
import re
import sqlite3
import sys
from typing import Any

_DEADLOCK, _LOCK_WAIT = 1213, 1205
_READ_ONLY = (1290, 1836)
_FULL = (1021, 1114)
_WRITE_FAILED = (3, 1026, 1030)
_NO_SPACE = re.compile(rf"\b{errno.ENOSPC}\b")
_PRIMARY_CODE = 0xFF  # SQLite's extended codes add detail above it
_NOT_WRITTEN = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
_NOT_KEPT = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY)


def is_transient(error: BaseException) -> bool:
    """True if the database rolled the transaction back and asks for another try (also at COMMIT, as Galera does)."""
    return _mariadb_code(error) in (_DEADLOCK, _LOCK_WAIT)


def is_full(error: BaseException) -> bool:
    """True if the database has no space for the change."""
    code = _mariadb_code(error)
    if code in _WRITE_FAILED:  # with the system's reason in the text
        return _NO_SPACE.search(str(getattr(error, "orig", ""))) is not None
    return code in _FULL or _sqlite_code(error) == sqlite3.SQLITE_FULL


def is_read_only(error: BaseException) -> bool:
    """True if the database takes no changes."""
    return _mariadb_code(error) in _READ_ONLY or _sqlite_code(error) == sqlite3.SQLITE_READONLY


def is_write_failure(error: BaseException) -> bool:
    """True if the database works, but cannot keep changes."""
    return is_full(error) or is_read_only(error) or _sqlite_code(error) in _NOT_WRITTEN


def described(error: BaseException) -> str:
    """The description of the error that a caller may see."""
    if is_full(error):
        return "The database has no space left."
    if is_read_only(error):
        return "The database is read-only."
    if _sqlite_code(error) in _NOT_WRITTEN:
        return "The database cannot write its files."
    return "The database does not answer."


def is_refused_commit(error: BaseException) -> bool:
    """True if an error of COMMIT says that nothing was kept. One that merely came instead of an answer does not, nor
    does one that a kill may put in the place of «done»."""
    if _sqlite_code(error) in _NOT_KEPT:
        return True
    return is_transient(error) or is_full(error) or is_read_only(error)


def _mariadb_code(error: BaseException) -> int | None:
    """MariaDB's number of the error; where its driver is not loaded, there is none."""
    original, loaded = getattr(error, "orig", None), sys.modules.get("pymysql.err")
    if original is None or loaded is None or not isinstance(original, loaded.MySQLError) or not original.args:
        return None
    code: Any = original.args[0]
    return code if isinstance(code, int) else None


def _sqlite_code(error: BaseException) -> int | None:
    original = getattr(error, "orig", None)
    code: int | None = getattr(original, "sqlite_errorcode", None) if original is not None else None
    return code & _PRIMARY_CODE if code is not None else None
