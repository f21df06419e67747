"""A long audit log made by MariaDB itself: genuine macs, sealed blocks, totals and sums, in a fraction of the time that
the service would need for it; and the server that holds it, whose folder can be kept between runs."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.dialects import mysql

from filewallball import create_app
from filewallball.audit.block_reader import BlockReader, runs
from filewallball.audit.sealer import BLOCK_ROWS
from filewallball.audit.seals import FIRST_SEAL, Seals, canonical_columns, seal_key
from filewallball.clock import now_us
from filewallball.database.schema import upgrade
from filewallball.recording.audit_rows import EXTENSION
from filewallball.recording.caller import SYSTEM
from filewallball.recording.event import DENIED, FAILED, SUCCESS
from filewallball.recording.tables import audit_blocks, audit_chain, audit_log
from filewallball.settings.loading import load_settings
from filewallball.stats.buckets import LOG_RATIO
from filewallball.stats.tables import daily_seen, usage_client_daily, usage_kinds
from filewallball.stats.tally import OperationKind
from harness.parts import Parts
from harness.servers import MariaDB
from harness.servers.base import Server

SEAL_KEY = "the key that seals the audit log of the benchmark"
DAY_US = 86_400_000_000
DAYS = 60
"""The days that a log covers, unless told otherwise."""
_ERRORS = ("file_too_large", "invalid_file_type", "storage_full", "network_error", "not_found")
_TYPES = ("image/jpeg", "image/png", "application/pdf", "text/plain", "video/mp4", "application/zip")
_OUTCOMES = ((SUCCESS, ""), *((FAILED, error) for error in _ERRORS))
_KINDS = [
    OperationKind(action, *outcome, file_type)
    for action, outcome, file_type in (
        *product(("file:upload", "file:download", "file:view", "file:list"), _OUTCOMES, _TYPES),
        *product(("auth:fail",), ((DENIED, "auth_unknown"),), _TYPES),
    )
]
_TERMS = {
    "errors": str(_ERRORS)[1:-1],
    "types": str(_TYPES)[1:-1],
    "log_ratio": repr(LOG_RATIO),
    "block_rows": BLOCK_ROWS,
}
_MADE = """
SELECT seq AS id, LPAD(seq, 36, '0') AS event_id, {start} + seq * {step} AS timestamp_us, action,
  IF(action = 'auth:fail', 'system', 'file') AS resource_type, MD5(seq DIV 3) AS resource_id, status,
  IF(status = 'failed', ELT(1 + FLOOR(r4 * 5), {errors}),
    IF(status = 'denied', 'auth_unknown', '')) AS error_type,
  IF(r5 < 0.5, 1 + client % 5000, 0) AS user_id, IF(r5 < 0.5, 'somebody', '') AS username, 0 AS token_id,
  INET_NTOA(167772160 + client) AS ip_address,
  UNHEX(CONCAT('00000000000000000000FFFF', LPAD(HEX(167772160 + client), 8, '0'))) AS address,
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0' AS user_agent,
  CONCAT('req_', MD5(seq + 5)) AS request_id, ELT(1 + FLOOR(r6 * 6), {types}) AS file_type,
  CAST(POW(10, 3 + 4 * r7) AS INTEGER) AS file_size, CAST(POW(10, 3 + 3.5 * r8) AS INTEGER) AS duration_us,
  'none' AS cache, 1 AS `count`, '{{"filename":"holiday in the mountains.jpg"}}' AS details,
  1 + (seq - 1) DIV {block_rows} AS block_id
FROM (SELECT chance.*, CAST(FLOOR({clients} * POW(r1, {skew})) AS INTEGER) AS client,
    CASE WHEN r2 < 0.3 THEN 'file:upload' WHEN r2 < 0.65 THEN 'file:download' WHEN r2 < 0.9 THEN 'file:view'
      WHEN r2 < 0.95 THEN 'file:list' ELSE 'auth:fail' END AS action,
    IF(r2 >= 0.95, 'denied', IF(r3 < 0.03, 'failed', 'success')) AS status
  FROM (SELECT seq, RAND() AS r1, RAND() AS r2, RAND() AS r3, RAND() AS r4, RAND() AS r5, RAND() AS r6, RAND() AS r7,
      RAND() AS r8 FROM seq_{first}_to_{last} LIMIT 18446744073709551615) AS chance) AS drawn
"""
"""The rows of a day. Without the limit, each mention of a chance would be another one."""
_OF_DAY = """
CREATE OR REPLACE TEMPORARY TABLE of_day ENGINE=MEMORY
SELECT timestamp_us DIV 3600000000 AS hour, ip_address, user_id, usage_kinds.id AS kind_id, action, status, file_size,
  duration_us FROM audit_log JOIN usage_kinds USING (action, status, error_type, file_type)
