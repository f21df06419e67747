"""What statistics cost on MariaDB: each answer's time over a small and a large audit log, the digest's pace, the size
of the sums, and how near the quantiles are to the exact ones.

`python -m benchmarks.stats` takes minutes; `--rows 10000000` is the size that the targets are about. Rows are made by
the server itself, already sealed, and added up by a rebuild; only the rows for the digest's pace go through it.
"""

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import text

from benchmarks.history import SEAL_KEY, LargeMariaDB
from filewallball import create_app
from filewallball.clock import now_us
from filewallball.config import load_settings
from filewallball.event import Event
from filewallball.runtime import Runtime, runtime
from filewallball.stats.rebuild import Rebuild
from tests.servers import MariaDB, Service
from tests.servers.mariadb import database_name

_CHUNK = 100_000
_PATHS = {
    "metrics/detailed": "/api/v1/metrics/detailed",
    "upload/statistics": "/api/v1/upload/statistics/10.0.0.7",
    "upload/errors": "/api/v1/upload/errors",
    "stats/clients": "/api/v1/stats/clients",
}
_TARGETS_MS = {"metrics/detailed": 50, "upload/statistics": 50, "upload/errors": 50, "stats/clients": 500}
_CHANCE = "(CRC32(CONCAT(seq, '{}')) / 4294967296)"
_FILL = """
INSERT INTO audit_log (event_id, timestamp_us, action, resource_type, resource_id, status, error_type, user_id,
  username, token_id, ip_address, address, user_agent, request_id, file_type, file_size, duration_us, cache, count,
  details, mac, block_id)
SELECT LPAD(seq, 36, '0'), {start} + FLOOR(seq * {step}), action, 'file', MD5(seq), status,
  IF(status = 'failed',
    ELT(1 + FLOOR({r4} * 4), 'file_too_large', 'invalid_file_type', 'storage_full', 'network_error'),
    IF(status = 'denied', 'auth_unknown', '')),
  IF({r5} < 0.5, 1 + client % 5000, 0), '', 0, INET_NTOA(167772160 + client),
  UNHEX(CONCAT('00000000000000000000FFFF', LPAD(HEX(167772160 + client), 8, '0'))),
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', CONCAT('req_', LEFT(MD5(-seq), 24)),
  ELT(1 + FLOOR({r6} * 6),
    'image/jpeg', 'image/png', 'application/pdf', 'text/plain', 'video/mp4', 'application/zip'),
  FLOOR(POW(10, 3 + 4 * {r7})), FLOOR(POW(10, 3 + 3.5 * {r8})), 'none', 1,
  IF(action = 'file:upload',
    '{{"filename":"holiday in the mountains.jpg","file_size":1048576,"mime_type":"image/jpeg"}}', ''),
  SHA2(seq, 256), 1
FROM (SELECT seq, FLOOR({clients} * POW({r1}, {skew})) AS client,
    CASE WHEN {r2} < 0.3 THEN 'file:upload' WHEN {r2} < 0.65 THEN 'file:download' WHEN {r2} < 0.9 THEN 'file:view'
      WHEN {r2} < 0.95 THEN 'file:list' ELSE 'auth:fail' END AS action,
    IF({r2} >= 0.95, 'denied', IF({r3} < 0.03, 'failed', 'success')) AS status
  FROM seq_{first}_to_{last}) AS made
"""


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="filewallball-stats-") as name:
        folder = Path(name)
        server = LargeMariaDB(folder / "mariadb", options.pool)
        server.start()
        try:
            small = _measure(server, folder / "small", options.small, options)
            large = _measure(server, folder / "large", options.rows, options)
        finally:
            server.kill()
    print(f"\n{'answer':<20} {'small p95':>10} {'large p95':>10} {'ratio':>6}   target")
    for path, target in _TARGETS_MS.items():
        ratio = large[path] / small[path]
        print(f"{path:<20} {small[path]:>7.1f} ms {large[path]:>7.1f} ms {ratio:>6.2f}   {target} ms, 1.5")


def _measure(server: MariaDB, folder: Path, rows: int, options: argparse.Namespace) -> dict[str, float]:
    """Everything at one size; the p95 of each answer in milliseconds, a new block before each third request."""
    print(f"\n{rows:,} rows, {options.clients:,} clients, {options.days} days", flush=True)
    url = server.create_database()
    service = Service(folder, {"DATABASE_URL": url, "AUDITSEAL_KEY": SEAL_KEY, "DATABASE_TIMEOUT": "10m"})
    service.cli("prepare")
    app = create_app(load_settings(service.settings))
    parts = runtime(app)
    parts.digest.run()
    _timed("made", rows, lambda: _fill(server, url, rows, options))
    _timed("added up (rebuild)", rows, lambda: Rebuild(parts.database).run())
    _print_sizes(server, url)
    _timed(
        "sealed (digest)", options.digest_rows, lambda: _append_and_seal(parts, options.digest_rows, options)
    )
    _print_quantiles(app)
    with _running(service):
        return {name: _time_answer(service, path, name, options.requests) for name, path in _PATHS.items()}


