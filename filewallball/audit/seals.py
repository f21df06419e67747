"""Keyed seals: what a row, a block of rows and a pruned stretch of the log are worth, and the anchor on this host."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, func

from filewallball.audit.models import AuditRow
from filewallball.audit.trail import CANONICAL, packed
from filewallball.database import Database

FIRST_SEAL = ""


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
    """An unsealed row as it is at rest, bytes throughout: nothing in it is believed yet."""

    id: int
    canonical: bytes
    mac: bytes
    ip_address: bytes
    address: bytes

    def sealed(self) -> bytes:
        """What the block's seal covers of the row; equal to `sealed_column` in SQL."""
        row_id = b"%d" % self.id
        return b"%d:%b%b%d:%b%d:%b" % (
            len(row_id),
            row_id,
            self.canonical,
            len(self.mac),
            self.mac,
            len(self.address),
            self.address,
        )


class Seals:
    """Computes and checks everything that needs the key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def is_genuine(self, row: Candidate) -> bool:
        """Whether the service wrote the row: its mac covers the event, and its packed address is the event's."""
        mac = hmac.digest(self._key, row.canonical, hashlib.sha256).hex().encode()
        return hmac.compare_digest(mac, row.mac) and _packed_hex(row.ip_address) == row.address

    def seal(self, previous: str, block: Block, rows: Iterable[bytes]) -> str:
        """The seal of a block that follows the one sealed with `previous`."""
        mac = hmac.new(self._key, b"block;" + previous.encode() + b";" + block.terms(), hashlib.sha256)
        mac.update(b"".join(rows))
        return mac.hexdigest()

    def stub(self, number: int, seal: str, pruned_us: int) -> str:
        """What stands for every block up to `number` once their rows are gone."""
        text = f"stub;{number};{seal};{pruned_us}"
        return hmac.digest(self._key, text.encode(), hashlib.sha256).hex()


def candidate_columns(database: Database) -> list[ColumnElement[Any]]:
    """What makes a Candidate, in the order of its fields."""
    return [
        AuditRow.id,  # type: ignore[list-item]
        database.length_prefixed(canonical_columns()),
        database.octets(AuditRow.mac),
        database.octets(AuditRow.ip_address),
        database.octets(func.hex(AuditRow.address)),
    ]


def sealed_column(database: Database) -> ColumnElement[bytes]:
    """What a seal covers of a row: its number, the event, the mac and the packed address."""
    return database.length_prefixed(
        [AuditRow.id, *canonical_columns(), AuditRow.mac, func.hex(AuditRow.address)]
    )


def canonical_columns() -> Sequence[Any]:
    """The event's columns in canonical order."""
    return [getattr(AuditRow, name) for name in CANONICAL]


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
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with temporary.open("w") as file:
        file.write(f"{anchor.number} {anchor.seal}\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _packed_hex(address: bytes) -> bytes:
    try:
        return packed(address.decode()).hex().upper().encode()
    except ValueError:
        return b"?"
