"""Links as their owners have them: made, listed, described, revoked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, update

from filewallball import errors, permissions
from filewallball.clock import now_us
from filewallball.database.columns import equals
from filewallball.database.connections import Database
from filewallball.files.ownership import find_visible, owns
from filewallball.files.rows import FoundFile
from filewallball.files.tables import PRIVATE
from filewallball.links.lookup import SHOWN, digest, new_link_id, new_secret, shown_state
from filewallball.links.passwords import Passwords
from filewallball.links.tables import links
from filewallball.recording.caller import Caller
from filewallball.recording.operations import Operation
from filewallball.recording.row_format import FIRST
from filewallball.web import paging

_FOR_PRIVATE_FILES = ("max_downloads", "one_time", "password")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRequest:
    """A link that somebody asks for; `expires_in` counts seconds."""

    file_id: str
    name: str = ""
    expires_in: int | None = None
    max_downloads: int | None = None
    one_time: bool = False
    password: str | None = None


@dataclass(frozen=True, slots=True)
class ShownLink:
    """A link as its owner sees it; its URL only where it was just made, for nobody keeps the secret."""

    row: Row[Any]
    url: str | None = None

    @property
    def state(self) -> str:
        return shown_state(self.row)


@dataclass(frozen=True, slots=True)
class LinkPage:
    """Some links, newest first, and where to go on."""

    links: Sequence[ShownLink]
    next_cursor: str | None


class Links:
    """The links of one service."""

    def __init__(self, database: Database, passwords: Passwords, public_url: str) -> None:
        self._database = database
        self._passwords = passwords
        self._public_url = public_url

    def create(self, op: Operation, wanted: LinkRequest) -> ShownLink:
        """Make a link to a file. Raises NotFound, Expired, AuthMissing, Forbidden, ValidationFailed, and Conflict while
        the audit log cannot name links yet."""
        file = self._own_file(op, wanted.file_id)
        _check_options(file, wanted)
        if op.ledger.writer.row_format.current() == FIRST:
            raise errors.Conflict("Links can be made once `filewallball upgrade finish` has been run.")
        secret, values = new_secret(), _values(op.caller, file, wanted)
        values["secret_digest"] = digest(secret)
        values["password_hash"] = self._passwords.hash(wanted.password) if wanted.password else ""
        op.note(link_id=values["link_id"], details={"link": wanted.name, **_conditions(wanted)})

        def work(connection: Connection) -> Any:
            connection.execute(insert(links), values)
            return connection.execute(SHOWN.where(links.c.link_id == values["link_id"])).one()

        row = op.change(work)
        return ShownLink(row, f"{self._public_url}/s/{row.link_id}/{secret}")

    def page(self, caller: Caller, *, file_id: str = "", cursor: str = "", limit: int) -> LinkPage:
        """The links to the caller's files, or to one of them; an administrator's list has everybody's."""
        chosen = self._of_caller(caller)
        if file_id:
            chosen.append(equals(links.c.file_id, file_id))
        if cursor:
            chosen.append(links.c.id < paging.decode(cursor)[1])
        rows = self._database.rows(SHOWN.where(*chosen).order_by(links.c.id.desc()).limit(limit + 1))
        more, rows = len(rows) > limit, rows[:limit]
        next_cursor = paging.encode(rows[-1].created_us, rows[-1].id) if more else None
        return LinkPage([ShownLink(row) for row in rows], next_cursor)

    def get(self, op: Operation, link_id: str) -> ShownLink:
        """One of the caller's links. Raises NotFound."""
        row = self._database.row(SHOWN.where(*self._of_caller(op.caller), equals(links.c.link_id, link_id)))
        if row is None:
            raise errors.NotFound
        op.note(resource_id=row.file_id, link_id=row.link_id, details={"link": row.name})
        return ShownLink(row)

    def revoke(self, op: Operation, link_id: str) -> None:
        """End a link for good, on every worker from the next request on. Raises NotFound."""
        self.get(op, link_id)
        moment = now_us()
        alive = equals(links.c.link_id, link_id), links.c.revoked_us.is_(None)
        ended = update(links).where(*alive).values(revoked_us=moment, ended_us=moment)

        def work(connection: Connection) -> None:
            if connection.execute(ended).rowcount != 1:
                raise errors.NotFound("The link is revoked already.")

        op.change(work)

    def _own_file(self, op: Operation, file_id: str) -> FoundFile:
        file = find_visible(self._database, op, file_id, quarantined=True)
        op.note(resource_id=file.file_id)
        if not owns(op.caller, file):
            if op.caller.is_anonymous:
                raise errors.AuthMissing("Only the owner of the file can make links to it: send a token.")
            raise errors.Forbidden("The file is somebody else's.")
        return file

    @staticmethod
    def _of_caller(caller: Caller) -> list[ColumnElement[bool]]:
        if caller.may(permissions.ANY_FILE):
            return []
        if caller.is_anonymous:
            raise errors.AuthMissing("Links belong to the owners of files: send a token.")
        return [links.c.owner_id == caller.user_id]


def _check_options(file: FoundFile, wanted: LinkRequest) -> None:
    given = [name for name in _FOR_PRIVATE_FILES if getattr(wanted, name)]
    if given and file.visibility != PRIVATE:
        told = ["Anyone who has the file's id can fetch it without the link: make it private."]
        raise errors.ValidationFailed(errors=dict.fromkeys(given, told))
    if wanted.one_time and wanted.max_downloads not in (None, 1):
        raise errors.ValidationFailed(errors={"max_downloads": ["A one-time link has one download."]})


def _values(caller: Caller, file: FoundFile, wanted: LinkRequest) -> dict[str, Any]:
    now = now_us()
    return {
        "link_id": new_link_id(),
        "file_id": file.file_id,
        "owner_id": file.owner_id,
        "name": wanted.name,
        "one_time": int(wanted.one_time),
        "max_downloads": 1 if wanted.one_time else wanted.max_downloads,
        "downloads": 0,
        "created_by": caller.user_id,
        "created_us": now,
        "expires_us": now + wanted.expires_in * 1_000_000 if wanted.expires_in else None,
    }


def _conditions(wanted: LinkRequest) -> dict[str, Any]:
    """The conditions of a link as its record names them."""
    found: dict[str, Any] = {}
    if wanted.expires_in:
        found["expires_in"] = wanted.expires_in
    if wanted.max_downloads:
        found["max_downloads"] = wanted.max_downloads
    return found | {name: True for name in ("one_time", "password") if getattr(wanted, name)}
