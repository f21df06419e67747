"""The end of idempotency keys: those of dead holders are freed within a minute, outcomes are forgotten after a day.

Hosts do not agree on the time, and their clocks are set, so nobody compares a key with a clock: its holder renews it
while bytes arrive, and it is freed once this process has seen it unchanged for a while. Nor does a clock that is put
forward make outcomes old at once: they are forgotten when they have been old for an hour.
"""

import threading
from collections import deque
from collections.abc import Callable

from sqlalchemy import bindparam, delete, select

from filewallball.clock import now_us, steady_seconds
from filewallball.database.connections import Database
from filewallball.idempotency.tables import DONE, OF_KEY, RUNNING, idempotency_keys

LOOK_SECONDS = 5.0
_LASTS_SECONDS = 40.0
_BLIND_SECONDS = 20.0
"""After so long without a look nothing is known of the time between: a holder could not renew it either."""
_KEPT_US = 24 * 3600 * 1_000_000
_WATCHED_SECONDS = 3600.0
_BATCH = 500
_COLUMNS = tuple(idempotency_keys.c[name] for name in ("principal", "key_digest", "holder", "beat"))
_RUNNING = select(*_COLUMNS).where(idempotency_keys.c.state == RUNNING)
_FREE = delete(idempotency_keys).where(
    *OF_KEY,
    idempotency_keys.c.state == RUNNING,
    idempotency_keys.c.holder == bindparam("of_holder"),
    idempotency_keys.c.beat == bindparam("of_beat"),
)
_FORGET = delete(idempotency_keys).where(*OF_KEY, idempotency_keys.c.state == DONE)
Seen = tuple[str, str, str, int]


class KeyExpiry:
    """Ends keys, as one process sees them. Several may do it at once: each step is a conditional statement."""

    def __init__(self, database: Database, clock: Callable[[], float] = steady_seconds) -> None:
        self._database = database
        self._clock = clock
        self._seen: dict[Seen, float] = {}
        self._looked = clock()
        self._cutoffs: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()

    def run(self) -> None:
        """Do all that is due every LOOK_SECONDS."""
        self.free_abandoned()
        self.forget_old()

    def free_abandoned(self) -> int:
        """Free the keys that nobody has renewed for a while."""
        with self._lock:
            abandoned = self._look()
        for principal, digest, holder, beat in abandoned:
            names = {"of_principal": principal, "of_digest": digest, "of_holder": holder, "of_beat": beat}
            with self._database.begin() as connection:
                connection.execute(_FREE, names)
        return len(abandoned)

    def forget_old(self) -> int:
        """Forget the oldest of the outcomes that have been older than a day for as long as an hour."""
        with self._lock:
            cutoff = self._cutoff()
        if cutoff is None:
            return 0
        old = (
            select(idempotency_keys.c.principal, idempotency_keys.c.key_digest)
            .where(idempotency_keys.c.state == DONE, idempotency_keys.c.done_us < cutoff)
            .limit(_BATCH)
        )
        names = [
            {"of_principal": row.principal, "of_digest": row.key_digest} for row in self._database.rows(old)
        ]
        if names:
            with self._database.begin() as connection:
                connection.execute(_FORGET, names)
        return len(names)

    def _look(self) -> list[Seen]:
        rows: list[Seen] = [tuple(row) for row in self._database.rows(_RUNNING)]
        now = self._clock()
        before = self._seen if now - self._looked <= _BLIND_SECONDS else {}
        self._looked = now
        self._seen = {row: before.get(row, now) for row in rows}
        return [row for row, since in self._seen.items() if now - since >= _LASTS_SECONDS]

    def _cutoff(self) -> int | None:
        """The lowest bound of age of the last hour; None before this process has watched the clock for so long."""
        now = self._clock()
        self._cutoffs.append((now, now_us() - _KEPT_US))
        while len(self._cutoffs) > 1 and now - self._cutoffs[1][0] >= _WATCHED_SECONDS:
            self._cutoffs.popleft()
        if now - self._cutoffs[0][0] < _WATCHED_SECONDS:
            return None
        return min(cutoff for _, cutoff in self._cutoffs)
