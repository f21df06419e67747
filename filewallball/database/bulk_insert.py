"""Writing many rows with one statement, past the work that SQLAlchemy and MariaDB's driver do on each value."""

import re
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect

_VALUES = re.compile(r"VALUES \(((?:%\(\w+\)s(?:, )?)+)\)")
_NAME = re.compile(r"%\((\w+)\)s")
_MOST_BYTES = 1_000_000
"""How long a statement gets: well below `max_allowed_packet`, whose smallest default was 1 MiB."""

Values = tuple[Any, ...]


class BulkInsert:
    """An INSERT of rows that give a value for each of `names` (two at least), in that order: text, bytes or integers,
    the same kind in each row."""

    def __init__(self, statement: Any, names: Sequence[str], dialect: Dialect) -> None:
        names = list(names)
        compiled = statement.compile(dialect=dialect, column_keys=names)
        self._text, places = str(compiled), compiled.positiontup
        self._is_literal = not places
        if not places:
            found = _VALUES.search(self._text)
            if found is None:
                raise ValueError(f"not an INSERT of one row: {self._text}")
            places = _NAME.findall(found[1])
            self._head = self._text[: found.start()] + "VALUES "
            self._tail = self._text[found.end() :]
        self._arranged: Any = itemgetter(*(names.index(name) for name in places))

    def execute(self, connection: Connection, rows: Iterable[Values]) -> int:
        """Insert the rows, none if there are none; returns how many the database says that it has inserted."""
        return self.send(connection, self.prepare(rows))

    def prepare(self, rows: Iterable[Values]) -> list[Any]:
        """What `send` takes: all the work that needs no database."""
        arranged = map(self._arranged, rows)
        return list(self._literal(arranged)) if self._is_literal else list(arranged)

    def send(self, connection: Connection, prepared: list[Any]) -> int:
        """Execute what was prepared; returns how many rows the database says that it has inserted."""
        if self._is_literal:
            return sum(connection.exec_driver_sql(statement).rowcount for statement in prepared)
        return connection.exec_driver_sql(self._text, prepared).rowcount if prepared else 0

    def _literal(self, rows: Iterable[Values]) -> Iterator[str]:
        """Statements with their values written out. Text goes as hexadecimal digits, so that nothing in it can mean
        anything, whatever the server's mode."""
        pattern = ""
        texts: list[int] = []
        octets: list[int] = []
        parts: list[str] = []
        size = 0
        for row in rows:
            values = list(row)
            if not pattern:
                pattern = ",".join("%d" if type(value) is int else "X'%s'" for value in values)
                texts = [place for place, value in enumerate(values) if type(value) is str]
                octets = [place for place, value in enumerate(values) if type(value) is bytes]
            for place in texts:
                values[place] = values[place].encode().hex()
            for place in octets:
                values[place] = values[place].hex()
            part = f"({pattern % tuple(values)})"
            if size + len(part) > _MOST_BYTES and parts:
                yield f"{self._head}{','.join(parts)}{self._tail}"
                parts, size = [], 0
            parts.append(part)
            size += len(part) + 1
        if parts:
            yield f"{self._head}{','.join(parts)}{self._tail}"
