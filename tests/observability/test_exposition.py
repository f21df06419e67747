"""A scrape is always 200 with all that can be read, in the format that was asked for."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from filewallball.observability.exposition import OPENMETRICS, TEXT, preferred
from filewallball.observability.metric_store.slots import Slots
from filewallball.recording.event import Event
from tests.fixtures.metrics import Bench, bench_in
from tests.observability.metric_store.test_metric_file import DAMAGES
from tests.observability.scrape import names_of, samples_of, total_of, value_of

Make = Callable[..., Event]
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;q=0.75,application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=0.0.4;q=0.25,*/*;q=0.1"
)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, TEXT),
        ("", TEXT),
        ("*/*", TEXT),
        ("text/html,application/xhtml+xml,*/*;q=0.8", TEXT),
        ("application/openmetrics-text", OPENMETRICS),
        (PROMETHEUS, OPENMETRICS),
        ("text/plain;version=0.0.4;q=1,application/openmetrics-text;q=0.1", TEXT),
        ("application/openmetrics-text;q=0, */*", TEXT),
        ("application/openmetrics-text;version=two.point.zero;escaping=???", OPENMETRICS),
        ("application/json", TEXT),
        (";;;,,q=", TEXT),
    ],
)
def test_the_accept_header_chooses_the_format(accept: str | None, content_type: str) -> None:
    assert preferred(accept) == content_type


def test_both_formats_say_the_same(bench: Bench, event: Make) -> None:
    bench.metrics.record(event("file:upload", file_type="image/png", file_size=3, duration_us=5))
    text, _ = bench.exposition.render(None)
    open_text, _ = bench.exposition.render("application/openmetrics-text")
    assert open_text.endswith("# EOF\n")
    assert samples_of(text) == samples_of(open_text)


def test_only_the_named_samples_are_sent(bench: Bench, event: Make) -> None:
    bench.metrics.record(event("file:upload", file_size=3, duration_us=5))
    bench.exposition.register("storage_free_bytes", lambda: 7)
    names = ["file_uploads_total", "file_size_bytes_sum", "storage_free_bytes", "no_such_thing"]
    text, _ = bench.exposition.render(None, names)
    assert names_of(samples_of(text)) == set(names[:3])


def test_a_reader_that_fails_takes_only_its_own_gauge_away(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.exposition.register("storage_free_bytes", lambda: 1 / 0)
    bench.exposition.register("storage_size_bytes", lambda: 9)
    samples = bench.scrape()
    assert value_of(samples, "storage_size_bytes") == 9
    assert "storage_free_bytes" not in names_of(samples)
    assert "ZeroDivisionError" in caplog.text


def test_only_gauges_of_the_contract_can_be_registered(bench: Bench) -> None:
    with pytest.raises(KeyError):
        bench.exposition.register("made_up", lambda: 1)
    with pytest.raises(ValueError, match="file_uploads_total"):
        bench.exposition.register("file_uploads_total", lambda: 1)


@pytest.mark.parametrize("kind", ["counter", "histogram", "gauge_livesum"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_dead_slots_damaged_file_is_put_aside_and_counted(
    tmp_path: Path, event: Make, damage: Callable[[Path], None], kind: str
) -> None:
    dead, alive = bench_in(tmp_path), bench_in(tmp_path)
    for bench in (dead, alive):
        bench.metrics.record(event("file:upload", file_type="text/plain", duration_us=1))
        bench.metrics.set("active_connections", 1)
    dead.slots.release()
    victim = dead.directory / f"{kind}_0.db"
    damage(victim)
    samples = alive.scrape()
    assert total_of(samples, "file_uploads_total") >= 1
    assert total_of(samples, "file_size_bytes_count") >= 1
    assert value_of(samples, "active_connections") >= 1
    assert not victim.exists()
    assert victim.with_suffix(".bad").exists()
    assert value_of(alive.scrape(), "metric_files_unreadable_total") == 1


def test_a_live_slots_damaged_file_is_passed_over_until_its_next_owner_replaces_it(
    tmp_path: Path, event: Make
) -> None:
    first, second = bench_in(tmp_path), bench_in(tmp_path)
    for bench in (first, second):
        bench.metrics.record(event("file:upload"))
    victim = first.directory / "counter_0.db"
    DAMAGES[0](victim)
    assert total_of(second.scrape(), "file_uploads_total") == 1
    assert victim.exists()
    successor = first.again()
    successor.metrics.record(event("file:upload"))
    samples = successor.scrape()
    assert total_of(samples, "file_uploads_total") == 2
    assert value_of(samples, "metric_files_unreadable_total") == 2


def test_a_foreign_file_is_put_aside(bench: Bench) -> None:
    bench.metrics.prepare()
    (bench.directory / "counter.db").write_bytes(b"something else")
    (bench.directory / "notes.txt").write_text("not ours, not a .db, left alone")
    bench.scrape()
    assert sorted(path.name for path in bench.directory.glob("[!gh]*")) == [
        "counter.bad",
        "counter_0.db",
        "notes.txt",
    ]
    assert value_of(bench.scrape(), "metric_files_unreadable_total") == 1


def test_a_missing_folder_is_an_empty_scrape(bench: Bench) -> None:
    assert bench.scrape() == {}


def test_an_exposition_without_metrics_in_its_own_process_reads_those_of_others(
    tmp_path: Path, event: Make
) -> None:
    bench_in(tmp_path).metrics.record(event("file:upload"))
    reader = bench_in(tmp_path)
    assert total_of(reader.scrape(), "file_uploads_total") == 1
    assert reader.slots.held() is None
    assert list(Slots(tmp_path / "slots").unlocked()) == []


def test_a_scrape_compresses_well(bench: Bench) -> None:
    bench.metrics.prepare()
    text, _ = bench.exposition.render(None)
    assert len(gzip.compress(text.encode(), 1)) < len(text) / 5
