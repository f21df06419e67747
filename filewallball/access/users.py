"""Users: created, listed, given a role, disabled and enabled again."""

import unicodedata
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from filewallball import errors
from filewallball.access.listing import Listed, Place, by_id, has
from filewallball.access.tables import users
from filewallball.clock import now_us
from filewallball.database.columns import equals
from filewallball.database.connections import Database
from filewallball.recording.operations import Operation

_RESERVED = ("system", "anonymous", "me")  # records name the first two so, and lists of files the caller
_MAX_NAME_BYTES = 128


def list_users(
    database: Database, place: Place, *, q: str = "", role: str = "", disabled: bool | None = None
) -> Listed:
    """One page of the users, oldest first: all, or those with a text in their name, a role, disabled or not."""
    wanted = has(users.c.username, q)
    if role:
        wanted.append(users.c.role == role)
    if disabled is not None:
        wanted.append(users.c.disabled_us.is_not(None) if disabled else users.c.disabled_us.is_(None))
    return by_id(database, select(users), users.c.id, wanted, place, newest_first=False)


def get_user(database: Database, user_id: int) -> Row[Any]:
    """Find a user by id. Raises NotFound."""
    row = database.row(select(users).where(users.c.id == user_id))
    if row is None:
        raise errors.NotFound("There is no such user.")
    return row


def find_user(database: Database, username: str) -> Row[Any]:
    """Find a user by name. Raises NotFound."""
    statement = select(users).where(equals(users.c.username, username))
    row = database.row(statement)
    if row is None:
        raise errors.NotFound(f"There is no user {username!r}.")
    return row


def create_user(op: Operation, username: str, role: str) -> Row[Any]:
    """Raises ValidationFailed for a name that could be mistaken for another, Conflict for one that is taken."""
    _check_name(username)
    op.note(details={"subject": username, "role": role})

    def work(connection: Connection) -> Row[Any]:
        values = {"username": username, "role": role, "created_us": now_us()}
        key = connection.execute(insert(users), values).inserted_primary_key
        op.note(resource_id=str(key[0] if key else ""))
        return connection.execute(select(users).where(users.c.username == username)).one()

    try:
        return op.change(work)
    except IntegrityError as error:
        raise errors.Conflict("The name is taken.") from error


def change_user(
    op: Operation, user_id: int, *, role: str | None = None, disabled: bool | None = None
) -> Row[Any]:
    """Give a user another role, or disable or enable them; it counts from the next request on.

    Raises NotFound, or Conflict where no administrator would be left.
    """
    changes = {"role": role, "disabled": disabled}
    op.note(resource_id=str(user_id), details={name: new for name, new in changes.items() if new is not None})

    def work(connection: Connection) -> Row[Any]:
        values: dict[str, Any] = {} if role is None else {"role": role}
        if disabled is not None:
            values["disabled_us"] = now_us() if disabled else None
        administrators = _administrators(connection)
        if values:
            connection.execute(update(users).where(users.c.id == user_id).values(**values))
        row = _find(connection, user_id)
        if row is None:
            raise errors.NotFound("There is no such user.")
        if user_id in administrators and not _administrators(connection):
            raise errors.Conflict("This is the last administrator.")
        return row

    return op.change(work)


def _find(connection: Connection, user_id: int) -> Row[Any] | None:
    return connection.execute(select(users).where(users.c.id == user_id)).one_or_none()


def _administrators(connection: Connection) -> set[int]:
    """Those who could undo a change; locked, so that two of them cannot depose each other at once."""
    statement = select(users.c.id).where(users.c.role == "admin", users.c.disabled_us.is_(None))
    return set(connection.execute(statement.with_for_update()).scalars())


def _check_name(username: str) -> None:
    plain = unicodedata.normalize("NFKC", username)
    if (
        not username.isprintable()
        or plain != username
        or username.strip() != username
        or not 1 <= len(username.encode()) <= _MAX_NAME_BYTES
        or username.casefold() in _RESERVED
    ):
        raise errors.ValidationFailed(
            errors={"username": ["1 to 128 bytes of printable text in its plain form, and no reserved name."]}
        )
