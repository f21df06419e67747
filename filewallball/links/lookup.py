"""Looking links up: by the two parts of a URL, and as their owners see them."""

import hashlib
import hmac
import secrets
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, select

from filewallball import errors
from filewallball.access.tables import users
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.files.tables import KEPT, files
from filewallball.links.tables import links
from filewallball.permissions import ANY_FILE, ROLES, SHARE

ACTIVE, REVOKED, EXPIRED, USED_UP, UNAVAILABLE = "active", "revoked", "expired", "used_up", "unavailable"
STATES = (ACTIVE, REVOKED, EXPIRED, USED_UP, UNAVAILABLE)
_PREFIX = "fwb_s_"  # by which logs know it for a secret
_COLUMNS = tuple(
    links.c[name]
    for name in (
        *("link_id", "file_id", "owner_id", "name", "secret_digest", "password_hash", "one_time"),
        *("max_downloads", "downloads", "created_by", "created_us", "expires_us", "revoked_us"),
    )
)
SHOWN = (
    select(
        links.c.id,
        *_COLUMNS,
        users.c.username,
        users.c.disabled_us,
        users.c.role,
        files.c.filename,
        files.c.state.label("file_state"),
        files.c.expires_us.label("file_expires_us"),
    )
    .outerjoin(users, users.c.id == links.c.created_by)
    .outerjoin(files, files.c.file_id == links.c.file_id)
)
_FIND = (
    select(*_COLUMNS, users.c.disabled_us, users.c.role)
    .outerjoin(users, users.c.id == links.c.created_by)
    .where(links.c.link_id == bindparam("link_id"))
)


class FoundLink(NamedTuple):
    """A link in the order of the columns that `_FIND` selects; `disabled_us` and `role` are its maker's."""

    link_id: str
    file_id: str
    owner_id: int
    name: str
    secret_digest: str
    password_hash: str
    one_time: int
    max_downloads: int | None
    downloads: int
    created_by: int
    created_us: int
    expires_us: int | None
    revoked_us: int | None
    disabled_us: int | None
    role: str | None


def new_link_id() -> str:
    """An id that nobody guesses; it is no secret."""
    return secrets.token_hex(10)


def new_secret() -> str:
    """The secret part of a link's URL: 256 random bits."""
    return _PREFIX + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """The SHA-256 under which a secret is stored."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def find_by_url(database: Database, link_id: str, secret: str) -> FoundLink | None:
    """The link that has this secret, in whatever state; None for any other pair."""
    link = find_by_id(database, link_id)
    shown = digest(secret)
    if link is None or not hmac.compare_digest(shown, link.secret_digest):
        return None
    return link


def find_by_id(database: Database, link_id: str) -> FoundLink | None:
    """The link, in whatever state; None if there is none."""
    row = database.find(_FIND, {"link_id": link_id})
    if row is None or row.link_id != link_id:  # MariaDB overlooks spaces at the end
        return None
    return FoundLink._make(row)


def check_alive(link: FoundLink) -> None:
    """Raise LinkRevoked or LinkExpired for a link that is over, or rests, whoever asks."""
    state = state_of(link)
    if state == REVOKED:
        raise errors.LinkRevoked
    if state == EXPIRED:
        raise errors.LinkExpired


def state_of(link: FoundLink | Row[Any]) -> str:
    """The state of a link apart from its file's."""
    if link.revoked_us is not None or is_resting(link):
        return REVOKED
    if link.expires_us is not None and link.expires_us <= now_us():
        return EXPIRED
    return USED_UP if is_used_up(link) else ACTIVE


def is_resting(link: FoundLink | Row[Any]) -> bool:
    """True while its maker, who may come back, is disabled or has lost the right to make it."""
    if link.disabled_us is not None:
        return True
    if link.role is None:  # made with the token of the settings
        return False
    rights = ROLES.get(link.role, frozenset())
    return SHARE not in rights or (link.created_by != link.owner_id and ANY_FILE not in rights)


def is_used_up(link: FoundLink | Row[Any]) -> bool:
    """True if no download is left to begin."""
    return link.max_downloads is not None and link.downloads >= link.max_downloads


def shown_state(row: Row[Any]) -> str:
    """The state of a row of `SHOWN`, its file's included."""
    state = state_of(row)
    if state != ACTIVE:
        return state
    has_expired = row.file_expires_us is not None and row.file_expires_us <= now_us()
    return UNAVAILABLE if row.file_state not in KEPT or has_expired else ACTIVE
