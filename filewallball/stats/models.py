"""The tables that statistics are kept in: sums over the sealed rows of the audit log.

Every key column is NOT NULL ('' or 0 stand for «none»), because NULLs are never equal and would defeat upserts.
"""

from sqlalchemy import BigInteger, Integer
from sqlalchemy.orm import Mapped, mapped_column

from filewallball.database.columns import code_type
from filewallball.database.tables import Base


class UsageKind(Base):
    """What was done and how it ended; `id` is computed from the other columns, so it never depends on their order."""

    __tablename__ = "usage_kinds"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    action: Mapped[str] = mapped_column(code_type(40))
    status: Mapped[str] = mapped_column(code_type(8))
    error_type: Mapped[str] = mapped_column(code_type(40))
    file_type: Mapped[str] = mapped_column(code_type(127))


class UsageHourly(Base):
    """Everything done in an hour. `timed` events make up `duration_us`; `hits` of `lookups` came from the cache."""

    __tablename__ = "usage_hourly"

    hour: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    count: Mapped[int] = mapped_column(BigInteger)
    bytes: Mapped[int] = mapped_column(BigInteger)
    duration_us: Mapped[int] = mapped_column(BigInteger)
    timed: Mapped[int] = mapped_column(BigInteger)
    hits: Mapped[int] = mapped_column(BigInteger)
    lookups: Mapped[int] = mapped_column(BigInteger)
    suspicious: Mapped[int] = mapped_column(BigInteger)


class UsageClientDaily(Base):
    """What one client did in a day."""

    __tablename__ = "usage_client_daily"

    client_ip: Mapped[str] = mapped_column(code_type(45), primary_key=True)
    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    count: Mapped[int] = mapped_column(Integer)
    bytes: Mapped[int] = mapped_column(BigInteger)
    duration_us: Mapped[int] = mapped_column(BigInteger)
    timed: Mapped[int] = mapped_column(Integer)
    hits: Mapped[int] = mapped_column(Integer)
    lookups: Mapped[int] = mapped_column(Integer)


class UploadErrorsDaily(Base):
    """Failed uploads of one client in a day: few rows, from which the worst sources are found."""

    __tablename__ = "upload_errors_daily"

    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    client_ip: Mapped[str] = mapped_column(code_type(45), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)


class LatencyHourly(Base):
    """How many operations of clients took how long; `buckets.py` says what a bucket is."""

    __tablename__ = "latency_hourly"

    hour: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    action: Mapped[str] = mapped_column(code_type(40), primary_key=True)
    bucket: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    count: Mapped[int] = mapped_column(BigInteger)


class DailySeen(Base):
    """A client (`kind` is ip) or user that was there on a day, and what it did in all."""

    __tablename__ = "daily_seen"

    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(code_type(4), primary_key=True)
    key: Mapped[str] = mapped_column(code_type(45), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    bytes: Mapped[int] = mapped_column(BigInteger)
    errors: Mapped[int] = mapped_column(Integer)


class DailyDistinct(Base):
    """How many keys `daily_seen` has for a day and kind, so that nobody needs to count them."""

    __tablename__ = "daily_distinct"

    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(code_type(4), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)


class Inventory(Base):
    """The files that are kept now, quarantined ones included."""

    __tablename__ = "inventory"

    file_type: Mapped[str] = mapped_column(code_type(127), primary_key=True)
    files: Mapped[int] = mapped_column(BigInteger)
    bytes: Mapped[int] = mapped_column(BigInteger)


class ExpectedClient(Base):
    """A client that is expected to upload at least every so often."""

    __tablename__ = "expected_clients"

    client_ip: Mapped[str] = mapped_column(code_type(45), primary_key=True)
    expected_within: Mapped[int] = mapped_column(Integer)
    declared_us: Mapped[int] = mapped_column(BigInteger)
    last_upload_us: Mapped[int] = mapped_column(BigInteger)


class UsageState(Base):
    """The one row that says what may be remembered: sums over hours long before `newest_hour` stay as they are while
    `revision` does."""

    __tablename__ = "usage_state"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    newest_hour: Mapped[int] = mapped_column(Integer)
    revision: Mapped[int] = mapped_column(BigInteger)
