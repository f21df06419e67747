"""MariaDB: a server, of which each process has a few connections."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Insert,
    LargeBinary,
    Table,
    func,
    make_url,
    text,
    type_coerce,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects import mysql

from filewallball.database.bulk_insert import BulkInsert
from filewallball.database.dialect import Columns, Dialect, Options, written
from filewallball.database.hung_server import HungServer
from filewallball.database.packed import PackedStatements
from filewallball.database.stock import Inserts, Query, Statements
from filewallball.settings.service import Settings

_MOST_JOINED_BYTES = 64 * 1024 * 1024
"""The most bytes that MariaDB may join from a group into one value."""
_ABANDONED_SECONDS = 45
"""The server ends a write transaction whose client has sent nothing for so long: one that the network took away would
hold its locks for hours."""
_CONNECTED = text("SHOW GLOBAL STATUS LIKE 'Threads_connected'")
_MAXIMUM = text("SELECT @@GLOBAL.max_connections")
_LOCK_SCHEMA = text("SELECT GET_LOCK(CONCAT('filewallball/', DATABASE()), 1)")
"""Waits for a second; a name is of the whole server."""
_VARIABLES = text("SHOW GLOBAL VARIABLES WHERE variable_name IN :names")
_OF_DURABILITY = (
    "innodb_flush_log_at_trx_commit",
    "innodb_flush_method",
    "innodb_doublewrite",
    "log_bin",
    "sync_binlog",
    "sql_mode",
)


class MariaDB(Dialect):
    """A server that others may use at the same time."""

    name = "mariadb"
    title = "MariaDB"
    begin_snapshot = (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    )

    def complete(self, url: URL) -> URL:
        return url if "charset" in url.query else url.update_query_dict({"charset": "utf8mb4"})

    def engine_options(self, settings: Settings) -> tuple[Options, Options]:
        seconds = max(1, round(settings.database_timeout.total_seconds()))
        common = {
            "connect_args": _connect_arguments(settings.database_url, seconds),
            "pool_size": settings.database_pool_size,
            "max_overflow": 0,
            "pool_timeout": seconds,
            "pool_recycle": 600,
            "pool_pre_ping": False,
        }
        return (
            {**common, "isolation_level": "READ COMMITTED"},
            {**common, "isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True},
        )

    def listen(self, writer: Engine, reader: Engine) -> None:
        server = HungServer()
        for engine in {writer, reader}:
            server.watch(engine)

    @contextmanager
    def migrating(self, engine: Engine) -> Iterator[None]:
        with engine.connect() as connection:
            while connection.scalar(_LOCK_SCHEMA) == 0:
                pass
            try:
                yield
            finally:
                connection.invalidate()  # the lock goes with it; the server may have closed it meanwhile

    def statements(self, reader: Engine, query: Query) -> Statements:
        return PackedStatements(reader, query)

    def inserts(self, statement: Insert, names: Sequence[str], engine: Engine) -> Inserts:
        return BulkInsert(statement, names, engine.dialect)

    def insert(self, table: Table) -> Insert:
        return mysql.insert(table)

    def insert_ignoring(self, table: Table) -> Insert:
        return mysql.insert(table).prefix_with("IGNORE")

    def incoming(self, statement: Insert) -> Columns:
        return cast(mysql.Insert, statement).inserted

    def upsert(self, statement: Insert, keys: Sequence[Column[Any]], changes: Mapping[str, Any]) -> Insert:
        return cast(mysql.Insert, statement).on_duplicate_key_update(**changes)

    def length_prefixed(self, columns: Sequence[ColumnElement[Any]]) -> ColumnElement[bytes]:
        values = [written(column) for column in columns]
        octets = [
            part for value in values for part in (func.octet_length(value), ":", sql_cast(value, LargeBinary))
        ]
        return sql_cast(func.concat(*octets), LargeBinary)

    def joined(self, column: ColumnElement[Any], order_by: ColumnElement[Any]) -> ColumnElement[bytes] | None:
        joined = func.aggregate_strings(column, "").aggregate_order_by(order_by)
        return type_coerce(joined, LargeBinary)

    def connection_counts(self, connection: Connection, opened: Callable[[], int]) -> tuple[int, int | None]:
        return int(connection.execute(_CONNECTED).one()[1]), int(connection.execute(_MAXIMUM).scalar_one())

    def durability_faults(self, connection: Connection) -> Iterator[str]:
        rows = connection.execute(_VARIABLES, {"names": _OF_DURABILITY})
        return faults({row[0]: row[1] for row in rows})


def faults(variables: Mapping[str, str]) -> Iterator[str]:
    """The settings that lose confirmed changes."""
    if variables.get("innodb_flush_log_at_trx_commit") != "1":
        yield f"innodb_flush_log_at_trx_commit={variables.get('innodb_flush_log_at_trx_commit')}, not 1"
    if variables.get("innodb_flush_method", "").lower() in ("nosync", "littlesync"):
        yield f"innodb_flush_method={variables['innodb_flush_method']}"
    if variables.get("innodb_doublewrite", "").upper() in ("OFF", "0"):
        yield "innodb_doublewrite=OFF"
    if variables.get("log_bin", "").upper() in ("ON", "1") and variables.get("sync_binlog") != "1":
        yield f"log_bin=ON with sync_binlog={variables.get('sync_binlog')}, not 1"
    if "STRICT_TRANS_TABLES" not in variables.get("sql_mode", ""):
        yield "sql_mode without STRICT_TRANS_TABLES"


def _connect_arguments(url: str, seconds: int) -> Options:
    arguments: Options = {
        "connect_timeout": seconds,
        "read_timeout": seconds,
        "write_timeout": seconds,
        "init_command": f"SET innodb_lock_wait_timeout={max(1, seconds - 1)}, time_zone='+00:00', "
        f"idle_write_transaction_timeout={_ABANDONED_SECONDS}, "
        f"group_concat_max_len={_MOST_JOINED_BYTES}",
    }
    if not any(name.startswith("ssl") for name in make_url(url).query):
        arguments["ssl_disabled"] = True  # otherwise PyMySQL builds a TLS context, 18 ms, for each connection
    return arguments
