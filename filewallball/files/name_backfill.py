"""Gives the files of earlier releases their folded names, while the service runs.

Rows are taken in the order of their ids, a batch in a transaction together with the position reached, so the job goes
on where it was broken off. It keeps behind the newest rows: a process of the earlier release may still be inserting.
"""

import time

from sqlalchemy import Connection, case, func, select, update

from filewallball.database.connections import Database
from filewallball.files.name_search import BACKFILL, POSITION
from filewallball.files.tables import backfills, files
from filewallball.text import fold

_BATCH = 250
_REST = 1.0
_LEAST_REST_SECONDS = 0.005


class NameBackfill:
    """Any number may run at once: each batch holds the row with the position."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._settled = 0

    def run(self) -> int:
        """Fold the names of the rows that were there when this ran last; returns how many rows it went through.

        It rests as long as it works, so that others get to write.
        """
        gone_through = 0
        while True:
            began = time.monotonic()
            with self._database.begin() as connection:
                rows = self._fold_batch(connection)
            gone_through += rows
            if rows < _BATCH:
                break
            time.sleep(max(_LEAST_REST_SECONDS, _REST * (time.monotonic() - began)))
        self._settled = int(self._database.scalar(select(func.coalesce(func.max(files.c.id), 0))))
        return gone_through

    def _fold_batch(self, connection: Connection) -> int:
        position = self._position(connection)
        rows = connection.execute(
            select(files.c.id, files.c.filename, files.c.name_folded)
            .where(files.c.id > position, files.c.id <= self._settled)
            .order_by(files.c.id)
            .limit(_BATCH)
        ).all()
        unfolded = {row.id: fold(row.filename) for row in rows if row.name_folded is None}
        if unfolded:
            folded = case(unfolded, value=files.c.id)
            still = files.c.id.in_(unfolded), files.c.name_folded.is_(None)
            connection.execute(update(files).where(*still).values(name_folded=folded))
        if rows:
            reached = update(backfills).where(backfills.c.name == BACKFILL).values(position=rows[-1].id)
            connection.execute(reached)
        return len(rows)

    def _position(self, connection: Connection) -> int:
        """The id up to which no folded name is missing; its row is locked, and made where there is none."""
        dialect = self._database.dialect
        new = dialect.insert_ignoring(backfills).values(name=BACKFILL, position=0)
        connection.execute(new)
        return int(connection.execute(POSITION.with_for_update()).scalar_one())