WHERE audit_log.id BETWEEN {first} AND {last}
"""
"""The same rows by what sums are kept of."""
_SUMS = {
    "audit_totals": "SELECT action, status, hour, COUNT(*) FROM of_day GROUP BY 1, 2, 3",
    "usage_hourly": "SELECT hour, kind_id, COUNT(*), SUM(file_size), SUM(duration_us), COUNT(*), 0, 0, 0 FROM of_day "
    "GROUP BY 1, 2",
    "usage_client_daily": "SELECT ip_address, {day}, kind_id, COUNT(*), SUM(file_size), SUM(duration_us), COUNT(*), "
    "0, 0 FROM of_day GROUP BY 1, 3",
    "latency_hourly": "SELECT hour, action, CEIL(LN(duration_us) / {log_ratio}), COUNT(*) FROM of_day "
    "GROUP BY 1, 2, 3",
    "upload_errors_daily": "SELECT {day}, ip_address, COUNT(*) FROM of_day WHERE action = 'file:upload' AND "
    "status = 'failed' GROUP BY 2",
    "daily_seen": "SELECT {day}, kind, name, COUNT(*), SUM(IF(status = 'success' AND action <> 'file:list', file_size, "
    "0)), SUM(status = 'failed') FROM (SELECT 'ip' AS kind, ip_address AS name, of_day.* FROM of_day UNION ALL "
    "SELECT 'user', user_id, of_day.* FROM of_day WHERE user_id > 0) AS seen GROUP BY 2, 3",
    "daily_distinct": "SELECT day, kind, COUNT(*) FROM daily_seen WHERE day = {day} GROUP BY 2",
}
"""What the rollups of the sealer would write for the rows of a day."""
_BLOCKS = """
INSERT INTO audit_blocks (number, first_id, last_id, row_count, first_us, last_us, sealed_us, seal, stub)
SELECT early.block_id, early.id, late.id, late.id - early.id + 1, early.timestamp_us, late.timestamp_us, {now}, '', ''
FROM seq_1_to_{rows}_step_{block_rows} JOIN audit_log AS early ON early.id = seq
  JOIN audit_log AS late ON late.id = LEAST(seq + {block_rows} - 1, {rows})
"""


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a log; `skew` 1 lets all clients do the same, more lets few do most."""

    rows: int
    clients: int = 100_000
    days: int = DAYS
    skew: float = 3.0


