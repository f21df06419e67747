"""A long audit log made by MariaDB itself: genuine macs, sealed blocks and totals, in a fraction of the time that the
service would need for it; and the server that holds it, whose folder can be kept between runs."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.dialects import mysql

from filewallball import create_app
from filewallball.audit.sealer import BLOCK_ROWS
from filewallball.audit.seals import FIRST_SEAL, Block, Seals, canonical_columns, sealed_column
from filewallball.clock import now_us
from filewallball.database.schema import upgrade
from filewallball.recording.audit_rows import EXTENSION
from filewallball.recording.tables import audit_blocks, audit_chain, audit_log
from filewallball.settings.loading import load_settings
from filewallball.stats.tables import daily_seen, usage_client_daily
from harness.parts import Parts
from harness.servers import MariaDB
from harness.servers.base import Server

SEAL_KEY = "the key that seals the audit log of the benchmark"
DAY_US = 86_400_000_000
DAYS = 60
"""The days that a log covers, unless told otherwise."""
_CHUNK = 50 * BLOCK_ROWS
_BLOCKS_AT_ONCE = 20
_CHANCE = "(CRC32(CONCAT(seq, '{}')) / 4294967296)"
_MADE = """
SELECT seq AS id, LPAD(seq, 36, '0') AS event_id, CAST({start} + FLOOR(seq * {step}) AS INTEGER) AS timestamp_us,
  action,
  IF(action = 'auth:fail', 'system', 'file') AS resource_type, MD5(seq DIV 3) AS resource_id, status,
  IF(status = 'failed', ELT(1 + FLOOR({r4} * 5),
      'file_too_large', 'invalid_file_type', 'storage_full', 'network_error', 'not_found'),
    IF(status = 'denied', 'auth_unknown', '')) AS error_type,
  IF({r5} < 0.5, 1 + client % 5000, 0) AS user_id, IF({r5} < 0.5, 'somebody', '') AS username, 0 AS token_id,
  INET_NTOA(167772160 + client) AS ip_address,
  UNHEX(CONCAT('00000000000000000000FFFF', LPAD(HEX(167772160 + client), 8, '0'))) AS address,
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0' AS user_agent,
  CONCAT('req_', MD5(seq + 5)) AS request_id,
  ELT(1 + FLOOR({r6} * 6),
    'image/jpeg', 'image/png', 'application/pdf', 'text/plain', 'video/mp4', 'application/zip') AS file_type,
  CAST(POW(10, 3 + 4 * {r7}) AS INTEGER) AS file_size, CAST(POW(10, 3 + 3.5 * {r8}) AS INTEGER) AS duration_us,
  'none' AS cache, 1 AS `count`, '{{"filename":"holiday in the mountains.jpg"}}' AS details,
  1 + (seq - 1) DIV {block_rows} AS block_id
FROM (SELECT seq, CAST(FLOOR({clients} * POW({r1}, {skew})) AS INTEGER) AS client,
    CASE WHEN {r2} < 0.3 THEN 'file:upload' WHEN {r2} < 0.65 THEN 'file:download' WHEN {r2} < 0.9 THEN 'file:view'
      WHEN {r2} < 0.95 THEN 'file:list' ELSE 'auth:fail' END AS action,
    IF({r2} >= 0.95, 'denied', IF({r3} < 0.03, 'failed', 'success')) AS status
  FROM seq_{first}_to_{last}) AS drawn
"""
_TOTALS = """
INSERT INTO audit_totals (action, status, hour, row_count)
SELECT action, status, timestamp_us DIV 3600000000 AS hour, COUNT(*) FROM audit_log GROUP BY action, status, hour
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
        return [*kept, f"{pool}{self._pool_mib}M", f"{log}1G", "--innodb-sort-buffer-size=64M"]

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
    _warm(parts)
    parts.journal.prepare()
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
        "LOG_LEVEL": "ERROR",
    }


def make_history(parts: Parts, size: Size) -> None:
    """Fill an empty log: rows without indexes first, then the indexes, then seals over what is there, then sums."""
    indexes = _without_indexes(parts)
    mac = _mac_in_sql(parts)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(partial(_make, parts, size, mac), range(1, size.rows + 1, _CHUNK)))
    _run(parts, f"ALTER TABLE audit_log {', '.join(indexes)}")
    _seal(parts, size.rows)
    _run(parts, _TOTALS)
    began = time.perf_counter()
    parts.rebuild.run()
    seconds = time.perf_counter() - began
    print(f"  sums rebuilt: {size.rows / seconds:,.0f} rows/s ({seconds:,.1f} s)", flush=True)


