"""Tokens: who a bearer token belongs to, and the first administrator's token."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, insert, select, update

from filewallball import errors
from filewallball.access.tables import tokens, users
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.database.engines import dialect_of

PREFIX_LENGTH = 8
_MAX_TOKEN_LENGTH = 512
_FIRST_ADMIN = 1
_FIRST_TOKEN_NAME = "first-admin"  # noqa: S105 - a label

_FIRST_TOKEN = (
    tokens.c.user_id == _FIRST_ADMIN,
    tokens.c.name == _FIRST_TOKEN_NAME,
    tokens.c.revoked_us.is_(None),
)
_OWNED = select(
    *(tokens.c[name] for name in ("id", "user_id", "expires_us", "revoked_us")),
    *(users.c[name] for name in ("username", "role", "disabled_us")),
).join(users, users.c.id == tokens.c.user_id)
_LOOKUP = _OWNED.where(tokens.c.digest == bindparam("digest"))


@dataclass(frozen=True, slots=True)
class Identity:
    """The user and role of a valid token."""

    user_id: int
    username: str
    token_id: int
    role: str
    has_expired: bool = False


def authenticate(database: Database, token: str, *, may_have_expired: bool = False) -> Identity:
    """The token's owner. Raises AuthMalformed, AuthUnknown, AuthExpired or AuthRevoked."""
    if (
        not 20 <= len(token) <= _MAX_TOKEN_LENGTH
        or not token.isascii()
        or not token.isprintable()
        or " " in token
    ):
        raise errors.AuthMalformed("This is no token: copy all of it, without spaces.")
    wanted = {"digest": digest(token)}
    row = database.find(_LOOKUP, wanted)
    if row is None:
        raise errors.AuthUnknown
    if row.revoked_us is not None or row.disabled_us is not None:
        raise errors.AuthRevoked
    has_expired = row.expires_us is not None and row.expires_us <= now_us()
    if has_expired and not may_have_expired:
        raise errors.AuthExpired
    return Identity(row.user_id, row.username, row.id, row.role, has_expired)


def identity_of(database: Database, token_id: int) -> Identity | None:
    """The user and role of a token by its number; None where it is not valid now."""
    row = database.row(_unrevoked(token_id))
    if row is None or (row.expires_us is not None and row.expires_us <= now_us()):
        return None
    return Identity(row.user_id, row.username, token_id, row.role)


def is_revoked(database: Database, token_id: int) -> bool:
    """True if the token, or its user, may do nothing any more; its expiry is another matter."""
    return database.row(_unrevoked(token_id)) is None


def _unrevoked(token_id: int) -> Select[Any]:
    alive = tokens.c.revoked_us.is_(None), users.c.disabled_us.is_(None)
    return _OWNED.where(tokens.c.id == token_id, *alive)


def digest(token: str) -> str:
    """The SHA-256 under which a token is stored: 256 random bits need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    """A fresh 256-bit bearer token."""
    return f"fwb_{secrets.token_urlsafe(32)}"


def first_admin_stands(database: Database, wanted: str) -> bool:
    """True if the first administrator has a token, and if ADMIN_TOKEN asks for one, that one."""
    digests = set(database.scalars(select(tokens.c.digest).where(*_FIRST_TOKEN)))
    return digest(wanted) in digests if wanted else bool(digests)


def give_first_admin(connection: Connection, token: str) -> None:
    """Make user 1, `admin`, exist with this token; it replaces the one that was given this way before."""
    values = {"id": _FIRST_ADMIN, "username": "admin", "role": "admin", "created_us": now_us()}
    connection.execute(dialect_of(connection.dialect.name).insert_ignoring(users), values)
    # Of several services that start at once, the others wait here.
    connection.execute(select(users.c.id).where(users.c.id == _FIRST_ADMIN).with_for_update()).one()
    connection.execute(update(tokens).where(*_FIRST_TOKEN).values(revoked_us=now_us()))
    connection.execute(delete(tokens).where(tokens.c.digest == digest(token)))
    connection.execute(insert(tokens), _token_values(token))


def _token_values(token: str) -> dict[str, object]:
    return {
        "user_id": _FIRST_ADMIN,
        "name": _FIRST_TOKEN_NAME,
        "digest": digest(token),
        "prefix": token[:PREFIX_LENGTH],
        "created_us": now_us(),
    }
