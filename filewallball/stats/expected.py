"""Clients that are expected to upload every so often: declared by an administrator, watched by an alert."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select

from filewallball import errors
from filewallball.addresses import packed
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.recording.event import SUCCESS
from filewallball.recording.operations import Operation
from filewallball.recording.tables import audit_log
from filewallball.stats.calendar import DAY_HOURS, HOUR_US, day_of
from filewallball.stats.snapshot import Snapshot, Statistics
from filewallball.stats.tables import expected_clients, usage_client_daily, usage_kinds
from filewallball.stats.tally import UPLOAD

MOST = 50
_UPLOADED = audit_log.c.action == UPLOAD, audit_log.c.status == SUCCESS


@dataclass(frozen=True, slots=True)
class Expectation:
    """One of them. `since_us` is when it last uploaded, or when it was declared if it never did."""

    client_ip: str
    expected_within: int
    declared_us: int
    last_upload_us: int | None

    @property
    def since_us(self) -> int:
        return self.last_upload_us or self.declared_us

    @property
    def seconds_since_upload(self) -> int:
        return max(0, now_us() - self.since_us) // 1_000_000

    @property
    def is_overdue(self) -> bool:
        return self.seconds_since_upload > self.expected_within


class ExpectedClients:
    """The expected clients, as this process last read them, so that a scrape asks the database nothing."""

    def __init__(self, database: Database, statistics: Statistics) -> None:
        self._database = database
        self._statistics = statistics
        self.latest: list[Expectation] = []

    def refresh(self) -> None:
        """Read the expected clients again."""
        self.latest = self.read()

    def read(self) -> list[Expectation]:
        """Every declared client, by address, as of this moment."""
        return self._statistics.at_once(_read)

    def declare(self, op: Operation, address: str, seconds: int) -> Expectation:
        """Expect an upload of the client every so many seconds. Raises Conflict beyond 50 clients, and NotFound where
        it was withdrawn at once."""
        op.note(resource_id=address, details={"expected_within": seconds})
        op.change(lambda connection: self._declare(connection, address, seconds))
        declared = next((each for each in self.read() if each.client_ip == address), None)
        if declared is None:
            raise errors.NotFound
        return declared

    def withdraw(self, op: Operation, address: str) -> None:
        """Expect nothing of the client any more. Raises NotFound."""
        op.note(resource_id=address)

        def work(connection: Connection) -> None:
            ended = delete(expected_clients).where(expected_clients.c.client_ip == address)
            if connection.execute(ended).rowcount != 1:
                raise errors.NotFound

        op.change(work)

    def _declare(self, connection: Connection, address: str, seconds: int) -> None:
        known = set(connection.execute(select(expected_clients.c.client_ip)).scalars())
        if address not in known and len(known) >= MOST:
            raise errors.Conflict(f"No more than {MOST} clients can be expected.")
        values = {
            "client_ip": address,
            "expected_within": seconds,
            "declared_us": now_us(),
            "last_upload_us": _last_upload(connection, address),
        }
        statement = self._database.dialect.insert(expected_clients).values(values)
        keys = [expected_clients.c.client_ip]
        connection.execute(self._database.dialect.upsert(statement, keys, {"expected_within": seconds}))


def _read(snapshot: Snapshot) -> list[Expectation]:
    rows = snapshot.connection.execute(
        select(*expected_clients.c).order_by(expected_clients.c.client_ip)
    ).all()
    if not rows:
        return []
    unsealed = select(audit_log.c.ip_address, func.max(audit_log.c.timestamp_us)).where(
        audit_log.c.block_id.is_(None),
        *_UPLOADED,
        audit_log.c.ip_address.in_([row.client_ip for row in rows]),
    )
    fresh = {row[0]: row[1] for row in snapshot.connection.execute(unsealed.group_by(audit_log.c.ip_address))}
    return [
        Expectation(
            client_ip=row.client_ip,
            expected_within=row.expected_within,
            declared_us=row.declared_us,
            last_upload_us=_latest(row.last_upload_us, fresh.get(row.client_ip, 0)) or None,
        )
        for row in rows
    ]


def _latest(known_us: int, fresh_us: int) -> int:
    """The later one, unless the known one is of the future: the clock was set back since."""
    return fresh_us if fresh_us and known_us > now_us() else max(known_us, fresh_us)


def _last_upload(connection: Connection, address: str) -> int:
    """The time of the client's last upload: on the last day that the sums know, or since; 0 if there was none."""
    uploads = select(usage_kinds.c.id).where(usage_kinds.c.action == UPLOAD, usage_kinds.c.status == SUCCESS)
    day = connection.execute(
        select(func.max(usage_client_daily.c.day)).where(
            usage_client_daily.c.client_ip == address, usage_client_daily.c.kind_id.in_(uploads)
        )
    ).scalar()
    start = (day if day is not None else day_of(now_us()) - 1) * DAY_HOURS * HOUR_US
    mine = audit_log.c.address == packed(address), audit_log.c.timestamp_us >= start
    moment = connection.execute(select(func.max(audit_log.c.timestamp_us)).where(*mine, *_UPLOADED)).scalar()
    return moment or (start if day is not None else 0)
