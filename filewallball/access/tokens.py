"""Tokens: created, listed, revoked and rotated by administrators."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Update, insert, not_, or_, select, update

from filewallball import errors
from filewallball.access.authentication import PREFIX_LENGTH, digest, new_token
from filewallball.access.listing import Listed, Place, by_id, has
from filewallball.access.tables import tokens, users
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.recording.operations import Operation

ACTIVE, EXPIRED, REVOKED = "active", "expired", "revoked"
STATES = (ACTIVE, EXPIRED, REVOKED)
_COLUMNS = (
    *(
        tokens.c[name]
        for name in ("id", "user_id", "name", "prefix", "created_us", "expires_us", "revoked_us")
    ),
    tokens.c.last_used_us,
    users.c.username,
    users.c.role,
)
_SHOWN = select(*_COLUMNS).join(users, users.c.id == tokens.c.user_id)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token: its text is known only now."""

    row: Row[Any]
    token: str


def list_tokens(
    database: Database, place: Place, *, user_id: int | None = None, q: str = "", state: str = ""
) -> Listed:
    """One page of the tokens, newest first: never their text or digest. `state` is one of STATES."""
    wanted = has(tokens.c.name, q)
    if user_id is not None:
        wanted.append(tokens.c.user_id == user_id)
    if state:
        wanted += _in_state(state)
    return by_id(database, _SHOWN, tokens.c.id, wanted, place)


def _in_state(state: str) -> list[ColumnElement[bool]]:
    is_over = tokens.c.expires_us <= now_us()
    if state == REVOKED:
        return [tokens.c.revoked_us.is_not(None)]
    over = is_over if state == EXPIRED else or_(tokens.c.expires_us.is_(None), not_(is_over))
    return [tokens.c.revoked_us.is_(None), over]


def create_token(op: Operation, user_id: int, name: str, expires_in: int | None = None) -> IssuedToken:
    """Give a user a token, for so many seconds if asked. Raises NotFound for an unknown user."""
    op.note(details={"user_id": user_id, "name": name})

    def work(connection: Connection) -> IssuedToken:
        if connection.execute(select(users.c.id).where(users.c.id == user_id)).first() is None:
            raise errors.NotFound("There is no such user.")
        expires_us = now_us() + expires_in * 1_000_000 if expires_in else None
        return _issue(connection, op, user_id, name, expires_us)

    return op.change(work)


def revoke_token(op: Operation, token_id: int) -> None:
    """End a token for good, on every worker from the next request on. Raises NotFound."""
    op.note(resource_id=str(token_id))
    ended = _not_ended(token_id).values(revoked_us=now_us())

    def work(connection: Connection) -> None:
        if connection.execute(ended).rowcount != 1:
            raise errors.NotFound("No such token still works.")

    op.change(work)


def rotate_token(op: Operation, token_id: int, grace: int | None = None) -> IssuedToken:
    """Replace a token by a new one of the same user, name and expiry; the old one ends now, or after `grace` seconds.

    Raises NotFound for one that is revoked or has expired.
    """
    op.note(resource_id=str(token_id))

    def work(connection: Connection) -> IssuedToken:
        now = now_us()
        old = connection.execute(select(tokens).where(tokens.c.id == token_id)).one_or_none()
        if old is None or (old.expires_us is not None and old.expires_us <= now):
            raise errors.NotFound("No such token still works.")
        end = now + (grace or 0) * 1_000_000
        ending = {"expires_us": min(end, old.expires_us or end)} if grace else {"revoked_us": now}
        if connection.execute(_not_ended(token_id).values(**ending)).rowcount != 1:
            raise errors.NotFound("No such token still works.")
        return _issue(connection, op, old.user_id, old.name, old.expires_us)

    return op.change(work)


def _not_ended(token_id: int) -> Update:
    return update(tokens).where(tokens.c.id == token_id, tokens.c.revoked_us.is_(None))


def _issue(
    connection: Connection, op: Operation, user_id: int, name: str, expires_us: int | None
) -> IssuedToken:
    token = new_token()
    values = {
        "user_id": user_id,
        "name": name,
        "digest": digest(token),
        "prefix": token[:PREFIX_LENGTH],
        "created_us": now_us(),
        "expires_us": expires_us,
    }
    connection.execute(insert(tokens), values)
    row = connection.execute(_SHOWN.where(tokens.c.digest == values["digest"])).one()
    op.note(resource_id=str(row.id))
    return IssuedToken(row, token)
