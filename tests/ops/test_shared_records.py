"""Recorded series tell the same numbers as the counters behind them, and are recorded because several panels ask."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from filewallball.ops.artifacts import host_settings
from filewallball.ops.dashboards import dashboards
from filewallball.ops.promql import increase
from filewallball.ops.shared_records import ANSWERS, ERRORS, FILE_SIZES, SHARED
from tests.ops.promtool import expect, shared_rules

_AT = 'job="filewallball",instance="a:8000"'
_WATCHED = {f"up{{{_AT}}}": "1x80", f"counters_start_time_seconds{{{_AT}}}": "-9000x80"}
_ERROR = f'errors_total{{error_type="storage_full",endpoint="/upload",{_AT}}}'
_OTHER = f'errors_total{{error_type="storage_full",endpoint="/upload/<filename>",{_AT}}}'


@dataclass(frozen=True)
class History:
    """Samples every 15 seconds, and the events between 5 and 10 minutes."""

    series: dict[str, str]
    expected: float
    others: dict[str, str]


HISTORIES = {
    "one event": History({_ERROR: "7x30 8x50"}, 1, _WATCHED),
    "an event in each scrape, on two routes": History({_ERROR: "0+1x80", _OTHER: "0+2x80"}, 60, _WATCHED),
    "the first burst of a series": History({_ERROR: "_x30 59x50"}, 59, _WATCHED),
    "a burst and what follows it": History({_ERROR: "_x30 59 60 61x48"}, 61, _WATCHED),
    "none": History({_ERROR: "100x80"}, 0, _WATCHED),
    "a restart": History(
        {_ERROR: "100x28 3x52"},
        3,
        {**_WATCHED, f"counters_start_time_seconds{{{_AT}}}": "-9000x28 420x52"},
    ),
    "a gap in the scrapes": History(
        {_ERROR: "100x24 stale _x3 100x52"},
        0,
        {**_WATCHED, f"up{{{_AT}}}": "1x24 0x4 1x52"},
    ),
}


@pytest.mark.server
@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_a_recorded_series_counts_what_the_counter_counts(tmp_path: Path, history: History) -> None:
    found = f"round(sum {ERRORS.increase('5m', _AT)}, 0.001)"

    expect(tmp_path, {**history.series, **history.others}, found, "10m5s", history.expected, shared_rules())
    raw = f"round(sum {increase('errors_total', '5m')} or vector(0))"
    expect(tmp_path, {**history.series, **history.others}, raw, "10m5s", history.expected)


@pytest.mark.server
@pytest.mark.parametrize(("window", "expected"), [("1m", 0.2), ("5m", 0.2), ("10m", 0.2)])
def test_a_recorded_rate_is_of_each_second_whatever_the_window(
    tmp_path: Path, window: str, expected: float
) -> None:
    series = {f'flask_http_request_total{{method="GET",status="200",{_AT}}}': "0+3x80", **_WATCHED}
    found = f"round(sum {ANSWERS.per_second(window, _AT)}, 0.001)"

    expect(tmp_path, series, found, "15m5s", expected, shared_rules())


@pytest.mark.server
def test_a_quantile_of_what_is_recorded_is_that_of_the_histogram(tmp_path: Path) -> None:
    bucket = f'file_size_bytes_bucket{{file_type="text/plain",{_AT},le='
    series = {f'{bucket}"1024"}}': "0+1x80", f'{bucket}"+Inf"}}': "0+1x80", **_WATCHED}

    expect(tmp_path, series, FILE_SIZES.quantile(0.5, "5m", _AT), "15m5s", 512, shared_rules())


def test_each_recorded_series_is_read_more_than_once() -> None:
    queries = [
        target["expr"]
        for dashboard in dashboards(host_settings({}))
        for panel in json.loads(dashboard.render("runbook"))["panels"]
        for target in panel.get("targets", [])
    ]

    assert {each.name: "\n".join(queries).count(each.name) > 1 for each in SHARED} == {
        each.name: True for each in SHARED
    }
