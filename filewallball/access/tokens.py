"""Tokens: created, listed, revoked and rotated by administrators."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Update, func, insert, select, update

from filewallball import errors
from filewallball.access.authentication import PREFIX_LENGTH, digest, new_token
from filewallball.access.tables import tokens, users
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.recording.operations import Operation

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
    database: Database, *, user_id: int | None = None, page: int = 1, size: int = 100
) -> Sequence[Row[Any]]:
    """One page of the tokens, newest first: never their text or digest."""
    statement = _SHOWN.order_by(tokens.c.id.desc()).limit(size).offset((page - 1) * size)
    if user_id is not None:
        statement = statement.where(tokens.c.user_id == user_id)
    return database.rows(statement)


def count_tokens(database: Database, *, user_id: int | None = None) -> int:
    """Count the tokens that `list_tokens` lists."""
    statement = select(func.count()).select_from(tokens)
    if user_id is not None:
        statement = statement.where(tokens.c.user_id == user_id)
    return int(database.scalar(statement))


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
