"""Adding audit rows up in memory: what the sealer writes as sums, a query adds to them, and a recount proves."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, cast

from sqlalchemy import Row

from filewallball.recording.event import FAILED, SUCCESS
from filewallball.recording.tables import AuditRecord
from filewallball.stats.buckets import bucket_of
from filewallball.stats.calendar import DAY_HOURS, hour_of

UPLOAD, DOWNLOAD, VIEW = "file:upload", "file:download", "file:view"
TRANSFERS = frozenset({UPLOAD, DOWNLOAD, VIEW, "file:thumbnail"})
ENDINGS = frozenset({"file:delete", "file:expire"})
CLIENT, USER = "ip", "user"
SUSPICIOUS = '"suspicious":true'
"""The mark of a suspicious upload in its details; nothing that a caller sends can look like it inside JSON text."""


class OperationKind(NamedTuple):
    """An action and its outcome, by which operations are summed."""

    action: str
    status: str
    error_type: str
    file_type: str

    @property
    def id(self) -> int:
        return _kind_id(self)


@dataclass(slots=True)
class Sums:
    """The sums of events of one kind. Only timed events have durations, only lookups can be hits."""

    count: int = 0
    bytes: int = 0
    duration_us: int = 0
    timed: int = 0
    hits: int = 0
    lookups: int = 0
    suspicious: int = 0

    def add(self, other: "Sums") -> None:
        self.count += other.count
        self.bytes += other.bytes
        self.duration_us += other.duration_us
        self.timed += other.timed
        self.hits += other.hits
        self.lookups += other.lookups
        self.suspicious += other.suspicious


@dataclass(slots=True)
class Seen:
    """The use by one client or user on a day: operations, bytes sent and received, failures."""

    count: int = 0
    bytes: int = 0
    errors: int = 0


@dataclass(slots=True)
class Stock:
    """Files and their bytes."""

    files: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Tally:
    """Sums over rows of the audit log. A row counts as often as its `count` says."""

    usage: dict[tuple[int, OperationKind], Sums] = field(default_factory=lambda: defaultdict(Sums))
    clients: dict[tuple[str, int, OperationKind], Sums] = field(default_factory=lambda: defaultdict(Sums))
    links: dict[tuple[str, int, OperationKind], Sums] = field(default_factory=lambda: defaultdict(Sums))
    latency: dict[tuple[int, str, int], int] = field(default_factory=lambda: defaultdict(int))
    seen: dict[tuple[int, str, str], Seen] = field(default_factory=lambda: defaultdict(Seen))
    upload_errors: dict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))
    inventory: dict[str, Stock] = field(default_factory=lambda: defaultdict(Stock))
    last_uploads: dict[str, int] = field(default_factory=dict)

    def add_all(self, rows: Iterable[AuditRecord | Row[Any]]) -> "Tally":
        """Add rows of the audit log, each with its columns as attributes."""
        for row in rows:
            self.add(cast(AuditRecord, row))  # a row of a query has the same attributes
        return self

    def add(self, row: AuditRecord) -> None:
        """Add one row."""
        hour = hour_of(row.timestamp_us)
        kind = OperationKind(row.action, row.status, row.error_type, row.file_type)
        sums = _sums(row)
        self.usage[hour, kind].add(sums)
        if row.link_id:
            self.links[row.link_id, hour // DAY_HOURS, kind].add(sums)
        if row.user_id:
            self._see(row, hour // DAY_HOURS, USER, str(row.user_id))
        if row.ip_address:  # the service's own jobs come from nowhere: they are no client's
            self._add_client(row, hour, kind, sums)
        if kind.action == UPLOAD or kind.action in ENDINGS:
            self._keep_stock(row)

    def _add_client(self, row: AuditRecord, hour: int, kind: OperationKind, sums: Sums) -> None:
        address, day = row.ip_address, hour // DAY_HOURS
        self.clients[address, day, kind].add(sums)
        self._see(row, day, CLIENT, address)
        if sums.timed:
            self.latency[hour, kind.action, bucket_of(row.duration_us)] += sums.timed
        if kind.action == UPLOAD:
            if kind.status == FAILED:
                self.upload_errors[day, address] += row.count
            elif kind.status == SUCCESS:
                self.last_uploads[address] = max(row.timestamp_us, self.last_uploads.get(address, 0))

    def _see(self, row: AuditRecord, day: int, kind: str, key: str) -> None:
        seen = self.seen[day, kind, key]
        seen.count += row.count
        if row.status == FAILED:
            seen.errors += row.count
        elif row.status == SUCCESS and row.action in TRANSFERS:
            seen.bytes += row.file_size * row.count

    def _keep_stock(self, row: AuditRecord) -> None:
        if row.status == SUCCESS:
            sign = 1 if row.action == UPLOAD else -1
            stock = self.inventory[row.file_type]
            stock.files += sign * row.count
            stock.bytes += sign * row.count * row.file_size


def _sums(row: AuditRecord) -> Sums:
    count = row.count
    is_timed = row.duration_us > 0
    return Sums(
        count=count,
        bytes=row.file_size * count,
        duration_us=row.duration_us * count if is_timed else 0,
        timed=count if is_timed else 0,
        hits=count if row.cache == "hit" else 0,
        lookups=count if row.cache != "none" else 0,
        suspicious=count if row.action == UPLOAD and SUSPICIOUS in row.details else 0,
    )


@lru_cache(16384)
def _kind_id(kind: OperationKind) -> int:
    """63 bits that stand for the kind on every host, with nothing to agree on first."""
    digest = hashlib.blake2b("\0".join(kind).encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1
