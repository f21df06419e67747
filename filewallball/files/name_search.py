"""Finding files by a part of their name, alike on both databases.

The database looks into `name_folded` byte by byte, so neither its collation nor wildcards have a say. Rows that an
earlier release wrote have none until `name_backfill` has reached them: while there are any, their names are folded
here. Then a search reads every row that other filters leave, until its page is full; nothing is missed.
"""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select

from filewallball.files.tables import backfills, files
from filewallball.text import fold

BACKFILL = "files.name_folded"
POSITION = select(backfills.c.position).where(backfills.c.name == BACKFILL)
_UNFOLDED = files.c.name_folded.is_(None)
_PENDING = (
    select(files.c.id).where(files.c.id > func.coalesce(POSITION.scalar_subquery(), 0), _UNFOLDED).limit(1)
)
KEYS = (files.c.id, files.c.upload_us, case((_UNFOLDED, files.c.filename)).label("unfolded"))
_PIECE = 5000
Conditions = list[ColumnElement[bool]]
Newest = Callable[[Conditions, int], Select[Any]]
"""Selects KEYS of the newest so many files that a list shows and that meet further conditions."""


def has_in_name(wanted: str) -> ColumnElement[bool]:
    """That the folded name contains the text; NULL where there is no folded name yet."""
    return func.instr(files.c.name_folded, fold(wanted)) > 0


def has_name(wanted: str, *, pending: bool) -> Conditions:
    """That the name contains the text; nothing where none is wanted. While some names are pending, those that are not
    folded yet are compared as they are."""
    if not pending:
        return [has_in_name(wanted)] if wanted else []
    return [or_(has_in_name(wanted), and_(_UNFOLDED, func.instr(files.c.filename, wanted) > 0))]


def is_pending(connection: Connection) -> bool:
    """True while some file may have no folded name."""
    return connection.execute(_PENDING).first() is not None


def find(
    connection: Connection,
    newest: Newest,
    wanted: str,
    after: Conditions,
    older: Callable[[int, int], ColumnElement[bool]],
) -> Iterator[int]:
    """The ids of files whose name contains the text, newest first, whether it is folded yet or not. `older` gives the
    condition for what comes after a moment of upload and an id."""
    candidates = or_(has_in_name(wanted), _UNFOLDED)
    folded = fold(wanted)
    while True:
        rows = connection.execute(newest([candidates, *after], _PIECE)).all()
        for row in rows:
            if row.unfolded is None or folded in fold(row.unfolded):
                yield row.id
        if len(rows) < _PIECE:
            return
        after = [older(rows[-1].upload_us, rows[-1].id)]


def count_unfolded(connection: Connection, newest: Newest, wanted: str, most: int) -> tuple[int, bool]:
    """Count the names not folded yet that contain the text among the `most` newest; and tell if it is all."""
    rows = connection.execute(newest([_UNFOLDED], most + 1)).all()
    folded = fold(wanted)
    return sum(folded in fold(row.unfolded) for row in rows[:most]), len(rows) <= most
