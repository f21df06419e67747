"""Increases and rates that count the birth of a series, evaluated by promtool over histories of one counter."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from filewallball.ops.promql import increase, quantile, rate
from tests.ops.promtool import expect

pytestmark = pytest.mark.server

_AT = 'job="filewallball",instance="a:8000"'
_NEW = f'file_uploads_total{{client_ip="203.0.113.5",{_AT}}}'
_WATCHED = {f"up{{{_AT}}}": "1x80", f"counters_start_time_seconds{{{_AT}}}": "-9000x80"}
_NEVER_RESTARTED = {f"counters_start_time_seconds{{{_AT}}}": "-9000x80"}


@dataclass(frozen=True)
class History:
    """Samples every 15 seconds; the increase over 5 minutes at `moment`."""

    series: dict[str, str]
    expected: float | None
    moment: str = "12m"
    others: dict[str, str] = field(default_factory=lambda: _WATCHED)


HISTORIES = {
    "a burst of a new client counts in full": History({_NEW: "_x40 59x40"}, 59),
    "it counts while it is the only sample": History({_NEW: "_x40 59x40"}, 59, "10m15s"),
    "what follows the burst is added": History({_NEW: "_x40 59 60 61x38"}, 61),
    "a burst counts no longer once it is older than the window": History({_NEW: "_x20 59x60"}, 0, "15m"),
    "a series that was there is counted as ever": History({_NEW: "100x40 159x40"}, 59),
    "a series that was there and stands still": History({_NEW: "100x80"}, 0),
    "a restart does not count the old events again": History({_NEW: "100x40 3x40"}, 3),
    "a client that comes back after a restart counts what it did since": History(
        {_NEW: "100x10 _x30 7x40"},
        7,
        others={**_WATCHED, f"counters_start_time_seconds{{{_AT}}}": "-9000x10 600x70"},
    ),
    "the first events of a service that just started count": History(
        {_NEW: "_x40 5x40"},
        5,
        others={f"up{{{_AT}}}": "_x40 1x40", f"counters_start_time_seconds{{{_AT}}}": "_x40 590x40"},
    ),
    "a failed scrape does not make old events new": History(
        {_NEW: "100x27 stale 100x51"},
        0,
        others={**_NEVER_RESTARTED, f"up{{{_AT}}}": "1x27 0 1x51"},
    ),
    "a gap in the scrapes does not make old events new": History(
        {_NEW: "100x10 stale _x28 100x40"},
        0,
        others={**_NEVER_RESTARTED, f"up{{{_AT}}}": "1x10 0x29 1x40"},
    ),
    "an upgraded service that was not scraped for a while goes on with its counts": History(
        {_NEW: "100x10 stale _x28 100x40"},
        0,
        others={
            f"up{{{_AT}}}": "1x10 0x29 1x40",
            f"counters_start_time_seconds{{{_AT}}}": "-9000x80",
            f"process_start_time_seconds{{{_AT}}}": "-9000x10 _x29 590x40",
        },
    ),
    "a Prometheus that just started does not take old events for new ones": History(
        {_NEW: "_x40 100x40"},
        0,
        others={f"up{{{_AT}}}": "_x40 1x40", f"counters_start_time_seconds{{{_AT}}}": "_x40 -9000x40"},
    ),
    "a new series that is reset counts with its peak": History({_NEW: "_x36 59x4 2x40"}, 59),
}


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_increases_count_births_and_nothing_twice(tmp_path: Path, history: History) -> None:
    expect(
        tmp_path,
        {**history.series, **history.others},
        f"sum {increase('file_uploads_total', '5m')}",
        history.moment,
        history.expected,
    )


def test_a_rate_is_the_increase_by_the_seconds_of_the_window(tmp_path: Path) -> None:
    series = {_NEW: "_x40 60x40", **_WATCHED}
    expect(tmp_path, series, f"sum {rate('file_uploads_total', '5m')}", "12m", 0.2)


def test_a_quantile_sees_the_first_observations_of_a_type(tmp_path: Path) -> None:
    name = f'upload_bucket{{file_type="text/csv",{_AT}'
    series = {
        f'{name},le="1"}}': "_x40 0x40",
        f'{name},le="2"}}': "_x40 8x40",
        f'{name},le="+Inf"}}': "_x40 8x40",
    }
    expect(tmp_path, series | _WATCHED, quantile(0.5, "upload_bucket", "5m"), "12m", 1.5)


def test_a_quantile_of_nothing_is_no_value(tmp_path: Path) -> None:
    name = f"upload_bucket{{{_AT}"
    series = {f'{name},le="1"}}': "8x80", f'{name},le="+Inf"}}': "8x80"}
    expect(tmp_path, series | _WATCHED, quantile(0.5, "upload_bucket", "5m"), "12m", None)
