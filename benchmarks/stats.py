"""The cost of statistics on MariaDB: each answer's time over a small and a large log, in turns, the sealer's pace, the
size of the sums, and how near the quantiles are to the exact ones.

`python -m benchmarks.stats` takes minutes; `--rows 10000000` is the size that the targets are about. Rows are made by
the server itself, already sealed and added up; only the rows for the sealer's pace go through it. With `--keep FOLDER`
all of that stays there for the next run.
"""

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from benchmarks.history import DAYS, LargeMariaDB, Size, open_history, service_settings
from filewallball.clock import now_us
from filewallball.recording.event import Event
from harness.parts import Parts, put_on_record
from harness.servers import Service
from harness.servers.mariadb import database_name

_PATHS = {
    "metrics/detailed": "/api/v1/metrics/detailed",
    "upload/statistics": "/api/v1/upload/statistics/10.0.0.7",
    "upload/errors": "/api/v1/upload/errors",
    "stats/clients": "/api/v1/stats/clients",
}
_TARGETS_MS = {"metrics/detailed": 50, "upload/statistics": 50, "upload/errors": 50, "stats/clients": 500}


def main() -> None:
    """Print every figure at both sizes."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="filewallball-stats-") as name:
        folder = options.keep or Path(name)
        server = LargeMariaDB(folder / "server", options.pool)
        server.start()
        try:
            with ExitStack() as stack:
                sizes = (options.small, options.rows)
                services = [stack.enter_context(_service(server, folder, rows, options)) for rows in sizes]
                for name in _PATHS:
                    _compare(name, services, options.requests)
        finally:
            server.stop()


def _compare(name: str, services: list[Service], requests: int) -> None:
    """Print the times of an answer over the small and the large log, in turns; a new block before each third."""
    times = [
        [_time_answer(service, _PATHS[name], with_news=number % 3 == 0) for service in services]
        for number in range(requests + 5)
    ]
    small, large = ([first, *_quantiles(others[4:])] for first, *others in zip(*times, strict=True))
    print(f"\n{name:<20} {'first':>8} {'p50':>8} {'p95':>8}   target {_TARGETS_MS[name]} ms, ratio 1.5")
    for label, found in (("  small log, ms", small), ("  large log, ms", large)):
        print(f"{label:<20} {found[0]:>8.1f} {found[1]:>8.1f} {found[2]:>8.1f}")
    ratios = [more / less for less, more in zip(small, large, strict=True)]
    print(f"{'  ratio':<20} {ratios[0]:>8.2f} {ratios[1]:>8.2f} {ratios[2]:>8.2f}", flush=True)


def _quantiles(times: list[float]) -> list[float]:
    """The p50 and the p95."""
    twentieths = statistics.quantiles(times, n=20)
    return [twentieths[9], twentieths[18]]


@contextmanager
def _service(server: LargeMariaDB, folder: Path, rows: int, options: argparse.Namespace) -> Iterator[Service]:
    """A service over a log of that size, after its other figures are printed."""
    print(f"\n{rows:,} rows, {options.clients:,} clients, {options.days} days", flush=True)
    size = Size(rows, options.clients, options.days, options.skew)
    data_dir = folder / f"rows_{rows}"
    parts = open_history(server, data_dir, size)
    parts.shipper.ship()  # what an earlier run may have left behind would be in one figure and not in the next
    parts.sealer.run()
    _print_sizes(server, parts.settings.database_url)
    if rows == options.rows:  # the small log stays small
        _timed("sealed", options.sealed_rows, lambda: _append_and_seal(parts, options.sealed_rows, options))
    service = Service(folder / f"service_{rows}", service_settings(parts))
    service.start()
    try:
        if rows == options.rows:  # among a few hundred rows, one more moves a quantile far
            _print_quantiles(service, parts)
        yield service
    finally:
        service.kill()


def _append_and_seal(parts: Parts, rows: int, options: argparse.Namespace) -> float:
    """Seconds that the sealer needed; appending is not its work."""
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
        put_on_record(parts, events)
    began = time.perf_counter()
    parts.sealer.run()
    return time.perf_counter() - began


def _timed(what: str, rows: int, work: Any) -> None:
    began = time.perf_counter()
    own = work()
    seconds = own if isinstance(own, float) else time.perf_counter() - began
    print(f"  {what:<22} {rows / seconds:>12,.0f} rows/s   ({seconds:.1f} s)", flush=True)


def _print_sizes(server: LargeMariaDB, url: str) -> None:
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


def _print_quantiles(service: Service, parts: Parts) -> None:
    """The seconds that the answer gives against the exact order statistic of the same 24 hours."""
    found = service.request("GET", _PATHS["metrics/detailed"]).json()["performance_metrics"]
    since = (now_us() // 3_600_000_000 - 24) * 3_600_000_000
    timed = f"FROM audit_log WHERE timestamp_us >= {since} AND duration_us > 0 AND ip_address <> ''"

    def exact(connection: Any, share: float) -> float:
        count = connection.execute(text(f"SELECT COUNT(*) {timed}")).scalar_one()
        rank = max(0, math.ceil(share * count) - 1)
        ordered = f"SELECT duration_us {timed} ORDER BY duration_us LIMIT 1 OFFSET {rank}"
        return float(connection.execute(text(ordered)).scalar_one() / 1e6)

    for name, share in (("p95", 0.95), ("p99", 0.99)):
        with parts.database.read() as connection:
            truth = exact(connection, share)
        told = found[f"response_time_{name}"]
        print(f"  {name} {told:.4f} s, exactly {truth:.4f} s: off by {100 * abs(told - truth) / truth:.2f} %")


def _time_answer(service: Service, path: str, *, with_news: bool) -> float:
    """Milliseconds; after a new row, what was remembered does not last."""
    if with_news:
        service.request("GET", "/download/unknown")
    began = time.perf_counter()
    answer = service.request("GET", path)
    seconds = time.perf_counter() - began
    assert answer.status_code == 200, answer.text
    return 1000 * seconds


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="audit rows of the large log")
    parser.add_argument("--small", type=int, default=10_000, help="audit rows of the small log")
    parser.add_argument("--clients", type=int, default=100_000)
    parser.add_argument(
        "--skew", type=float, default=3.0, help="1 = all clients do the same; more = few do most"
    )
    parser.add_argument("--days", type=int, default=DAYS, help="how long the log reaches back")
    parser.add_argument("--requests", type=int, default=100, help="requests timed for each answer")
    parser.add_argument("--sealed-rows", type=int, default=20_000, help="rows for the digest's pace")
    parser.add_argument("--pool", type=int, default=4096, help="MariaDB's buffer pool, MiB")
    parser.add_argument("--keep", type=Path, help="a folder for the databases, kept for the next run")
    return parser.parse_args()


if __name__ == "__main__":
    main()
