"""The format in which rows of the audit log are written: the newest once the database says that all understand it.

A process of an earlier release refuses rows of a newer format for good when it seals. So `filewallball upgrade finish`
puts on record that none is left, with the service's own mac: nobody without the key can say so.
"""

import hashlib
import hmac
import logging
import time
from collections.abc import Callable

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import DBAPIError

from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.recording.tables import audit_formats

FIRST, NEWEST = 1, 2
_LOOK_SECONDS = 5.0
logger = logging.getLogger("filewallball.audit")


class RowFormat:
    """One for each process, which looks again every few seconds until the newest format is the one to write."""

    def __init__(self, database: Database, key: bytes, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._key = key
        self._clock = clock
        self._current = FIRST
        self._due = float("-inf")

    def current(self) -> int:
        """The format to write now; the first one while the database does not answer."""
        if self._current != NEWEST and self._clock() >= self._due:
            self._due = self._clock() + _LOOK_SECONDS
            try:
                self._current = self.finished()
            except DBAPIError:  # whoever wrote a row now would learn the same; it is asked again
                logger.debug("The format of audit rows could not be read", exc_info=True)
        return self._current

    def keep_first(self) -> None:
        """Write the first format from now on, whatever the database says."""
        self._current, self._due = FIRST, float("inf")

    def finished(self) -> int:
        """The newest format that all processes understand, as the database has it. Raises database errors."""
        rows = self._database.rows(select(*audit_formats.c))
        return max(
            (
                min(row.format, NEWEST)
                for row in rows
                if type(row.format) is int and row.mac == self._mac(row.format, row.finished_us)
            ),
            default=FIRST,
        )

    def finish(self, connection: Connection) -> None:
        """Put on record that every process understands the newest format; part of the caller's operation."""
        finished_us = now_us()
        values = {"format": NEWEST, "finished_us": finished_us, "mac": self._mac(NEWEST, finished_us)}
        connection.execute(insert(audit_formats), values)

    def _mac(self, number: int, finished_us: int) -> str:
        return hmac.digest(self._key, b"format;%d;%d" % (number, finished_us), hashlib.sha256).hex()