class LargeMariaDB(MariaDB):
    """A server with memory for a long log; `folder` may hold the data of an earlier run."""

    def __init__(self, folder: Path, pool_mib: int) -> None:
        self._pool_mib = pool_mib
        if (folder / "data").exists():
            Server.__init__(self, folder)
            self._data = folder / "data"
        else:
            super().__init__(folder, template=folder / "template")

    def command(self) -> list[str]:
        pool, log = "--innodb-buffer-pool-size=", "--innodb-log-file-size="
        kept = [part for part in super().command() if not part.startswith((pool, log))]
        return [
            *(*kept, f"{pool}{self._pool_mib}M", f"{log}2G", "--innodb-sort-buffer-size=64M"),
            *("--innodb-io-capacity=10000", "--innodb-io-capacity-max=20000"),
        ]

    def database(self, name: str) -> str:
        """The URL of a database of that name, which is made if it is not there yet."""
        self.execute(f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        return f"mysql+pymysql://root@127.0.0.1:{self.port}/{name}?charset=utf8mb4"


def open_history(server: LargeMariaDB, folder: Path, size: Size) -> Parts:
    """The parts of an app whose log has that size; a log of that size is made once for each server."""
    url = server.database(f"rows_{size.rows}")
    settings = {"DATA_DIR": str(folder), "DATABASE_URL": url, "DATABASE_TIMEOUT": "3600s"}
    app = create_app(load_settings({**settings, "AUDIT_SEAL_KEY": SEAL_KEY}))
    parts = Parts(app)
    with app.app_context():
        upgrade()
        if not parts.database.scalar(_HEAD):
            make_history(parts, size)
        parts.journal.prepare()
        if parts.verification.last() is None:  # else a service would verify the log while it is measured
            with _timed("verification", size):
                assert parts.verification.run(SYSTEM).is_intact
    _warm(parts)
    return parts


def _warm(parts: Parts) -> None:
    """Read indexes once: a server that has run for a while has in memory what a new one fetches row by row."""
    for table in (audit_log.name, usage_client_daily.name, daily_seen.name):
        for index in _run(parts, f"SHOW INDEX FROM {table} WHERE Seq_in_index = 1"):
            if (table, index.Key_name) != (audit_log.name, "PRIMARY"):
                name, key = index.Column_name, index.Key_name
                _run(parts, f"SELECT COUNT({name}) FROM {table} FORCE INDEX ({key}) WHERE {name} <> '-'")  # noqa: S608


def service_settings(parts: Parts) -> dict[str, str]:
    """The settings for a service over that log."""
    return {
        "DATA_DIR": str(parts.settings.data_dir),
        "DATABASE_URL": parts.settings.database_url,
        "AUDIT_SEAL_KEY": SEAL_KEY,
        "AUDIT_VERIFY_INTERVAL": "3650d",
        "LOG_LEVEL": "ERROR",
    }


def make_history(parts: Parts, size: Size) -> None:
    """Fill an empty log: a day's rows and their sums at a time, then the indexes, then the seals."""
    kinds = [{"id": kind.id, **kind._asdict()} for kind in _KINDS]
    with parts.database.begin() as connection:
        connection.execute(insert(usage_kinds), kinds)
    start = now_us() - size.days * DAY_US
    days = range(start // DAY_US, now_us() // DAY_US + 1)
    with _without_indexes(parts, size), ThreadPoolExecutor(2) as pool, _timed("rows and sums", size):
        list(pool.map(partial(_make_day, parts, size, _mac_in_sql(parts), start), days))
    with _timed("seals", size):
        _seal(parts, size.rows)


@contextmanager
def _without_indexes(parts: Parts, size: Size) -> Iterator[None]:
    """Drop the log's secondary indexes, and add them again in the end."""
    unique = _run(parts, "SHOW INDEX FROM audit_log WHERE Column_name = 'event_id'")[0].Key_name
    columns = {index.name: [column.name for column in index.columns] for index in audit_log.indexes}
    _run(parts, f"ALTER TABLE audit_log {', '.join(f'DROP INDEX {name}' for name in (unique, *columns))}")
    yield
    clauses = [f"ADD INDEX {name} ({', '.join(names)})" for name, names in columns.items()]
    with _timed("indexes", size):
        _run(parts, f"ALTER TABLE audit_log ADD UNIQUE INDEX {unique} (event_id), {', '.join(clauses)}")


def _make_day(parts: Parts, size: Size, mac: str, start: int, day: int) -> None:
    """Insert the rows of a day of UTC, and what they add up to; the log begins at `start`."""
    step = size.days * DAY_US // size.rows
    first, end = (max(1, -(-(moment * DAY_US - start) // step)) for moment in (day, day + 1))
    last = min(end - 1, size.rows)
    if last < first:
        return
    terms = {**asdict(size), **_TERMS, "day": day, "first": first, "last": last, "start": start, "step": step}
    names = [column.name for column in audit_log.c if column.name not in ("mac", *EXTENSION)]
    listed = ", ".join(f"`{name}`" for name in names)
    chosen = f"SELECT {listed}, {mac} FROM ({_MADE.format(**terms)}) AS audit_log"  # noqa: S608 - all of it is ours
    _run(
        parts,
        f"SET SESSION rand_seed1 = {first}, rand_seed2 = {day}, max_heap_table_size = {2**30}, join_cache_level = 4",
        f"INSERT INTO audit_log ({listed}, mac) {chosen}",
        _OF_DAY.format(**terms),
        *(f"INSERT INTO {table} {sums.format(**terms)}" for table, sums in _SUMS.items()),
    )


def _mac_in_sql(parts: Parts) -> str:
    """HMAC-SHA-256 over the canonical columns, as MariaDB computes it."""
    key = seal_key(parts.settings).ljust(64, b"\0")
    inner, outer = (bytes(octet ^ pad for octet in key).hex() for pad in (0x36, 0x5C))
    canonical: Any = parts.database.dialect.length_prefixed(canonical_columns())
    sql = canonical.compile(dialect=mysql.dialect(), compile_kwargs={"literal_binds": True})
    return f"SHA2(CONCAT(X'{outer}', UNHEX(SHA2(CONCAT(X'{inner}', {sql}), 256))), 256)"


def _seal(parts: Parts, rows: int) -> None:
    """Seal the blocks that the rows already name."""
    _run(parts, _BLOCKS.format(**_TERMS, now=now_us(), rows=rows))
    blocks = runs(parts.database.rows(select(*audit_blocks.c).order_by(audit_blocks.c.number)))
    seals, sealed, previous = Seals(seal_key(parts.settings)), [], FIRST_SEAL
    for run, contents in BlockReader(parts.database).ahead(blocks, readers=2):
        for block, _ in run:
            previous = seals.seal(previous, block, contents[block.number][1])
            sealed.append({"of": block.number, "is": previous})
    with parts.database.begin() as connection:
        connection.execute(_SEALED, sealed)
        connection.execute(update(audit_chain).values(number=sealed[-1]["of"], seal=previous))


@contextmanager
def _timed(what: str, size: Size) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds = time.perf_counter() - began
    print(f"  {what}: {size.rows / seconds:,.0f} rows/s ({seconds:,.1f} s)", flush=True)


def _run(parts: Parts, *statements: str) -> list[Any]:
    """Run statements in one transaction; the rows of the last one."""
    with parts.database.begin() as connection:
        connection.exec_driver_sql("SET SESSION unique_checks = 0, foreign_key_checks = 0")
        for statement in statements:
            result = connection.exec_driver_sql(statement.replace("%", "%%"))
        return list(result) if result.returns_rows else []


_HEAD = select(audit_chain.c.number)
_SEALED = update(audit_blocks).where(audit_blocks.c.number == bindparam("of")).values(seal=bindparam("is"))
