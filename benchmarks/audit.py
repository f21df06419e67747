"""What the audit log costs: writing and shipping its journal, sealing, verifying, and asking it with many rows.

`python -m benchmarks.audit --rows 10000000 --pool 4096` fills a private MariaDB first; the default takes minutes.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from uuid_utils import uuid7

from filewallball import create_app
from filewallball.audit.filters import AuditFilter
from filewallball.audit.queries import list_events
from filewallball.audit.verification import verifier
from filewallball.clock import now_us
from filewallball.config import load_settings
from filewallball.event import Event
from filewallball.runtime import Runtime, runtime
from filewallball.schema import upgrade
from filewallball.web import cursor
from tests.servers import MariaDB

_DAY = 86_400_000_000
_DAYS = 60
_ACTIONS = (
    *["file:download"] * 50, *["file:upload"] * 15, *["file:list"] * 15, *["file:view"] * 12, *["file:delete"] * 4,
    *["auth:fail"] * 3, "token:create",
)  # fmt: skip
_ERRORS = ("not_found", "file_too_large", "network_error", "storage_full", "invalid_file_type")


def main() -> None:
    """Print every figure with its target."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder, _parts(Path(folder), options) as parts:
        _report_journal(parts, options.lines)
        _report_shipping(parts, options.lines)
        start = now_us() - _DAYS * _DAY
        _rate("loading", options.rows, 0, lambda: _load(parts, start, options.rows))
        waiting = parts.digest.count()
        _rate("digest", waiting, 6_000, parts.digest.run)
        _rate("verify", options.rows, 100_000, lambda: _must_be_intact(parts))
        _report_queries(parts, start, options.runs)


@contextmanager
def _parts(folder: Path, options: argparse.Namespace) -> Iterator[Runtime]:
    server = MariaDB(folder / "server", template=folder / "template").start()
    try:
        server.execute(f"SET GLOBAL innodb_buffer_pool_size = {options.pool * 1024 * 1024}")
        url = server.create_database()
        settings = {"DATA_DIR": str(folder / "data"), "DATABASE_URL": url, "DATABASE_TIMEOUT": "600s"}
        app = create_app(load_settings(settings))
        with app.app_context():
            upgrade()
        runtime(app).journal.prepare()
        yield runtime(app)
    finally:
        server.kill()


def _report_journal(parts: Runtime, count: int) -> None:
    """Open and close, as every operation does."""
    events = [_event(now_us()) for _ in range(count)]
    seconds = []
    for event in events:
        began = time.perf_counter()
        parts.journal.opened(event)
        parts.journal.closed(event)
        seconds.append(time.perf_counter() - began)
    _tell("journal, open and close, median", _quantile(seconds, 0.5) * 1e6, "µs", 25)
    _tell("journal, open and close, p99.9", _quantile(seconds, 0.999) * 1e3, "ms", 5)


def _report_shipping(parts: Runtime, count: int) -> None:
    _rate("shipping", count, 8_000, parts.shipper.ship)


def _load(parts: Runtime, start: int, count: int) -> None:
    step = _DAYS * _DAY // count
    for first in range(0, count, 2000):
        batch = [_event(start + number * step) for number in range(first, min(count, first + 2000))]
        with parts.database.begin() as connection:
            parts.ledger.trail.append_once(connection, batch)


def _must_be_intact(parts: Runtime) -> None:
    verdict = verifier(parts).verify()
    assert verdict.is_intact, verdict.findings


def _report_queries(parts: Runtime, start: int, runs: int) -> None:
    middle = start + _DAYS * _DAY // 2
    (example,) = list_events(parts.database, AuditFilter(date_to=middle), size=1, with_total=False).rows
    filters = {
        "no filter": AuditFilter(),
        "user_id": AuditFilter(user_id=17),
        "action, full": AuditFilter(action="file:upload"),
        "action, verb": AuditFilter(action="read"),
        "resource_type": AuditFilter(resource_type="user"),
        "status": AuditFilter(status="failed"),
        "dates": AuditFilter(date_from=middle, date_to=middle + 7 * _DAY + 1234),
        "ip_address": AuditFilter(ip_address=ip_network("10.0.3.7")),
        "network": AuditFilter(ip_address=ip_network("10.0.3.0/24")),
        "large network": AuditFilter(ip_address=ip_network("10.0.0.0/8")),
        "request_id": AuditFilter(request_id=example.request_id),
        "resource_id": AuditFilter(resource_id=example.resource_id),
        "error_type": AuditFilter(error_type="storage_full"),
        "dates, action and status": AuditFilter(
            date_from=middle, date_to=middle + 7 * _DAY, action="file:upload", status="failed"
        ),
        "user, action, status, dates": AuditFilter(
            date_from=middle, date_to=middle + 7 * _DAY, action="create", status="failed", user_id=17
        ),
    }
    for name, wanted in filters.items():
        for with_total, target in ((False, 50), (True, 300)):
            seconds = _timed(runs, partial(list_events, parts.database, wanted, with_total=with_total))
            suffix = "with total" if with_total else "first page"
            _tell(f"{name}, {suffix}, p95", _quantile(seconds, 0.95) * 1e3, "ms", target)
    for share in (0.1, 0.5, 0.9):
        at = cursor.encode(start + int(_DAYS * _DAY * share), 1 << 60)
        ask = partial(list_events, parts.database, AuditFilter(), cursor=at, with_total=False)
        seconds = _timed(runs, ask)
        _tell(f"cursor at {share:.0%} of the log, p95", _quantile(seconds, 0.95) * 1e3, "ms", 50)


def _event(moment: int) -> Event:
    failed = random.random() < 0.05
    action = random.choice(_ACTIONS)
    return Event(
        event_id=str(uuid7()),
        timestamp_us=moment,
        action=action,
        resource_type="user" if action.startswith("token") else "system" if action == "auth:fail" else "file",
        resource_id=f"{random.randrange(100_000):032x}",
        status="denied" if action == "auth:fail" else "failed" if failed else "success",
        error_type="auth_unknown" if action == "auth:fail" else random.choice(_ERRORS) if failed else "",
        user_id=max(0, int(random.gauss(0, 60))),
        username="somebody",
        ip_address=f"10.0.{random.randrange(20)}.{random.randrange(250)}",
        user_agent="Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0",
        request_id=f"req_{random.randbytes(16).hex()}",
        file_type="application/pdf",
        file_size=random.randrange(1_000_000),
        duration_us=random.randrange(1_000_000),
        details='{"filename":"example.pdf","kind":"full"}',
    )


def _timed(runs: int, work: Callable[[], object]) -> list[float]:
    work()
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return seconds


def _rate(name: str, rows: int, target: float, work: Callable[[], Any]) -> None:
    began = time.perf_counter()
    work()
    rate = rows / (time.perf_counter() - began)
    verdict = "" if not target else f"target {target:>9,.0f}  {'reached' if rate >= target else 'missed'}"
    print(f"{name:<48} {rate:>12,.0f} rows/s  {verdict}", flush=True)


def _tell(name: str, value: float, unit: str, target: float) -> None:
    verdict = "reached" if value <= target else "missed"
    print(f"{name:<48} {value:>12,.2f} {unit:<6}  target {target:>9,.0f}  {verdict}", flush=True)


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="rows of the log")
    parser.add_argument(
        "--lines", type=int, default=20_000, help="operations written to the journal and shipped"
    )
    parser.add_argument("--runs", type=int, default=40, help="times each question is asked")
    parser.add_argument("--pool", type=int, default=1024, help="MariaDB's buffer pool, MiB")
    return parser.parse_args()


if __name__ == "__main__":
    main()
