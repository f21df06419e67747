"""Leases: while one is held, on whatever host, nobody unlinks stored bytes. One that its holder lost runs out.

Hosts do not agree on the time, and their clocks are set, so nobody compares a lease with a clock: its holder renews it
every minute, and to others it has run out when they have seen it unchanged for ten. Only one that ended more than a
day ago by the clock is taken for lost at first sight, as a process that runs once must.
"""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Table, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from filewallball.clock import now_us, steady_seconds
from filewallball.database.columns import code_type
from filewallball.database.connections import Database
from filewallball.database.metadata import metadata
from filewallball.errors import Unavailable

_LASTS_SECONDS = 600.0
_LASTS_US = 600_000_000
_LOST_US = 86_400_000_000
_RENEWED_SECONDS = 60.0


leases = Table(
    "leases",
    metadata,
    Column("lease_id", code_type(36), primary_key=True),
    Column("purpose", code_type(40), nullable=False),
    Column("expires_us", BigInteger, nullable=False),
)
"""Each lease and when it runs out."""


@dataclass(slots=True)
class Lease:
    """A lease that this process holds."""

    renewed: float
    """When it was last renewed, in steady seconds."""

    def require(self) -> None:
        """Raise Unavailable if it ran out meanwhile: then what it protected may be gone."""
        if steady_seconds() - self.renewed >= _LASTS_SECONDS:
            raise Unavailable("The lease on the stored bytes ran out.")


@contextmanager
def lease(database: Database, purpose: str) -> Iterator[Lease]:
    """Hold a lease inside the block; renewed in the background, given back at the end."""
    lease_id, held = str(uuid.uuid4()), Lease(steady_seconds())
    with database.begin() as connection:
        values = {"lease_id": lease_id, "purpose": purpose, "expires_us": now_us() + _LASTS_US}
        connection.execute(insert(leases), values)
    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(database, lease_id, held, ended), daemon=True)
    renewing.start()
    try:
        yield held
    finally:
        ended.set()
        renewing.join()
        with database.begin() as connection:
            connection.execute(delete(leases).where(leases.c.lease_id == lease_id))


class LeaseWatch:
    """The leases as one process sees them come and change."""

    def __init__(self, database: Database, clock: Callable[[], float] = steady_seconds) -> None:
        self._database = database
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def is_any_held(self) -> bool:
        """True if stored bytes must stay where they are."""
        return any(not run_out for _, _, run_out in self._look())

    def drop_expired(self) -> None:
        """Forget leases whose holders died."""
        for lease_id, expires_us, run_out in self._look():
            if run_out:
                unchanged = leases.c.lease_id == lease_id, leases.c.expires_us == expires_us
                with self._database.begin() as connection:
                    connection.execute(delete(leases).where(*unchanged))

    def _look(self) -> list[tuple[str, int, bool]]:
        """Each lease, its end, and whether it has run out."""
        rows = self._database.rows(select(leases.c.lease_id, leases.c.expires_us))
        now = self._clock()
        with self._lock:
            before, self._seen = self._seen, {}
            for lease_id, expires_us in rows:
                known = before.get(lease_id)
                is_unchanged = known is not None and known[0] == expires_us
                self._seen[lease_id] = known if known and is_unchanged else (expires_us, now)
            seen = dict(self._seen)
        return [
            (lease_id, expires_us, now - since >= _LASTS_SECONDS or expires_us < now_us() - _LOST_US)
            for lease_id, (expires_us, since) in seen.items()
        ]


def try_writing(database: Database) -> None:
    """Commit a change of nothing: a lease that ran out long ago, taken and given back. Raises database errors."""
    lease_id = str(uuid.uuid4())
    with database.begin() as connection:
        connection.execute(insert(leases), {"lease_id": lease_id, "purpose": "probe", "expires_us": 0})
        connection.execute(delete(leases).where(leases.c.lease_id == lease_id))


def _renew(database: Database, lease_id: str, held: Lease, ended: threading.Event) -> None:
    while not ended.wait(_RENEWED_SECONDS):
        began, expires_us = steady_seconds(), now_us() + _LASTS_US
        mine = update(leases).where(leases.c.lease_id == lease_id).values(expires_us=expires_us)
        try:
            with database.begin() as connection:
                if connection.execute(mine).rowcount == 1:
                    held.renewed = began
        except SQLAlchemyError:
            continue  # tried again; if that goes on, `require` tells
