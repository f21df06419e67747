"""Small statements of every request on SQLite, where the work around a statement costs ten times the statement."""

import sqlite3
from collections import deque, namedtuple
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Select


@dataclass(frozen=True, slots=True)
class _Plan:
    """A statement as the driver takes it, with the order of its parameters and the names of its columns."""

    sql: str
    parameters: tuple[str, ...]
    row: Any


@dataclass(frozen=True, slots=True)
class _Writing:
    """The same for a statement inside a transaction, with the values that it brings itself."""

    sql: str
    parameters: tuple[str, ...]
    own: dict[str, Any]


class Lookups:
    """Looks rows up past SQLAlchemy, on connections of its own in autocommit: each sees the newest commit.

    Nothing is remembered but the statements, so there is nothing to invalidate. Raises sqlite3.Error.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._plans: dict[Select[Any], _Plan] = {}
        self._writings: dict[tuple[Any, ...], _Writing] = {}
        self._idle: deque[sqlite3.Connection] = deque()  # as many as threads ever looked at once

    def find(self, statement: Select[Any], values: Mapping[str, Any]) -> Any:
        """The only row of `statement`, or None."""
        plan = self._plans.get(statement) or self._plan(statement)
        connection = self._take()
        cursor = connection.execute(plan.sql, [values[name] for name in plan.parameters])
        found = cursor.fetchone()
        cursor.close()  # or it would keep the snapshot that it read
        self._idle.append(connection)  # one that failed is not kept
        return None if found is None else plan.row._make(found)

    def run(self, connection: Connection, statement: Any, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Execute `statement` in the transaction of `connection`, with values that need no conversion."""
        key = (statement, *values)
        writing = self._writings.get(key) or self._writing(key)
        given = {**writing.own, **values}
        return connection.exec_driver_sql(writing.sql, tuple([given[name] for name in writing.parameters]))

    def close(self) -> None:
        """Close the idle connections; later lookups open others."""
        while self._idle:
            self._idle.pop().close()

    def _plan(self, statement: Select[Any]) -> _Plan:
        compiled = statement.compile(dialect=self._engine.dialect)
        row = namedtuple("Found", [column.key for column in statement.selected_columns])  # type: ignore[misc]
        plan = self._plans[statement] = _Plan(str(compiled), tuple(compiled.positiontup or ()), row)
        return plan

    def _writing(self, key: tuple[Any, ...]) -> _Writing:
        statement, *names = key
        compiled = statement.compile(dialect=self._engine.dialect, column_keys=names)
        writing = _Writing(str(compiled), tuple(compiled.positiontup or ()), dict(compiled.params))
        self._writings[key] = writing
        return writing

    def _take(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            path = str(self._engine.url.database)
            return sqlite3.connect(path, isolation_level=None, check_same_thread=False)
