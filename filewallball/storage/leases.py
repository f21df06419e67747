"""Leases: while one is held, on whatever host, nobody unlinks stored bytes. One that its holder lost runs out."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Table, delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from filewallball.clock import now_us
from filewallball.database.columns import code_type
from filewallball.database.connections import Database
from filewallball.database.tables import db
from filewallball.errors import Unavailable

_LASTS_US = 600_000_000
_RENEWED_SECONDS = 60.0


leases = Table(
    "leases",
    db.metadata,
    Column("lease_id", code_type(36), primary_key=True),
    Column("purpose", code_type(40), nullable=False),
    Column("expires_us", BigInteger, nullable=False),
)
"""Each lease and when it runs out."""


@dataclass(slots=True)
class Lease:
    """A lease that this process holds."""

    expires_us: int

    def require(self) -> None:
        """Raise Unavailable if it ran out meanwhile: then what it protected may be gone."""
        if now_us() >= self.expires_us:
            raise Unavailable("The lease on the stored bytes ran out.")


@contextmanager
def lease(database: Database, purpose: str) -> Iterator[Lease]:
    """Hold a lease inside the block; renewed in the background, given back at the end."""
    lease_id, held = str(uuid.uuid4()), Lease(now_us() + _LASTS_US)
    with database.begin() as connection:
        values = {"lease_id": lease_id, "purpose": purpose, "expires_us": held.expires_us}
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


def is_any_held(database: Database) -> bool:
    """True if stored bytes must stay where they are."""
    statement = select(leases.c.lease_id).where(leases.c.expires_us > now_us()).limit(1)
    return database.row(statement) is not None


def drop_expired(database: Database) -> None:
    """Forget leases whose holders died."""
    with database.begin() as connection:
        connection.execute(delete(leases).where(leases.c.expires_us <= now_us()))


def try_writing(database: Database) -> None:
    """Commit a change of nothing: a lease that ran out long ago, taken and given back. Raises database errors."""
    lease_id = str(uuid.uuid4())
    with database.begin() as connection:
        connection.execute(insert(leases), {"lease_id": lease_id, "purpose": "probe", "expires_us": 0})
        connection.execute(delete(leases).where(leases.c.lease_id == lease_id))


def _renew(database: Database, lease_id: str, held: Lease, ended: threading.Event) -> None:
    while not ended.wait(_RENEWED_SECONDS):
        expires_us = now_us() + _LASTS_US
        mine = update(leases).where(leases.c.lease_id == lease_id).values(expires_us=expires_us)
        try:
            with database.begin() as connection:
                if connection.execute(mine).rowcount == 1:
                    held.expires_us = expires_us
        except DBAPIError:
            continue  # tried again; if that goes on, `require` tells
