"""Appending to the audit log: an event becomes a bounded, sanitized row with the service's own mac."""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from operator import gt, itemgetter
from typing import Any

from sqlalchemy import Connection

from filewallball.addresses import packed
from filewallball.database.connections import Database
from filewallball.errors import AuditBroken
from filewallball.recording.event import Event
from filewallball.recording.row_format import FIRST, RowFormat
from filewallball.recording.tables import audit_log
from filewallball.text import sanitize, truncate

# The fields that the mac of any row covers, in their canonical order. Only text and integers, as they read back.
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
EXTENSION = ("format", "link_id", "trace_id")
"""The fields that the mac of a row of format 2 covers as well, after the others."""
COLUMNS = (*CANONICAL, "mac", "address", *EXTENSION)
_NUMBERS = ("timestamp_us", "user_id", "token_id", "file_size", "duration_us", "count")
_KINDS = tuple(int if name in _NUMBERS else str for name in CANONICAL)
_values = itemgetter(*CANONICAL)
Fields = Mapping[str, Any]
"""An event's fields: `vars(event)`, or a line of the journal."""
Values = tuple[Any, ...]


class AuditWriter:
    """Appends events as rows; the key is the one that seals the log."""

    def __init__(self, database: Database, key: bytes) -> None:
        self._mac = hmac.new(key, digestmod=hashlib.sha256)  # copied for each row
        self._database = database
        self._width = len(COLUMNS)
        self.row_format = RowFormat(database, key)
        self._insert = database.bulk(database.dialect.insert(audit_log), COLUMNS)
        self._bulk = database.bulk(database.dialect.insert_ignoring(audit_log), COLUMNS)

    def append(self, connection: Connection, event: Event) -> None:
        """Insert the event inside the caller's transaction; a second row of the same event_id is an error.

        Raises AuditBroken where the database drops the row without a word, as a trigger can make it do.
        """
        if self._insert.execute(connection, [self.row(vars(event))[: self._width]]) != 1:
            raise AuditBroken("The database does not keep the rows of the audit log.")

    def write_to_earlier_schema(self) -> None:
        """Let `append` write rows of the first format, without the columns that only later formats need."""
        self.row_format.keep_first()
        self._width = len(COLUMNS) - len(EXTENSION)
        self._insert = self._database.bulk(self._database.dialect.insert(audit_log), COLUMNS[: self._width])

    def prepare(self, events: Iterable[Fields]) -> list[Any]:
        """Turn events, given by their fields, into rows for `send`: all of the work that needs no database."""
        return self._bulk.prepare(map(self.row, events))

    def send(self, connection: Connection, prepared: list[Any]) -> None:
        """Insert what was prepared, but for events that are on record already."""
        self._bulk.send(connection, prepared)

    def row(self, fields: Fields) -> Values:
        """The values of COLUMNS for an event, sanitized and cut to the columns' sizes, with their mac.

        Raises TypeError or AttributeError for an event that is none.
        """
        if _needs_care(fields):
            fields = _sanitized(fields)
        values = _values(fields)
        if tuple(map(type, values)) != _KINDS:
            raise TypeError("A field of the event is of another kind.")
        number = self.row_format.current()
        covered, link_id, trace_id = values, None, None
        if number != FIRST:
            link_id, trace_id = fields["link_id"] or None, fields["trace_id"] or None
            covered = (*values, number, _optional(link_id), _optional(trace_id))
        mac = self._mac.copy()
        mac.update(_octets(covered))
        return (*values, mac.hexdigest(), packed(fields["ip_address"]), number, link_id, trace_id)


def _octets(values: Values) -> bytes:
    """The bytes that a mac covers: each field as `length:value`, the length in bytes of UTF-8."""
    texts = list(map(str, values))
    text = "".join([f"{len(value)}:{value}" for value in texts])
    if text.isascii():
        return text.encode()
    octets = [value.encode() for value in texts]
    return b"".join([b"%d:%b" % (len(value), value) for value in octets])


def _optional(value: str | None) -> str:
    """A value that may be NULL as macs and seals cover it (`Dialect.length_prefixed`)."""
    return "" if value is None else f"={value}"


def _needs_care(fields: Fields) -> bool:
    """True if anything that came from outside is more than short plain ASCII, as it nearly always is."""
    texts = _outside(fields)
    joined = "".join(texts)
    return not (joined.isascii() and joined.isprintable()) or any(map(gt, map(len, texts), _SIZES))


def _sanitized(fields: Fields) -> Fields:
    return {**fields, **{name: make(fields[name], size) for name, (make, size) in _OUTSIDE.items()}}


def _ascii(value: str, length: int) -> str:
    if not value.isascii() or not value.isprintable():
        value = value.encode("ascii", "backslashreplace").decode()
        value = "".join(character if character.isprintable() else "?" for character in value)
    return value[:length]


_OUTSIDE: dict[str, tuple[Callable[[str, int], str], int]] = {
    "resource_id": (_ascii, 128),
    "username": (sanitize, 128),
    "user_agent": (sanitize, 512),
    "request_id": (_ascii, 64),
    "file_type": (_ascii, 127),
    "details": (truncate, 65536),
    "link_id": (_ascii, 32),
    "trace_id": (_ascii, 32),
}
_SIZES = [size for _, size in _OUTSIDE.values()]
_outside = itemgetter(*_OUTSIDE)
