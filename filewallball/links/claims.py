"""Claims: what counts as one download by a link.

A GET opens a claim of its client's network, which counts one; for ten minutes further parts are free under it, so that
a download goes on where it broke off. Whole files always count. Nothing is sent before the count is committed.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, Update, or_, select, update

from filewallball import errors
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.links.lookup import FoundLink, is_used_up
from filewallball.links.tables import link_claims, links
from filewallball.recording.operations import Ledger, Operation, operation

LASTS_US = 600 * 1_000_000
_KEY = (link_claims.c.link_id, link_claims.c.network, link_claims.c.etag)


@dataclass(frozen=True, slots=True)
class Claim:
    """The identity of a claim. Nobody knows whether two unknown clients are one, so theirs are of no network."""

    link: FoundLink
    network: str
    etag: str

    @property
    def values(self) -> dict[str, str]:
        return {"link_id": self.link.link_id, "network": self.network, "etag": self.etag}


class Claims:
    """The claims of one service, as the database has them."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger
        new = database.dialect.insert(link_claims)
        changes = {"until_us": database.dialect.incoming(new)["until_us"]}
        self._renew = database.dialect.upsert(new, list(_KEY), changes)

    def check(self, claim: Claim) -> None:
        """Raise LinkUsedUp where nothing is left to open and the client has no claim."""
        if is_used_up(claim.link) and not self.is_open(claim):
            raise errors.LinkUsedUp

    def is_open(self, claim: Claim) -> bool:
        """True if the client's network may go on with what it began."""
        return self._database.query(lambda connection: _is_open(connection, claim))

    def take(self, op: Operation, claim: Claim, *, is_part: bool) -> None:
        """Count a download before a byte of it leaves, unless this is a further part of one.

        Raises LinkUsedUp, LinkRevoked, LinkExpired, and what hinders a change.
        """
        if is_part and self.is_open(claim):
            self._database.sync()  # who opened it may still wait for the disk
            return
        if is_used_up(claim.link):
            raise errors.LinkUsedUp
        event = op.event
        with operation(
            self._ledger,
            "link:claim",
            op.caller,
            resource_id=event.resource_id,
            endpoint=event.endpoint,
            link_id=claim.link.link_id,
        ) as opening:
            opening.note(file_type=event.file_type, details={"link": claim.link.name})
            is_new = opening.change(
                lambda connection: self._open(connection, opening, claim, is_part=is_part)
            )
        op.note(details={"claim": "opened" if is_new else "joined"})

    def _open(self, connection: Connection, opening: Operation, claim: Claim, *, is_part: bool) -> bool:
        """Count one and note the claim, or join one that another request has opened just now."""
        link_id = claim.link.link_id
        locked = select(links.c.link_id).where(links.c.link_id == link_id).with_for_update()
        connection.execute(locked)
        if is_part and _is_open(connection, claim):
            opening.note(action="link:join")
            return False
        opening.note(action="link:claim")  # this may be another try of the transaction
        if connection.execute(_count_one(link_id)).rowcount != 1:
            raise self._refusal(connection, link_id)
        if claim.network:
            connection.execute(self._renew, {**claim.values, "until_us": now_us() + LASTS_US})
        return True

    @staticmethod
    def _refusal(connection: Connection, link_id: str) -> errors.ApiError:
        """The reason why nothing could be counted."""
        columns = (links.c.revoked_us, links.c.expires_us)
        row = connection.execute(select(*columns).where(links.c.link_id == link_id)).one_or_none()
        if row is None:
            return errors.NotFound()
        if row.revoked_us is not None:
            return errors.LinkRevoked()
        has_expired = row.expires_us is not None and row.expires_us <= now_us()
        return errors.LinkExpired() if has_expired else errors.LinkUsedUp()


def _is_open(connection: Connection, claim: Claim) -> bool:
    if not claim.network:
        return False
    of_client = [column == claim.values[column.name] for column in _KEY]
    until_us = connection.execute(select(link_claims.c.until_us).where(*of_client)).scalar()
    return until_us is not None and 0 < until_us - now_us() <= LASTS_US


def _count_one(link_id: str) -> Update:
    """The one statement that counts: it finds no row once the link is over, whoever else is at it."""
    is_left = or_(links.c.max_downloads.is_(None), links.c.downloads < links.c.max_downloads)
    is_in_time = or_(links.c.expires_us.is_(None), links.c.expires_us > now_us())
    wanted = links.c.link_id == link_id, links.c.revoked_us.is_(None), is_in_time, is_left
    return update(links).where(*wanted).values(downloads=links.c.downloads + 1)
