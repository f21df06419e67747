"""The time that sealing has stood still, as this process sees it: no clock of any row or host is asked."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import func, select

from filewallball.database.connections import Database
from filewallball.recording.tables import audit_log

MOST_SECONDS = 300
_FIRST = select(func.min(audit_log.c.id)).where(audit_log.c.block_id.is_(None))


class Stall:
    """Remembers the first unsealed row and since when: sealing takes the lowest ids first, so another one takes its
    place within seconds, whatever else waits."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._first: int | None = None
        self._since = 0.0
        self.problem = ""
        """The reason why this process could not seal; empty if it could."""
        self.seconds = 0.0
        """For how long the row that was first at the last look had been first then; 0 if there was none."""

    def look(self) -> float:
        """The seconds, after another look at the log. Raises database errors."""
        first = self._database.query(lambda connection: connection.execute(_FIRST).scalar_one())
        now = self._clock()
        if first is None or first != self._first:
            self._first, self._since = first, now
        self.seconds = now - self._since
        return self.seconds

    def probe(self) -> Mapping[str, Any]:
        """Details for the health check."""
        seconds = self.look()
        late = f"rows have waited to be sealed for {seconds:.0f} s" if seconds > MOST_SECONDS else ""
        return {"problem": self.problem or late, "oldest_unsealed_seconds": round(seconds, 3)}
