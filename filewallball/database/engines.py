"""How the engines of each kind of database are opened: timeouts, isolation, durability."""

import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import make_url

from filewallball.settings.service import Settings

_MOST_JOINED_BYTES = 64 * 1024 * 1024
"""How long a value that MariaDB puts together of a group may be."""


def configure(settings: Settings) -> dict[str, Any]:
    """Flask-SQLAlchemy's configuration: the default engine writes, the bind `read` reads."""
    common = _sqlite_options(settings) if settings.is_sqlite else _mariadb_options(settings)
    common["hide_parameters"] = True  # errors are logged, the values of a statement are nobody's business
    reading = {**common, "isolation_level": "AUTOCOMMIT"}
    writing = {**common, "isolation_level": "READ COMMITTED"}
    if settings.is_sqlite:
        writing = {**common, "connect_args": {**common["connect_args"], "isolation_level": None}}
    else:
        reading["skip_autocommit_rollback"] = True
    return {
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": writing,
        "SQLALCHEMY_BINDS": {"read": {"url": settings.database_url, **reading}},
    }


def listen(engine: Engine, *, immediate: bool) -> None:
    """On SQLite: durable WAL on every connection and, for the writer, transactions that lock at once."""
    if engine.dialect.name != "sqlite":
        return
    event.listen(engine, "connect", _prepare_sqlite)
    if immediate:
        event.listen(engine, "begin", _begin_immediate)


def _sqlite_options(settings: Settings) -> dict[str, Any]:
    return {
        "connect_args": {"timeout": settings.database_timeout.total_seconds(), "check_same_thread": False}
    }


def _mariadb_options(settings: Settings) -> dict[str, Any]:
    seconds = max(1, round(settings.database_timeout.total_seconds()))
    connect_args: dict[str, Any] = {
        "connect_timeout": seconds,
        "read_timeout": seconds,
        "write_timeout": seconds,
        "init_command": f"SET innodb_lock_wait_timeout={max(1, seconds - 1)}, time_zone='+00:00', "
        f"group_concat_max_len={_MOST_JOINED_BYTES}",
    }
    if "ssl_ca" not in make_url(settings.database_url).query:
        connect_args["ssl_disabled"] = (
            True  # otherwise PyMySQL builds a TLS context, 18 ms, for each connection
        )
    return {
        "connect_args": connect_args,
        "pool_size": settings.database_pool_size,
        "max_overflow": 0,
        "pool_timeout": seconds,
        "pool_recycle": 600,
        "pool_pre_ping": False,
    }


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
