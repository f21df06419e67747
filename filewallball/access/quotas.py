"""Quotas: what each user, and each address without one, may keep; charged inside the upload's own transaction."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Update, and_, bindparam, column, func, or_, select, table, update

from filewallball import errors
from filewallball.access.listing import Listed, Place, has
from filewallball.access.tables import quotas
from filewallball.access.users import get_user
from filewallball.addresses import UNKNOWN_CLIENT, client_network, normal_address, unknown_behind
from filewallball.database.connections import Database
from filewallball.recording.caller import Caller
from filewallball.recording.operations import Operation
from filewallball.settings.service import Settings
from filewallball.web.paging import decode_key, encode_key

# Features stand above this package, so of their table it names what it counts.
_FILES = table("files", *(column(name) for name in ("principal", "state", "file_size")))
_KEPT = ("live", "quarantined")
_UPLOADS = table("uploads", *(column(name) for name in ("principal", "charged_bytes", "charged_files")))
_UNCOUNTED = -1
_FIND = select(quotas.c.principal).where(quotas.c.principal == bindparam("principal"))


@dataclass(frozen=True, slots=True)
class Allowance:
    """A principal's use of its quota, and its limits; a limit of 0 is none."""

    principal: str
    used_bytes: int = 0
    used_files: int = 0
    limit_bytes: int = 0
    limit_files: int = 0

    @property
    def is_spent(self) -> bool:
        """True if not even one more byte fits."""
        return bool(
            (self.limit_bytes and self.used_bytes >= self.limit_bytes)
            or (self.limit_files and self.used_files >= self.limit_files)
        )

    @property
    def numbers(self) -> str:
        """A sentence with use and limits, for an answer that refuses an upload."""
        used = f"{self.used_bytes} of {self.limit_bytes} bytes" if self.limit_bytes else ""
        files = f"{self.used_files} of {self.limit_files} files" if self.limit_files else ""
        return f"In use: {' and '.join(filter(None, (used, files)))}."


