"""Counting where it cannot be done: switched off, no folder, a full disk. The service goes on."""

import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from filewallball.observability.metric_store.slots import Slots
from filewallball.observability.metrics import Metrics
from filewallball.observability.vocabulary import MEDIA_TYPES, SECONDS
from filewallball.recording.event import Event
from tests.fixtures.metrics import Bench, bench_in
from tests.observability.scrape import exemplars_of, total_of, value_of

Make = Callable[..., Event]


def test_nothing_touches_the_disk_before_the_first_count(tmp_path: Path) -> None:
    Metrics(tmp_path / "metrics", Slots(tmp_path / "slots"), set)
    assert list(tmp_path.iterdir()) == []


def test_disabled_metrics_count_nothing_and_write_nothing(tmp_path: Path, event: Make) -> None:
    metrics = Metrics(tmp_path / "metrics", Slots(tmp_path / "slots"), set, is_enabled=False)
    metrics.record(event("file:upload"))
    metrics.increment("suspicious_uploads_total")
    assert list(tmp_path.iterdir()) == []


def test_an_unusable_folder_stops_the_counting_and_nothing_else(
    tmp_path: Path, event: Make, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "metrics").write_text("in the way")
    bench = bench_in(tmp_path)
    bench.metrics.record(event("file:upload"))
    bench.metrics.record(event("file:upload"))
    assert caplog.text.count("Metrics cannot be kept") == 1
    assert bench.slots.held() == 0


def test_an_unreadable_file_that_cannot_be_set_aside_stops_the_counting_and_nothing_else(
    tmp_path: Path, event: Make, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "metrics" / "counter_0.bad" / "in the way").mkdir(parents=True)
    (tmp_path / "metrics" / "counter_0.db").write_bytes(b"no metrics")
    bench = bench_in(tmp_path)

    bench.metrics.increment("suspicious_uploads_total")
    bench.metrics.record(event("file:upload"))

    assert caplog.text.count("Metrics cannot be kept") == 1


def test_an_event_that_cannot_be_counted_does_not_raise(
    bench: Bench, event: Make, caplog: pytest.LogCaptureFixture
) -> None:
    bench.metrics.record(event("file:upload", file_size="large"))
    assert "could not be counted" in caplog.text


def test_a_full_disk_drops_new_series_counts_that_and_goes_on_with_the_known(
    bench: Bench, event: Make
) -> None:
    bench.metrics.prepare()
    child = os.fork()
    if child == 0:
        size = 256 * 1024
        bench.metrics.prepare()
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        for number in range(3000):
            address = f"10.9.{number % 150}.1"
            bench.metrics.record(
                event("file:upload", file_type=MEDIA_TYPES[number // 60], ip_address=address)
            )
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    samples = bench.scrape()
    assert total_of(samples, "operations_total") == 3000
    missing = 3000 - total_of(samples, "file_uploads_total")
    assert 0 < missing <= value_of(samples, "metric_updates_dropped_total")


def test_a_full_disk_drops_new_exemplars_counts_that_and_counts_the_requests(
    bench: Bench, event: Make
) -> None:
    bench.metrics.prepare()
    child = os.fork()
    if child == 0:
        bench.metrics.prepare()
        types = MEDIA_TYPES[:10]
        for file_type in types:  # the series themselves have room
            bench.metrics.record(event("file:upload", file_type=file_type, duration_us=1))
        size = 48 * 1024
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        for number in range(100):
            duration_us = round(SECONDS[number // 10] * 1e6)
            fields = {"file_type": types[number % 10], "duration_us": duration_us}
            bench.metrics.record(event("file:upload", request_id=f"req_{number:08}", **fields))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    samples = bench.scrape()
    found = exemplars_of(bench.exposition.render("application/openmetrics-text")[0])
    assert total_of(samples, "file_uploads_total") == 110
    assert total_of(samples, "file_upload_duration_seconds_count") == 110
    assert 0 < len(found) == 100 - value_of(samples, "metric_updates_dropped_total") < 100
