"""The sweep of links: claims go once they are over, links a month after they lead nowhere any more."""

from typing import Any

from sqlalchemy import Row, and_, bindparam, delete, exists, select, update

from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.files.tables import KEPT
from filewallball.links.lookup import ACTIVE, SHOWN, UNAVAILABLE, is_resting, shown_state
from filewallball.links.tables import link_claims, links

_BATCH = 500
_BATCHES_OF_CLAIMS = 100
"""At each run: so many clients a minute may begin downloads for as long as they like."""
_KEPT_US = 30 * 24 * 3600 * 1_000_000


class LinkSweep:
    """Any number may run at once: each step is a conditional change. It walks through the links, some at each run, so
    that a run costs the same however many there are."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._position = 0

    def run(self) -> None:
        """Do all that is due every minute."""
        self.drop_claims()
        self.note_ends()
        self.drop_links()

    def drop_claims(self) -> int:
        """Drop claims under which nothing may be fetched any more."""
        columns, dropped = link_claims.primary_key.columns, 0
        over = link_claims.c.until_us <= now_us()
        drop = delete(link_claims).where(
            *(column == bindparam(f"of_{column.name}") for column in columns), over
        )
        for _ in range(_BATCHES_OF_CLAIMS):
            keys = self._database.rows(select(*columns).where(over).limit(_BATCH))
            if keys:
                named = [{f"of_{name}": value for name, value in key._mapping.items()} for key in keys]
                with self._database.begin() as connection:
                    connection.execute(drop, named)
            dropped += len(keys)
            if len(keys) < _BATCH:
                break
        return dropped

    def note_ends(self) -> int:
        """Note of some links that they are over: expired, used up, without their file."""
        rows = self._database.rows(
            SHOWN.where(links.c.id > self._position, links.c.ended_us.is_(None))
            .order_by(links.c.id)
            .limit(_BATCH)
        )
        self._position = rows[-1].id if len(rows) == _BATCH else 0
        over = [row.link_id for row in rows if _is_over(row)]
        if over:
            claimed = exists().where(link_claims.c.link_id == links.c.link_id)
            ended = and_(links.c.link_id.in_(over), links.c.ended_us.is_(None), ~claimed)
            with self._database.begin() as connection:
                connection.execute(update(links).where(ended).values(ended_us=now_us()))
        return len(over)

    def drop_links(self) -> int:
        """Drop links that were over a month ago; the audit log still names them."""
        old = links.c.ended_us < now_us() - _KEPT_US
        ids = self._database.scalars(select(links.c.id).where(old).limit(_BATCH))
        if ids:
            with self._database.begin() as connection:
                connection.execute(delete(links).where(links.c.id.in_(ids), old))
        return len(ids)


def _is_over(row: Row[Any]) -> bool:
    """True for a link that leads nowhere and never will. Quarantined files may come back, and so may makers."""
    if row.revoked_us is None and is_resting(row):
        return False
    return shown_state(row) not in (ACTIVE, UNAVAILABLE) or row.file_state not in KEPT
