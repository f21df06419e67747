"""Rows of nearly every request on MariaDB, found as one JSON value each.

PyMySQL is written in Python and reads a description of every column before it reads the row; for a row of 17 columns
that takes longer than everything else about the statement. So the server packs the columns into one array.

`python -m benchmarks.shortcuts`: a file is looked up in 49 to 60 % less time on a busy machine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import orjson
import pymysql
from sqlalchemy import ColumnElement, Connection, Engine, Select, func
from sqlalchemy.exc import MultipleResultsFound
from sqlalchemy.sql.compiler import SQLCompiler

from filewallball.database.prepared import Process, impl, row_type
from filewallball.database.stock import Query, Statements


@dataclass(frozen=True, slots=True)
class _Plan:
    """A statement as the driver takes it, what makes each value fit for the driver, and the class of its rows."""

    sql: str
    parameters: tuple[tuple[str, Any, Process], ...]
    required: frozenset[str]
    row: Callable[[Any], Any]

    def only(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """The only row, or None."""
        named = {
            name: values.get(name, own) if process is None else process(values.get(name, own))
            for name, own, process in self.parameters
        }
        found = _fetched(connection, self.sql, named)
        if len(found) > 1:
            raise MultipleResultsFound("Multiple rows were found when one or none was required")
        return self.row(orjson.loads(found[0][0])) if found else None


class PackedStatements(Statements):
    """Packs rows of texts and integers; whatever else a statement selects goes the stock way."""

    def __init__(self, engine: Engine, query: Query) -> None:
        super().__init__(query)
        self._dialect = engine.dialect
        self._plans: WeakKeyDictionary[Select[Any], _Plan | None] = WeakKeyDictionary()

    def row(self, statement: Select[Any], values: Mapping[str, Any]) -> Any:
        if statement not in self._plans:
            self._plans[statement] = self._planned(statement)
        plan = self._plans[statement]
        if plan is None or not plan.required <= values.keys():
            return super().row(statement, values)
        return self._query(lambda connection: plan.only(connection, values))

    def _planned(self, statement: Select[Any]) -> _Plan | None:
        """None for a row that JSON would change, and for a statement that needs more than its values bound."""
        columns = statement.exported_columns
        names = row_type(columns)
        if names is None or not all(map(self._is_packable, columns)):
            return None
        packed = statement.with_only_columns(func.json_array(*columns), maintain_column_froms=True)
        compiled = packed.compile(dialect=self._dialect)
        if (
            not isinstance(compiled, SQLCompiler)
            or compiled.post_compile_params
            or compiled.literal_execute_params
        ):
            return None
        parameters = tuple(
            (name, compiled.params[name], impl(bind.type, self._dialect).bind_processor(self._dialect))
            for bind, name in compiled.bind_names.items()
        )
        required = frozenset(name for bind, name in compiled.bind_names.items() if bind.required)
        return _Plan(str(compiled), parameters, required, names)

    def _is_packable(self, column: ColumnElement[Any]) -> bool:
        kind = impl(column.type, self._dialect)
        try:
            return kind.python_type in (str, int) and not kind.result_processor(self._dialect, None)
        except NotImplementedError:  # nobody knows what it is
            return False


def _fetched(connection: Connection, sql: str, values: Mapping[str, Any]) -> Any:
    """Two rows at most. A failure goes the way of SQLAlchemy's own ones: a DBAPIError is raised, a lost connection
    leaves the pool."""
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchmany(2)
    except pymysql.Error as error:
        connection._handle_dbapi_exception(error, sql, values, None, None)
