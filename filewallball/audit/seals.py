"""Keyed seals: what a row, a block of rows and a pruned stretch of the log are worth, and the anchor on this host."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, case, func, select

from filewallball.addresses import packed
from filewallball.database.connections import Database
from filewallball.database.dialect import Dialect
from filewallball.filesystem import kept_secret, replace_file
from filewallball.recording.audit_rows import CANONICAL, EXTENSION
from filewallball.recording.row_format import FIRST, NEWEST
from filewallball.recording.tables import AuditRecord, audit_chain, audit_log
from filewallball.settings.service import Settings

OTHER_KEY = (
    "AUDIT_SEAL_KEY: the newest block of the audit log was sealed with another key; all hosts share one"
)
_ROWS_LOOKED_AT = 100
FIRST_SEAL = ""


def seal_key(settings: Settings) -> bytes:
    """The key of the audit macs and seals: the setting, else a file that only this user can read."""
    if settings.audit_seal_key:
        return settings.audit_seal_key.encode()
    return kept_secret(settings.data_dir / "audit-key", lambda: secrets.token_hex(32)).encode()


@dataclass(frozen=True, slots=True)
class Block:
    """The terms of a sealed block, as its seal covers them."""

    number: int
    first_id: int
    last_id: int
    row_count: int
    first_us: int
    last_us: int
    sealed_us: int

    def terms(self) -> bytes:
        return b"%d:%d:%d:%d:%d:%d:%d;" % (
            self.number,
            self.first_id,
            self.last_id,
            self.row_count,
            self.first_us,
            self.last_us,
            self.sealed_us,
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row as `sealed_column` reads it at rest: what a seal would cover, and what can be read in it.

    Nothing in it is believed until the mac is found right.
    """

    sealed: bytes
    canonical: bytes
    fields: list[str]

    @classmethod
    def read(cls, sealed: bytes) -> "Candidate":
        """Split the sealed bytes of a row into its fields."""
        fields = _split(sealed.decode()) if sealed.isascii() else _split_octets(sealed)
        number, mac, address = (_width(fields[place]) for place in (0, -2, -1))
        return cls(sealed, sealed[number : len(sealed) - mac - address], fields)

    @property
    def id(self) -> int:
        return int(self.fields[0])

    @property
    def is_of_later_release(self) -> bool:
        """True if the row states a format that this release does not know: its mac may cover what we cannot read."""
        stated = self.fields[_FORMAT] if len(self.fields) > _SHORT else ""
        return stated.isdecimal() and int(stated) > NEWEST

    def record(self) -> AuditRecord:
        """The row with its numbers as numbers; only for one that is genuine."""
        values: list[Any] = self.fields[:-2]
        for place in _NUMBERS:
            if place < len(values):
                values[place] = int(values[place])
        values[_FORMAT + 1 :] = [value.removeprefix("=") for value in values[_FORMAT + 1 :]]
        return AuditRecord(*values)


class Seals:
    """Computes and checks everything that needs the key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._mac = hmac.new(key, digestmod=hashlib.sha256)  # copied for each row

    def is_genuine(self, row: Candidate) -> bool:
        """True if the service wrote the row: its mac covers the event, and its packed address is the event's."""
        mac = self._mac.copy()
        mac.update(row.canonical)
        found, address = row.fields[-2:]
        if not hmac.compare_digest(mac.hexdigest().encode(), found.encode()):
            return False
        return packed(row.fields[_ADDRESS]).hex().upper() == address

    def seal(self, previous: str, block: Block, rows: bytes) -> str:
        """The seal of a block that follows the one sealed with `previous`; `rows` are all of its rows, in order."""
        mac = hmac.new(self._key, b"block;" + previous.encode() + b";" + block.terms(), hashlib.sha256)
        mac.update(rows)
        return mac.hexdigest()

    def stub(self, block: Block, seal: str, pruned_us: int) -> str:
        """The stub that replaces all blocks up to this one once their rows are gone; its mac covers the record."""
        text = b"stub2;" + block.terms() + f"{seal};{pruned_us}".encode()
        return hmac.digest(self._key, text, hashlib.sha256).hex()

    def is_stub(self, block: Block, seal: str, pruned_us: int, stub: str) -> bool:
        """True if `stub` is the record's. An earlier release covered less of it; the next pruning covers all."""
        text = f"stub;{block.number};{seal};{pruned_us}"
        before = hmac.digest(self._key, text.encode(), hashlib.sha256).hex()
        return stub in (self.stub(block, seal, pruned_us), before)


