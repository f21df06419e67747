"""The last use of each token: noted in memory on the hot path, brought to the database by a job."""

import threading

from sqlalchemy import bindparam, or_, update

from filewallball.access.tables import tokens
from filewallball.database.connections import Database

_MINUTE_US = 60_000_000
# Another worker may have written a later use already.
_USED = (
    update(tokens)
    .where(
        tokens.c.id == bindparam("token_id"),
        or_(tokens.c.last_used_us.is_(None), tokens.c.last_used_us < bindparam("moment")),
    )
    .values(last_used_us=bindparam("moment"))
)


class LastUse:
    """The uses that one process saw."""

    def __init__(self) -> None:
        self._noted: dict[int, int] = {}
        self._unwritten: dict[int, int] = {}
        self._lock = threading.Lock()

    def note(self, token_id: int, moment_us: int) -> None:
        """Remember a use, once a minute and token."""
        if abs(moment_us - self._noted.get(token_id, 0)) >= _MINUTE_US:
            self._noted[token_id] = moment_us
            with self._lock:
                self._unwritten[token_id] = moment_us

    def take(self) -> dict[int, int]:
        """Take the uses noted since the last call: token to moment."""
        with self._lock:
            uses, self._unwritten = self._unwritten, {}
        return uses

    def give_back(self, uses: dict[int, int]) -> None:
        """Keep uses that were taken and could not be written, but for those of tokens that were used again."""
        with self._lock:
            self._unwritten = {**uses, **self._unwritten}


def write_last_use(database: Database, last_use: LastUse) -> None:
    """Bring what was noted to the database; what could not be written is kept for the next time."""
    uses = last_use.take()
    if not uses:
        return
    try:
        with database.begin() as connection:
            connection.execute(_USED, [{"token_id": each, "moment": uses[each]} for each in sorted(uses)])
    except Exception:
        last_use.give_back(uses)
        raise
