"""The tables that statistics are kept in: sums over the sealed rows of the audit log.

Every key column is NOT NULL ('' or 0 stand for «none»), because NULLs are never equal and would defeat upserts.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, Table

from filewallball.database.columns import code_type
from filewallball.database.metadata import metadata

usage_kinds = Table(
    "usage_kinds",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("action", code_type(40), nullable=False),
    Column("status", code_type(8), nullable=False),
    Column("error_type", code_type(40), nullable=False),
    Column("file_type", code_type(127), nullable=False),
)
"""Each combination of action and outcome; `id` is computed from the other columns, so their order never matters."""

usage_hourly = Table(
    "usage_hourly",
    metadata,
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("kind_id", BigInteger, primary_key=True, autoincrement=False),
    Column("count", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("duration_us", BigInteger, nullable=False),
    Column("timed", BigInteger, nullable=False),
    Column("hits", BigInteger, nullable=False),
    Column("lookups", BigInteger, nullable=False),
    Column("suspicious", BigInteger, nullable=False),
)
"""Everything done in an hour. `timed` events make up `duration_us`; `hits` of `lookups` came from the cache."""

usage_client_daily = Table(
    "usage_client_daily",
    metadata,
    Column("client_ip", code_type(45), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("kind_id", BigInteger, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("duration_us", BigInteger, nullable=False),
    Column("timed", Integer, nullable=False),
    Column("hits", Integer, nullable=False),
    Column("lookups", Integer, nullable=False),
)
"""The sums of one client and day."""

usage_link_daily = Table(
    "usage_link_daily",
    metadata,
    Column("link_id", code_type(32), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("kind_id", BigInteger, primary_key=True, autoincrement=False),
    Column("count", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Index("ix_usage_link_daily_day", "day"),
)
"""The sums of one link and day."""

upload_errors_daily = Table(
    "upload_errors_daily",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("client_ip", code_type(45), primary_key=True),
    Column("count", Integer, nullable=False),
)
"""Failed uploads of one client in a day: few rows, from which the worst sources are found."""

latency_hourly = Table(
    "latency_hourly",
    metadata,
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("action", code_type(40), primary_key=True),
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("count", BigInteger, nullable=False),
)
"""The number of operations of clients by duration; `buckets.py` says what a bucket is."""

daily_seen = Table(
    "daily_seen",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("kind", code_type(4), primary_key=True),
    Column("key", code_type(45), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("errors", Integer, nullable=False),
)
"""A client (`kind` is ip) or user that was there on a day, and what it did in all."""

daily_distinct = Table(
    "daily_distinct",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("kind", code_type(4), primary_key=True),
    Column("count", Integer, nullable=False),
)
"""The number of keys that `daily_seen` has for a day and kind, so that nobody needs to count them."""

inventory = Table(
    "inventory",
    metadata,
    Column("file_type", code_type(127), primary_key=True),
    Column("files", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
)
"""The files that are kept now, quarantined ones included."""

expected_clients = Table(
    "expected_clients",
    metadata,
    Column("client_ip", code_type(45), primary_key=True),
    Column("expected_within", Integer, nullable=False),
    Column("declared_us", BigInteger, nullable=False),
    Column("last_upload_us", BigInteger, nullable=False),
)
"""A client that is expected to upload at least every so often."""

usage_state = Table(
    "usage_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("newest_hour", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
)
"""The one row that says what may be remembered: sums over hours long before `newest_hour` stay as they are while
    `revision` does."""