def sealed_column(database: Database) -> ColumnElement[bytes]:
    """The bytes of a row that a seal covers: its number, the event, the mac and the packed address.

    A row of the first format has none of what later ones added, and reads as it did before there were any. Rows one
    after the other read in one way only: what a later format adds is never what stands in its place in the first one.
    """
    return _sealed(database.dialect)


@cache
def _sealed(dialect: Dialect) -> ColumnElement[bytes]:
    """The same for every database of a kind; to put it together takes longer than to ask for it."""
    row = audit_log.c
    before, after = [row.id, *canonical_columns()], [row.mac, row.address]
    added = [row[name] for name in EXTENSION]
    is_plain = and_(dialect.is_number(row.format, FIRST), row.link_id.is_(None), row.trace_id.is_(None))
    return case(
        (is_plain, dialect.length_prefixed([*before, *after])),
        else_=dialect.length_prefixed([*before, *added, *after]),
    )


def holds_key(database: Database, seals: Seals) -> bool:
    """True if the key of `seals` wrote any row of the newest sealed block, or if there is no such block.

    With another key this host's sealer refuses the rows of the others, and theirs refuses its own.
    """
    head = (
        select(audit_chain.c.number).where(audit_chain.c.id == 1).scalar_subquery()
    )  # beyond it lie only forged rows
    newest = (
        select(func.max(audit_log.c.block_id)).where(audit_log.c.block_id.between(1, head)).scalar_subquery()
    )
    rows = select(sealed_column(database)).where(audit_log.c.block_id == newest).limit(_ROWS_LOOKED_AT)
    found = database.query(lambda connection: list(connection.execute(rows).scalars()))
    return not found or any(row is not None and seals.is_genuine(Candidate.read(row)) for row in found)


def canonical_columns() -> Sequence[Column[Any]]:
    """The event's columns in canonical order."""
    return [audit_log.c[name] for name in CANONICAL]


@dataclass(frozen=True, slots=True)
class Anchor:
    """A block that this host has seen sealed, kept outside the database: the log must never be behind it."""

    number: int
    seal: str


def read_anchor(path: Path) -> Anchor | None:
    """The anchor of this host; None before the first. Raises ValueError for a file that holds anything else."""
    try:
        number, seal = path.read_text().split()
    except FileNotFoundError:
        return None
    return Anchor(int(number), seal)


def write_anchor(path: Path, anchor: Anchor) -> None:
    """Replace the anchor, durably; whoever reads meanwhile sees the old one or the new one."""
    replace_file(path, f"{anchor.number} {anchor.seal}\n".encode(), durable=True)


def _split(text: str) -> list[str]:
    """The fields of `length:value` pairs in ASCII, a piece between colons at a time."""
    fields: list[str] = []
    first, *pieces = text.split(":")
    length = int(first)
    held: str | None = None  # the beginning of a field that has colons in it
    for piece in pieces:
        whole = piece if held is None else f"{held}:{piece}"
        if len(whole) < length:
            held = whole
            continue
        held = None
        fields.append(whole[:length])
        if rest := whole[length:]:
            length = int(rest)
    return fields


def _split_octets(sealed: bytes) -> list[str]:
    """The same where there is more than ASCII: lengths count octets."""
    fields, at = [], 0
    while at < len(sealed):
        start = sealed.index(b":", at) + 1
        at = start + int(sealed[at : start - 1])
        fields.append(sealed[start:at].decode(errors="replace"))
    return fields


def _width(field: str) -> int:
    """The octets that an ASCII field and its length take."""
    return len(str(len(field))) + 1 + len(field)


_NUMBERS = tuple(place for place, kind in enumerate(AuditRecord.__annotations__.values()) if kind is int)
_ADDRESS = AuditRecord._fields.index("ip_address")
_FORMAT = AuditRecord._fields.index("format")
_SHORT = _FORMAT + 2
"""The number of fields of a row of the first format, with its mac and its packed address."""
