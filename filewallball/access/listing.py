"""Pages of the lists of users, tokens, blocks and quotas: by number, or by cursor at equal cost at any depth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, func, literal

from filewallball.database.connections import Database
from filewallball.web import paging


@dataclass(frozen=True, slots=True)
class Place:
    """The page that is asked for: by cursor, or without one by number."""

    page: int = 1
    size: int = 100
    cursor: str = ""

    @property
    def offset(self) -> int:
        return 0 if self.cursor else (self.page - 1) * self.size


def place_of(query: dict[str, Any]) -> Place:
    """Take the place of the page out of a query; what is left are its filters."""
    return Place(page=query.pop("page"), size=query.pop("size"), cursor=query.pop("cursor"))


@dataclass(frozen=True, slots=True)
class Listed:
    """The rows of a page, the number of rows on all pages, and what leads on."""

    rows: Sequence[Any]
    total: int
    next_cursor: str | None

    def shown(self, name: str) -> dict[str, Any]:
        """The page as answers give it, its rows under a name."""
        return {name: self.rows, "total": self.total, "next_cursor": self.next_cursor}


def by_id(
    database: Database,
    statement: Select[Any],
    key: Column[Any],
    wanted: Sequence[ColumnElement[bool]],
    place: Place,
    *,
    newest_first: bool = True,
) -> Listed:
    """A page of the rows of `statement` that are wanted, in order of their ids.

    Raises ValidationFailed for a foreign cursor.
    """
    kind, after = key.table.name, list(wanted)
    if place.cursor:
        (last,) = paging.decode_key(place.cursor, kind, int)
        after.append(key < last if newest_first else key > last)
    ordered = statement.where(*after).order_by(key.desc() if newest_first else key)
    rows = database.rows(ordered.limit(place.size + 1).offset(place.offset))
    more = len(rows) > place.size
    rows = rows[: place.size]
    total = database.scalar(
        statement.with_only_columns(func.count(), maintain_column_froms=True).where(*wanted)
    )
    return Listed(rows, int(total), paging.encode_key(kind, rows[-1].id) if more else None)


def has(column: Column[str], text: str) -> list[ColumnElement[bool]]:
    """That a column has a text in it; nothing where none is asked for."""
    return [func.instr(column, literal(text, column.type)) > 0] if text else []