def _fill(server: MariaDB, url: str, rows: int, options: argparse.Namespace) -> None:
    span_us = options.days * 86_400_000_000
    values: dict[str, Any] = {f"r{number}": _CHANCE.format("abcdefgh"[number - 1]) for number in range(1, 9)}
    values |= {
        "start": now_us() - span_us,
        "step": span_us / rows,
        "clients": options.clients,
        "skew": options.skew,
    }
    for first in range(1, rows + 1, _CHUNK):
        statement = _FILL.format(first=first, last=min(first + _CHUNK - 1, rows), **values)
        server.execute(statement, database=database_name(url))


def _append_and_seal(parts: Runtime, rows: int, options: argparse.Namespace) -> float:
    """Seconds that the digest needed; appending is not its work."""
    for start in range(0, rows, 500):
        events = [
            Event(
                event_id=f"{index:08d}-{now_us()}",
                timestamp_us=now_us(),
                action=("file:upload", "file:download", "file:view")[index % 3],
                resource_type="file",
                ip_address=f"10.0.{index * 7919 % options.clients // 256 % 256}.{index % 256}",
                file_type=("image/jpeg", "image/png", "text/plain")[index % 3],
                file_size=index,
                duration_us=1 + index * 7919 % 3_000_000,
            )
            for index in range(start, min(start + 500, rows))
        ]
        with parts.database.begin() as connection:
            parts.ledger.trail.append_once(connection, events)
    began = time.perf_counter()
    parts.digest.run()
    return time.perf_counter() - began


def _timed(what: str, rows: int, work: Any) -> None:
    began = time.perf_counter()
    own = work()
    seconds = own if isinstance(own, float) else time.perf_counter() - began
    print(f"  {what:<22} {rows / seconds:>12,.0f} rows/s   ({seconds:.1f} s)", flush=True)


def _print_sizes(server: MariaDB, url: str) -> None:
    name = database_name(url)
    server.execute(f"ANALYZE TABLE {name}.audit_log, {name}.usage_client_daily, {name}.daily_seen")
    found = server.execute(
        "SELECT table_schema, table_name, data_length + index_length FROM information_schema.tables"
    )
    sizes = {table: int(size or 0) for schema, table, size in found if schema == name}
    sums = ("usage_", "latency_", "upload_errors", "daily_", "inventory", "expected_")
    rolled = sum(size for table, size in sizes.items() if table.startswith(sums))
    share = 100 * rolled / sizes["audit_log"]
    print(
        f"  sums take {rolled / 2**20:,.1f} MiB, {share:.1f} % of the log's {sizes['audit_log'] / 2**20:,.1f} MiB"
    )


def _print_quantiles(app: Flask) -> None:
    """The seconds that the answer gives against the exact order statistic of the same 24 hours."""
    client = app.test_client()
    found = client.get(_PATHS["metrics/detailed"]).get_json()["performance_metrics"]
    since = (now_us() // 3_600_000_000 - 24) * 3_600_000_000
    timed = f"FROM audit_log WHERE timestamp_us >= {since} AND duration_us > 0 AND ip_address <> ''"

    def exact(connection: Any, share: float) -> float:
        count = connection.execute(text(f"SELECT COUNT(*) {timed}")).scalar_one()
        rank = max(0, math.ceil(share * count) - 1)
        ordered = f"SELECT duration_us {timed} ORDER BY duration_us LIMIT 1 OFFSET {rank}"
        return float(connection.execute(text(ordered)).scalar_one() / 1e6)

    for name, share in (("p95", 0.95), ("p99", 0.99)):
        with runtime(app).database.read() as connection:
            truth = exact(connection, share)
        told = found[f"response_time_{name}"]
        print(f"  {name} {told:.4f} s, exactly {truth:.4f} s: off by {100 * abs(told - truth) / truth:.2f} %")


def _time_answer(service: Service, path: str, name: str, requests: int) -> float:
    """The p95 of requests, while others arrive and are sealed, so that what was remembered does not last."""
    times = []
    for number in range(requests + 5):
        if number % 3 == 0:
            service.request("GET", "/download/unknown")
        began = time.perf_counter()
        answer = service.request("GET", path)
        times.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, answer.text
    first, rest = times[0], sorted(times[5:])
    p95 = rest[math.ceil(0.95 * len(rest)) - 1]
    print(
        f"  {name:<20} p50 {statistics.median(rest):>7.1f} ms, p95 {p95:>7.1f} ms, first {first:>7.1f} ms",
        flush=True,
    )
    return p95


@contextmanager
def _running(service: Service) -> Iterator[None]:
    service.start()
    try:
        yield
    finally:
        service.kill()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="audit rows of the large log")
    parser.add_argument("--small", type=int, default=10_000, help="audit rows of the small log")
    parser.add_argument("--clients", type=int, default=100_000)
    parser.add_argument(
        "--skew", type=float, default=3.0, help="1 = all clients do the same; more = few do most"
    )
    parser.add_argument("--days", type=int, default=30, help="how long the log reaches back")
    parser.add_argument("--requests", type=int, default=100, help="requests timed for each answer")
    parser.add_argument("--digest-rows", type=int, default=20_000, help="rows for the digest's pace")
    parser.add_argument("--pool", type=int, default=4096, help="MariaDB's buffer pool, MiB")
    return parser.parse_args()


if __name__ == "__main__":
    main()
