"""Tokens: who a bearer token belongs to, and the first administrator's token."""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select, update

from filewallball import errors
from filewallball.access.models import Token, User
from filewallball.clock import now_us
from filewallball.config import Settings
from filewallball.database import Database

_PREFIX_LENGTH = 8
_MAX_TOKEN_LENGTH = 512
_FIRST_ADMIN = 1
_FIRST_TOKEN_NAME = "first-admin"  # noqa: S105 - a label

_LOOKUP = select(
    Token.id, Token.user_id, Token.expires_us, Token.revoked_us, User.username, User.role, User.disabled_us
).join(User, User.id == Token.user_id)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose token it is."""

    user_id: int
    username: str
    token_id: int
    role: str


def authenticate(database: Database, token: str) -> Identity:
    """The token's owner. Raises AuthMalformed, AuthUnknown, AuthExpired or AuthRevoked."""
    if (
        not 20 <= len(token) <= _MAX_TOKEN_LENGTH
        or not token.isascii()
        or not token.isprintable()
        or " " in token
    ):
        raise errors.AuthMalformed
    statement = _LOOKUP.where(Token.digest == digest(token))
    row = database.query(lambda connection: connection.execute(statement).one_or_none())
    if row is None:
        raise errors.AuthUnknown
    if row.revoked_us is not None or row.disabled_us is not None:
        raise errors.AuthRevoked
    if row.expires_us is not None and row.expires_us <= now_us():
        raise errors.AuthExpired
    return Identity(row.user_id, row.username, row.id, row.role)


def digest(token: str) -> str:
    """What is stored of a token: 256 random bits need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    """A fresh 256-bit bearer token."""
    return f"fwb_{secrets.token_urlsafe(32)}"


def prepare_first_admin(connection: Connection, settings: Settings) -> str | None:
    """Make user 1, `admin`, and its first token exist; returns a token that was generated just now, else None.

    ADMIN_TOKEN sets that token and replaces the one it had. Without it one is generated and kept in
    DATA_DIR/admin-token, readable by the service's user alone.
    """
    if connection.execute(select(User.id).where(User.id == _FIRST_ADMIN)).first() is None:
        values = {"id": _FIRST_ADMIN, "username": "admin", "role": "admin", "created_us": now_us()}
        connection.execute(User.__table__.insert(), values)  # type: ignore[attr-defined]
    existing = connection.execute(
        select(Token.digest).where(Token.name == _FIRST_TOKEN_NAME, Token.revoked_us.is_(None))
    ).scalars()
    digests = set(existing)
    wanted = settings.admin_token
    if (wanted and digest(wanted) in digests) or (not wanted and digests):
        return None
    token = wanted or _kept_token(settings.data_dir / "admin-token")
    connection.execute(
        update(Token)
        .where(Token.name == _FIRST_TOKEN_NAME, Token.revoked_us.is_(None))
        .values(revoked_us=now_us())
    )
    connection.execute(Token.__table__.delete().where(Token.digest == digest(token)))  # type: ignore[attr-defined]
    connection.execute(Token.__table__.insert(), _token_values(token))  # type: ignore[attr-defined]
    return None if wanted else token


def _token_values(token: str) -> dict[str, object]:
    return {
        "user_id": _FIRST_ADMIN,
        "name": _FIRST_TOKEN_NAME,
        "digest": digest(token),
        "prefix": token[:_PREFIX_LENGTH],
        "created_us": now_us(),
    }


def _kept_token(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        token = new_token()
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write(token + "\n")
        return token