def _without_indexes(parts: Parts) -> list[str]:
    """Drop the log's secondary indexes; the clauses that add them again."""
    table = audit_log
    unique = _run(parts, "SHOW INDEX FROM audit_log WHERE Column_name = 'event_id'")[0].Key_name
    columns = {index.name: [column.name for column in index.columns] for index in table.indexes}
    _run(parts, f"ALTER TABLE audit_log {', '.join(f'DROP INDEX {name}' for name in (unique, *columns))}")
    clauses = [f"ADD INDEX {name} ({', '.join(names)})" for name, names in columns.items()]
    return [f"ADD UNIQUE INDEX {unique} (event_id)", *clauses]


def _make(parts: Parts, size: Size, mac: str, first: int) -> None:
    last = min(first + _CHUNK - 1, size.rows)
    span_us = size.days * DAY_US
    chances = {f"r{number}": _CHANCE.format("abcdefgh"[number - 1]) for number in range(1, 9)}
    made = _MADE.format(
        first=first,
        last=last,
        start=now_us() - span_us,
        step=span_us / size.rows,
        clients=size.clients,
        skew=size.skew,
        block_rows=BLOCK_ROWS,
        **chances,
    )
    names = [column.name for column in audit_log.c if column.name not in ("mac", *EXTENSION)]
    listed = ", ".join(f"`{name}`" for name in names)
    chosen = f"SELECT {listed}, {mac} FROM ({made}) AS audit_log"  # noqa: S608 - all of it is ours
    _run(parts, f"INSERT INTO audit_log ({listed}, mac) {chosen}")


def _mac_in_sql(parts: Parts) -> str:
    """HMAC-SHA-256 over the canonical columns, as MariaDB computes it."""
    key = SEAL_KEY.encode().ljust(64, b"\0")
    inner, outer = (bytes(octet ^ pad for octet in key).hex() for pad in (0x36, 0x5C))
    canonical: Any = parts.database.dialect.length_prefixed(canonical_columns())
    sql = canonical.compile(dialect=mysql.dialect(), compile_kwargs={"literal_binds": True})
    return f"SHA2(CONCAT(X'{outer}', UNHEX(SHA2(CONCAT(X'{inner}', {sql}), 256))), 256)"


def _seal(parts: Parts, rows: int) -> None:
    """Seal the blocks that the rows already name."""
    seals, previous, number = Seals(SEAL_KEY.encode()), FIRST_SEAL, 0
    last_block = -(-rows // BLOCK_ROWS)
    columns = (audit_log.c.block_id, audit_log.c.id, audit_log.c.timestamp_us, sealed_column(parts.database))
    with ThreadPoolExecutor(1) as pool:
        read = partial(_read, parts, select(*columns))
        following = pool.submit(read, 1)
        while number < last_block:
            found = following.result()
            following = pool.submit(read, number + _BLOCKS_AT_ONCE + 1)
            blocks = []
            for start in range(0, len(found), BLOCK_ROWS):
                group = found[start : start + BLOCK_ROWS]
                number = group[0][0]
                moments = [row[2] for row in group]
                ids = group[0][1], group[-1][1]
                block = Block(number, *ids, len(group), min(moments), max(moments), now_us())
                previous = seals.seal(previous, block, b"".join([row[3] for row in group]))
                blocks.append({**asdict(block), "seal": previous, "stub": ""})
            with parts.database.begin() as connection:
                connection.execute(insert(audit_blocks), blocks)
    with parts.database.begin() as connection:
        connection.execute(update(audit_chain).values(number=number, seal=previous))


def _read(parts: Parts, columns: Any, first_block: int) -> list[Any]:
    first, last = (first_block - 1) * BLOCK_ROWS + 1, (first_block - 1 + _BLOCKS_AT_ONCE) * BLOCK_ROWS
    statement = columns.where(audit_log.c.id.between(first, last)).order_by(audit_log.c.id)
    return list(parts.database.rows(statement))


def _run(parts: Parts, statement: str) -> list[Any]:
    with parts.database.begin() as connection:
        connection.exec_driver_sql("SET SESSION unique_checks = 0, foreign_key_checks = 0")
        result = connection.exec_driver_sql(statement.replace("%", "%%"))
        return list(result) if result.returns_rows else []


_HEAD = select(audit_chain.c.number)
