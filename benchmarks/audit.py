"""The cost of the audit log: writing and shipping its journal, sealing, verifying, and asking it with many rows.

`python -m benchmarks.audit --rows 10000000 --pool 6144` fills a private MariaDB first, which takes a while; with
`--keep FOLDER` it stays there for the next run. The default takes minutes.
"""

import argparse
import random
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from uuid_utils import uuid7

from benchmarks.history import DAY_US, DAYS, LargeMariaDB, Size, open_history, service_settings
from filewallball.audit.filters import AuditFilter
from filewallball.audit.queries import list_events
from filewallball.clock import now_us
from filewallball.recording.event import Event
from filewallball.recording.tables import audit_log
from filewallball.web import paging
from harness.parts import Parts
from harness.servers import Service
from harness.waiting import wait_until

_ACTIONS = (
    *["file:download"] * 50, *["file:upload"] * 15, *["file:list"] * 15, *["file:view"] * 12, *["file:delete"] * 4,
    *["auth:fail"] * 3, "token:create",
)  # fmt: skip
_CLIENTS, _PAUSE_MS = 8, 35
"""Connections that ask, and how long each rests between two requests: about 200 requests/s in all."""
_ERRORS = ("not_found", "file_too_large", "network_error", "storage_full", "invalid_file_type")


def main() -> None:
    """Print every figure with its target."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder, _parts(options.keep or Path(folder), options) as parts:
        parts.sealer.run()
        _report_journal(parts, options.lines)
        _rate("shipping", options.lines, 8_000, parts.shipper.ship)
        _rate("digest with statistics", parts.sealer.count(), 6_000, parts.sealer.run)
        _report_shipping_under_load(parts, options.lines)
        _rate("verify", options.rows, 100_000, lambda: _must_be_intact(parts))
        _report_queries(parts, options.runs)


@contextmanager
def _parts(folder: Path, options: argparse.Namespace) -> Iterator[Parts]:
    server = LargeMariaDB(folder / "server", options.pool)
    server.start()
    try:
        yield open_history(server, folder / f"rows_{options.rows}", Size(options.rows))
    finally:
        server.stop()


def _report_journal(parts: Parts, count: int) -> None:
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


def _report_shipping_under_load(parts: Parts, count: int) -> None:
    """Report how fast a service ships and seals a backlog, while its two workers answer paced requests."""
    for _ in range(count):
        event = _event(now_us())
        parts.journal.opened(event)
        parts.journal.closed(event)
    parts.journal.close()
    data_dir = parts.settings.data_dir
    service = Service(data_dir.parent / f"service_{data_dir.name}", service_settings(parts))
    load: subprocess.Popen[str] | None = None
    left_behind = _last_id(parts) + count
    service.start()
    try:
        answer = service.request("POST", "/upload", files={"file": ("a.txt", b"something to fetch")})
        url = f"{service.url}/download/{answer.json()['file_id']}"
        pace = data_dir / "pace.lua"
        pace.write_text(f"function delay() return {_PAUSE_MS} end")
        first, began = _last_id(parts), time.perf_counter()
        load = subprocess.Popen(
            ["wrk", "-t1", f"-c{_CLIENTS}", "-d600s", "-s", str(pace), url], stdout=subprocess.PIPE, text=True
        )
        wait_until(lambda: _last_id(parts) >= left_behind, seconds=300, what="all is shipped")
        rate = (_last_id(parts) - first) / (time.perf_counter() - began)
    finally:
        if load is not None:
            load.send_signal(signal.SIGINT)
            told, _ = load.communicate()
        service.kill()
    assert "Non-2xx" not in told, told
    found = re.search(r"Requests/sec:\s+([\d.]+)", told)
    assert found is not None, told
    _tell_rate(f"shipping under {float(found[1]):,.0f} requests/s", rate, 4_000)


def _last_id(parts: Parts) -> int:
    newest = select(func.max(audit_log.c.id))
    return int(parts.database.scalar(newest))


def _must_be_intact(parts: Parts) -> None:
    report = parts.verification.verifier().verify()
    assert report.is_intact, report.findings


def _report_queries(parts: Parts, runs: int) -> None:
    start = now_us() - DAYS * DAY_US
    middle = start + DAYS * DAY_US // 2
    (example,) = list_events(parts.database, AuditFilter(date_to=middle), size=1, with_total=False).rows
    filters = {
        "no filter": AuditFilter(),
        "user_id": AuditFilter(user_id=17),
        "action, full": AuditFilter(action="file:upload"),
        "action, verb": AuditFilter(action="read"),
        "resource_type": AuditFilter(resource_type="system"),
        "status": AuditFilter(status="failed"),
        "dates": AuditFilter(date_from=middle, date_to=middle + 7 * DAY_US + 1234),
        "ip_address": AuditFilter(ip_address=ip_network("10.0.3.7")),
        "network": AuditFilter(ip_address=ip_network("10.0.3.0/24")),
        "large network": AuditFilter(ip_address=ip_network("10.0.0.0/8")),
        "request_id": AuditFilter(request_id=example.request_id),
        "resource_id": AuditFilter(resource_id=example.resource_id),
        "error_type": AuditFilter(error_type="storage_full"),
        "dates, action and status": AuditFilter(
            date_from=middle, date_to=middle + 7 * DAY_US, action="file:upload", status="failed"
        ),
        "user, action, status, dates": AuditFilter(
            date_from=middle, date_to=middle + 7 * DAY_US, action="create", status="failed", user_id=17
        ),
    }
    for name, wanted in filters.items():
        for with_total, target in ((False, 50), (True, 300)):
            seconds = _timed(runs, partial(list_events, parts.database, wanted, with_total=with_total))
            suffix = "with total" if with_total else "first page"
            _tell(f"{name}, {suffix}, p95", _quantile(seconds, 0.95) * 1e3, "ms", target)
    for share in (0.1, 0.5, 0.9):
        at = paging.encode(start + int(DAYS * DAY_US * share), 1 << 60)
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
    _tell_rate(name, rows / (time.perf_counter() - began), target)


def _tell_rate(name: str, rate: float, target: float) -> None:
    report = "reached" if rate >= target else "missed"
    print(f"{name:<48} {rate:>12,.0f} rows/s  target {target:>9,.0f}  {report}", flush=True)


def _tell(name: str, value: float, unit: str, target: float) -> None:
    report = "reached" if value <= target else "missed"
    print(f"{name:<48} {value:>12,.2f} {unit:<6}  target {target:>9,.0f}  {report}", flush=True)


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="rows of the log")
    parser.add_argument(
        "--lines", type=int, default=40_000, help="operations written to the journal and shipped"
    )
    parser.add_argument("--runs", type=int, default=40, help="times each question is asked")
    parser.add_argument("--pool", type=int, default=1024, help="MariaDB's buffer pool, MiB")
    parser.add_argument("--keep", type=Path, help="a folder for the database, kept for the next run")
    return parser.parse_args()


if __name__ == "__main__":
    main()
