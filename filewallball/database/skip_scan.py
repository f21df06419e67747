"""The few distinct values that begin an index of a table with many rows, without walking the rows."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from filewallball.database.connections import by_index


def distinct(
    connection: Connection, columns: list[Any], index: str, within: Sequence[ColumnElement[bool]], most: int
) -> list[tuple[Any, ...]] | None:
    """The distinct values of `columns`, the first ones of `index`, in rows `within` conditions on the first column
    alone; None if there are more than `most`.

    MariaDB skips from value to value by itself (its recursive statements would scan the whole index at every step);
    SQLite does not, so each value is sought alone.
    """
    if connection.dialect.name == "sqlite":
        found = list(islice(_sought(connection, columns, within), most + 1))
    else:
        statement = by_index(select(*columns), columns[0].table, index).where(*within)
        found = [tuple(row) for row in connection.execute(statement.group_by(*columns).limit(most + 1))]
    return found if len(found) <= most else None


def _sought(
    connection: Connection, columns: list[Any], within: Sequence[ColumnElement[bool]]
) -> Iterator[tuple[Any, ...]]:
    first, *others = columns
    smallest = select(func.min(first))
    value = connection.execute(smallest.where(*within)).scalar()
    while value is not None:
        if others:
            for further in _sought(connection, others, [*within, first == value]):
                yield value, *further
        else:
            yield (value,)
        value = connection.execute(smallest.where(*within, first > value)).scalar()