class Quotas:
    """The quotas of one app. A principal has a row only once a limit applies to it."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._user = (settings.quota_user_bytes, settings.quota_user_files)
        self._anonymous = (settings.quota_anonymous_bytes, settings.quota_anonymous_files)

    def refuse_early(self, caller: Caller) -> None:
        """Raise QuotaExceeded before a body is read, if nothing can fit. Asks only where the settings limit."""
        if any(self._defaults(caller.principal)):
            allowance = self.allowance(caller.principal)
            if allowance.is_spent:
                raise errors.QuotaExceeded(allowance.numbers)

    def charge(self, connection: Connection, principal: str, size: int, files: int = 1) -> None:
        """Count a file that is about to be inserted, or what is announced of one, in one conditional update.

        Raises QuotaExceeded; the caller's transaction rolls back.
        """
        limits = self._defaults(principal)
        if self._database.run(connection, _FIND, {"principal": principal}).first() is None:
            if not any(limits):
                return
            self._open(connection, principal)
        if connection.execute(_charge(principal, size, files, limits)).rowcount != 1:
            numbers = self._read(connection, principal).numbers
            raise errors.QuotaExceeded(
                f"{numbers} This file has {size} bytes.", facts={"principal": principal, "file_size": size}
            )

    def allowance(self, principal: str) -> Allowance:
        """The use and the limits of a principal; counted now where no limit ever had it counted."""
        return self._database.query(lambda connection: self._read(connection, principal))

    def set_limits(
        self, op: Operation, principal: str, *, limit_bytes: int | None, limit_files: int | None
    ) -> Allowance:
        """Give a principal limits of its own (0: none; None: the settings'), and count what it keeps."""
        values = {"limit_bytes": limit_bytes, "limit_files": limit_files}
        op.note(resource_id=principal, details={"principal": principal, **values})

        def work(connection: Connection) -> Allowance:
            self._open(connection, principal)
            connection.execute(update(quotas).where(quotas.c.principal == principal).values(**values))
            recount(connection, principal)
            return self._read(connection, principal)

        return op.change(work)

    def list_quotas(self, place: Place, *, q: str = "") -> Listed:
        """Those to whom a limit applied at any time, the fullest first; all, or those with a text in their name."""
        wanted = after = has(quotas.c.principal, q)
        if place.cursor:
            used, name = decode_key(place.cursor, "quotas", int, str)
            further = and_(quotas.c.used_bytes == used, quotas.c.principal > name)
            after = [*wanted, or_(quotas.c.used_bytes < used, further)]
        statement = select(quotas).where(*after).order_by(quotas.c.used_bytes.desc(), quotas.c.principal)
        rows = self._database.rows(statement.limit(place.size + 1).offset(place.offset))
        more = len(rows) > place.size
        rows = rows[: place.size]
        total = self._database.scalar(select(func.count()).select_from(quotas).where(*wanted))
        last = encode_key("quotas", rows[-1].used_bytes, rows[-1].principal) if more else None
        return Listed([self._shown(row) for row in rows], int(total), last)

    def _read(self, connection: Connection, principal: str) -> Allowance:
        row = connection.execute(select(quotas).where(quotas.c.principal == principal)).one_or_none()
        if row is not None and row.used_files != _UNCOUNTED:
            return self._shown(row)
        return Allowance(principal, *_kept(connection, principal), *self._defaults(principal))

    def _shown(self, row: Row[Any]) -> Allowance:
        default_bytes, default_files = self._defaults(row.principal)
        return Allowance(
            row.principal,
            row.used_bytes,
            row.used_files,
            default_bytes if row.limit_bytes is None else row.limit_bytes,
            default_files if row.limit_files is None else row.limit_files,
        )

    def _defaults(self, principal: str) -> tuple[int, int]:
        return self._user if principal.startswith("user:") else self._anonymous

    def _open(self, connection: Connection, principal: str) -> None:
        """Make the row exist, counting what was kept before anybody counted."""
        new = self._database.dialect.insert(quotas).values(
            principal=principal, used_bytes=0, used_files=_UNCOUNTED
        )
        # An upsert takes the row's lock at once; an INSERT that ignores would share it, and two would deadlock.
        same = {"used_files": quotas.c.used_files}
        connection.execute(self._database.dialect.upsert(new, [quotas.c.principal], same))
        used = select(quotas.c.used_files).where(quotas.c.principal == principal)
        if connection.execute(used).scalar_one() == _UNCOUNTED:
            recount(connection, principal)


def user_principal(database: Database, user_id: int) -> str:
    """The principal under which a user's uploads are counted. Raises NotFound."""
    return f"user:{get_user(database, user_id).id}"


def address_principal(address: str) -> str:
    """The principal under which an anonymous client's uploads are counted: `203.0.113.9`, or `unknown:192.0.2.1` for
    the unknown ones of a proxy. Raises ValidationFailed."""
    if normal := normal_address(address):
        return client_network(normal)
    kind, _, text = address.partition(":")
    proxy = normal_address(text)
    if kind != UNKNOWN_CLIENT or proxy is None:
        raise errors.ValidationFailed(errors={"address": ["Not an IP address."]})
    return unknown_behind(proxy)


def refund(connection: Connection, principal: str, size: int, files: int = 1) -> None:
    """Give back what a file took, where it was counted."""
    given_back = {"used_bytes": quotas.c.used_bytes - size, "used_files": quotas.c.used_files - files}
    connection.execute(update(quotas).where(quotas.c.principal == principal).values(**given_back))


def recount(connection: Connection, principal: str) -> None:
    """Set a row to what the principal keeps. Whoever uploads or deletes waits for the row, so nothing is missed."""
    row = quotas.c.principal == principal
    connection.execute(update(quotas).where(row).values(used_files=quotas.c.used_files))
    used_bytes, used_files = _kept(connection, principal)
    connection.execute(update(quotas).where(row).values(used_bytes=used_bytes, used_files=used_files))


def _kept(connection: Connection, principal: str) -> tuple[int, int]:
    """Bytes and files that the principal keeps or has announced, counted."""
    kept = select(func.coalesce(func.sum(_FILES.c.file_size), 0), func.count()).where(
        _FILES.c.principal == principal, _FILES.c.state.in_(_KEPT)
    )
    used_bytes, used_files = connection.execute(kept).one()
    announced = select(
        func.coalesce(func.sum(_UPLOADS.c.charged_bytes), 0),
        func.coalesce(func.sum(_UPLOADS.c.charged_files), 0),
    ).where(_UPLOADS.c.principal == principal)
    more_bytes, more_files = connection.execute(announced).one()
    return int(used_bytes) + int(more_bytes), used_files + int(more_files)


def _charge(principal: str, size: int, files: int, limits: tuple[int, int]) -> Update:
    most_bytes = func.coalesce(quotas.c.limit_bytes, limits[0])
    most_files = func.coalesce(quotas.c.limit_files, limits[1])
    return (
        update(quotas)
        .where(
            quotas.c.principal == principal,
            or_(most_bytes == 0, quotas.c.used_bytes + size <= most_bytes),
            or_(most_files == 0, quotas.c.used_files + files <= most_files),
        )
        .values(used_bytes=quotas.c.used_bytes + size, used_files=quotas.c.used_files + files)
    )
