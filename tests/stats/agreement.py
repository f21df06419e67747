"""Comparing every statistic with a plain recount of the audit log, both read in one snapshot."""

from dataclasses import asdict
from typing import Any

import pytest

from filewallball.clock import now_us
from filewallball.stats.calendar import day_of
from filewallball.stats.clients import ORDERS, rank_clients
from filewallball.stats.detailed import detailed_metrics
from filewallball.stats.snapshot import Snapshot, Statistics
from filewallball.stats.uploads import client_uploads, upload_errors
from filewallball.web.paging import Total
from harness.parts import Parts
from tests.stats import recount

ADDRESSES = ("192.0.2.1", "2001:db8::1", "203.0.113.99")


def check(parts: Parts, statistics: Statistics, *, days: tuple[int, ...] = (1, 3, 30)) -> int:
    """Assert it for every answer; returns how many rows there were."""

    def work(snapshot: Snapshot) -> int:
        rows = recount.all_rows(snapshot.connection)
        for period in days:
            _check(parts, snapshot, rows, period)
        return len(rows)

    return statistics.at_once(work)


def _check(parts: Parts, snapshot: Snapshot, rows: list[Any], days: int) -> None:
    now = now_us()
    today = day_of(now)
    for address in ADDRESSES:
        expected = recount.client_uploads(rows, address, today, days)
        assert asdict(client_uploads(snapshot, address, today, days)) == expected
    assert asdict(upload_errors(snapshot, today, days)) == recount.upload_errors(rows, today, days)
    for order in ORDERS:
        ranking = recount.clients(rows, today, days, order)
        for page in (1, 2):
            found = rank_clients(snapshot, today, days, order=order, page=page, size=7)
            assert found.total == Total(len(ranking))
            assert [asdict(use) for use in found.rows] == ranking[(page - 1) * 7 : page * 7]
    _check_detailed(parts, snapshot, rows, now, days)


def _check_detailed(parts: Parts, snapshot: Snapshot, rows: list[Any], now: int, days: int) -> None:
    expected = recount.detailed(rows, now, days)
    found = detailed_metrics(snapshot, now, days, parts.store.space(), 0)
    flat = {
        **asdict(found.system_metrics),
        **asdict(found.performance_metrics),
        **asdict(found.user_metrics),
        **asdict(found.security_metrics),
    }
    assert flat["response_time_p95"] == pytest.approx(expected.pop("p95"), rel=0.02, abs=1e-6)
    assert flat["response_time_p99"] == pytest.approx(expected.pop("p99"), rel=0.02, abs=1e-6)
    stock = flat.pop("files_by_type")
    assert {name: count for name, count in stock.items() if count} == expected.pop("files_by_type")
    assert {name: flat[name] for name in expected} == expected
