"""Appending to the audit log: an event becomes a bounded, neutral row with the service's own mac."""

import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Iterable, Mapping
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
COLUMNS = (*CANONICAL, "mac", "address")
_KINDS = frozenset((str, int))
_MAPPED = b"\0" * 10 + b"\xff\xff"
_values = itemgetter(*CANONICAL)
Values = tuple[Any, ...]


class Trail:
    """Appends events as rows; the key is the one that seals the log."""

    def __init__(self, database: Database, key: bytes) -> None:
        self._key = key
        table: Any = AuditRow.__table__
        self._insert = database.bulk(database.insert(table), COLUMNS)
        self._bulk = database.bulk(database.insert_ignoring(table), COLUMNS)

    def append(self, connection: Connection, event: Event) -> None:
        """Insert the event inside the caller's transaction; a second row of the same event_id is an error."""
        self._insert.execute(connection, [self.row(event)])

    def append_once(self, connection: Connection, events: Iterable[Event]) -> None:
        """Insert many events; those whose event_id is already on record are dropped."""
        self.send(connection, self.prepare(events))

    def prepare(self, events: Iterable[Event]) -> list[Any]:
        """What `send` inserts: all the work of `append_once` that needs no database."""
        return self._bulk.prepare(map(self.row, events))

    def send(self, connection: Connection, prepared: list[Any]) -> None:
        """Insert what was prepared, but for events that are on record already."""
        self._bulk.send(connection, prepared)

    def row(self, event: Event) -> Values:
        """The values of COLUMNS for an event, made neutral and cut to the columns' sizes, with their mac.

        Raises TypeError or AttributeError for an event that is none.
        """
        values = (
            event.event_id,
            event.timestamp_us,
            event.action,
            event.resource_type,
            _ascii(event.resource_id, 128),
            event.status,
            event.error_type,
            event.user_id,
            neutral(event.username, 128),
            event.token_id,
            event.ip_address,
            neutral(event.user_agent, 512),
            _ascii(event.request_id, 64),
            _ascii(event.file_type, 127),
            event.file_size,
            event.duration_us,
            event.cache,
            event.count,
            clip(event.details, 65536),
        )
        if not _KINDS.issuperset(map(type, values)):
            raise TypeError("An event holds text and integers only.")
        mac = hmac.digest(self._key, _octets(values), hashlib.sha256).hex()
        return (*values, mac, packed(event.ip_address))


def canonical(row: Mapping[str, Any]) -> bytes:
    """The bytes that a mac or seal covers: each field as `length:value`, the length in bytes of UTF-8."""
    return _octets(_values(row))


def _octets(values: Values) -> bytes:
    texts = list(map(str, values))
    text = "".join([f"{len(value)}:{value}" for value in texts])
    if text.isascii():
        return text.encode()
    octets = [value.encode() for value in texts]
    return b"".join([b"%d:%b" % (len(value), value) for value in octets])


@lru_cache(4096)
def packed(address: str) -> bytes:
    """An address as 16 bytes, IPv4 mapped into IPv6; empty for what is none."""
    try:
        return _MAPPED + socket.inet_pton(socket.AF_INET, address)
    except (OSError, ValueError):
        pass
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return b""
    return parsed.packed if parsed.version == 6 else _MAPPED + parsed.packed


def _ascii(value: str, length: int) -> str:
    if not value.isascii() or not value.isprintable():
        value = value.encode("ascii", "backslashreplace").decode()
        value = "".join(character if character.isprintable() else "?" for character in value)
    return value[:length]
