"""Appending to the audit log: an event becomes a bounded, neutral row with the service's own mac."""

import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection

from filewallball.audit.models import AuditRow
from filewallball.database import Database
from filewallball.event import Event
from filewallball.text import clip, neutral

# The fields that the mac covers, in their canonical order. Only text and integers, as they read back.
CANONICAL = (
    "event_id",
    "timestamp_us",
    "action",
    "resource_type",
    "resource_id",
    "status",
    "error_type",
    "user_id",
    "username",
    "token_id",
    "ip_address",
    "user_agent",
    "request_id",
    "file_type",
    "file_size",
    "duration_us",
    "cache",
    "count",
    "details",
)
_COLUMNS = (*CANONICAL, "mac", "address")
_KINDS = frozenset((str, int))
_values = itemgetter(*CANONICAL)


class Trail:
    """Appends events as rows; the key is the one that seals the log."""

    def __init__(self, database: Database, key: bytes) -> None:
        self._key = key
        table: Any = AuditRow.__table__
        self._insert = database.insert(table)
        self._insert_ignoring = database.insert_ignoring(table)
        self._bulk: tuple[str, Callable[[dict[str, Any]], Any]] | None = None

    def append(self, connection: Connection, event: Event) -> None:
        """Insert the event inside the caller's transaction; a second row of the same event_id is an error."""
        connection.execute(self._insert, self.row(event))

    def append_once(self, connection: Connection, events: Sequence[Event]) -> None:
        """Insert many events; those whose event_id is already on record are dropped.

        Rows go to the driver as they are: SQLAlchemy's own work on each would cost as much as making it.
        """
        if self._bulk is None:
            compiled = self._insert_ignoring.compile(dialect=connection.dialect, column_keys=_COLUMNS)
            by_position = compiled.positiontup  # SQLite's driver; the other takes parameters by name
            self._bulk = str(compiled), itemgetter(*by_position) if by_position else dict
        statement, arranged = self._bulk
        connection.exec_driver_sql(statement, [arranged(self.row(event)) for event in events])

    def row(self, event: Event) -> dict[str, Any]:
        """The column values of an event, made neutral and cut to the columns' sizes, with their mac.

        Raises TypeError or AttributeError for an event that is none.
        """
        row: dict[str, Any] = {
            "event_id": event.event_id,
            "timestamp_us": event.timestamp_us,
            "action": event.action,
            "resource_type": event.resource_type,
            "resource_id": _ascii(event.resource_id, 128),
            "status": event.status,
            "error_type": event.error_type,
            "user_id": event.user_id,
            "username": neutral(event.username, 128),
            "token_id": event.token_id,
            "ip_address": event.ip_address,
            "user_agent": neutral(event.user_agent, 512),
            "request_id": _ascii(event.request_id, 64),
            "file_type": _ascii(event.file_type, 127),
            "file_size": event.file_size,
            "duration_us": event.duration_us,
            "cache": event.cache,
            "count": event.count,
            "details": clip(event.details, 65536),
        }
        if not _KINDS.issuperset(map(type, row.values())):
            raise TypeError("An event holds text and integers only.")
        row["mac"] = hmac.digest(self._key, canonical(row), hashlib.sha256).hex()
        row["address"] = packed(event.ip_address)
        return row


def canonical(row: Mapping[str, Any]) -> bytes:
    """The bytes that a mac or seal covers: each field as `length:value`, the length in bytes of UTF-8."""
    values = [str(value) for value in _values(row)]
    text = "".join([f"{len(value)}:{value}" for value in values])
    if text.isascii():
        return text.encode()
    octets = [value.encode() for value in values]
    return b"".join([b"%d:%b" % (len(value), value) for value in octets])


@lru_cache(4096)
def packed(address: str) -> bytes:
    """An address as 16 bytes, IPv4 mapped into IPv6; empty for what is none."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return b""
    return parsed.packed if parsed.version == 6 else b"\0" * 10 + b"\xff\xff" + parsed.packed


def _ascii(value: str, length: int) -> str:
    if not value.isascii() or not value.isprintable():
        value = value.encode("ascii", "backslashreplace").decode()
        value = "".join(character if character.isprintable() else "?" for character in value)
    return value[:length]
