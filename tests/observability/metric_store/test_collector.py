"""The incremental collector says what prometheus_client's collector says, whatever happened to the files since."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, Summary, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from filewallball.observability.metric_store.collector import Collector, additive, metric_files
from filewallball.observability.metric_store.series import Family
from filewallball.observability.metric_store.slots import Slots
from filewallball.observability.metric_store.values import SlotFiles
from harness.stock_metrics import kept_in
from tests.observability.metric_store.test_metric_file import DAMAGED_KEYS, DAMAGES
from tests.observability.scrape import sorted_lines

ODD = ["plain", 'quote"d', "back\\slash", "new\nline", "한국어", "", "a,b=c}", "100 %s"]


class Worker:
    """One process's metrics, in a slot of its own."""

    def __init__(self, folder: Path) -> None:
        self.slots = Slots(folder / "slots")
        self.files = SlotFiles(folder / "metrics", self.slots)
        self._metrics = self._create()

    def touch(self, chance: random.Random, times: int = 50) -> None:
        with kept_in(self.files):
            for _ in range(times):
                plain, labelled, histogram, summary = self._metrics
                plain.inc(chance.random())
                labelled.labels(chance.choice(ODD), str(chance.randrange(30))).inc(
                    chance.choice((0, 1, 2.5, 3_000_000))
                )
                histogram.labels(chance.choice(ODD)).observe(chance.random() * 20)
                summary.labels(chance.choice(ODD)).observe(chance.random())

    def end(self) -> None:
        self.slots.release()

    def _create(self) -> tuple[Counter, Counter, Histogram, Summary]:
        with kept_in(self.files):
            return (
                Counter("plain", "Without labels", registry=None),
                Counter("labelled", 'With "labels" \\ and\nlines', ["text", "number"], registry=None),
                Histogram("sizes", "In buckets", ["text"], registry=None, buckets=(0.5, 1, 5, 10)),
                Summary("times", "Sum and count", ["text"], registry=None),
            )


@pytest.fixture
def worker(tmp_path: Path) -> Callable[[], Worker]:
    (tmp_path / "metrics").mkdir()
    return lambda: Worker(tmp_path)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "metrics"


class Watched:
    """A collector of one folder."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._collector = Collector()

    def collect(self) -> tuple[list[tuple[Family, str]], list[Path]]:
        return self._collector.collect(metric_files(self._directory))


def stock_lines(directory: Path) -> list[str]:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(directory))  # type: ignore[no-untyped-call]
    return sorted_lines(generate_latest(registry).decode())


def own_lines(collector: Watched) -> list[str]:
    families, unreadable = collector.collect()
    assert unreadable == []
    return sorted_lines("".join(lines for _, lines in families))


def test_it_equals_the_stock_collector_through_growth_deaths_and_successors(
    worker: Callable[[], Worker], directory: Path
) -> None:
    chance, collector = random.Random(4), Watched(directory)
    workers = [worker() for _ in range(4)]
    for step in range(12):
        for one in workers:
            one.touch(chance, times=chance.choice((0, 1, 50)))
        if step % 3 == 2:
            workers.pop(chance.randrange(4)).end()
            workers.append(worker())
        assert own_lines(collector) == stock_lines(directory)
        assert own_lines(collector) == stock_lines(directory)
    assert len(additive(metric_files(directory))) == 4 * 3


def test_it_starts_anew_when_the_files_are_reset(worker: Callable[[], Worker], directory: Path) -> None:
    chance, collector = random.Random(5), Watched(directory)
    first = worker()
    first.touch(chance)
    assert own_lines(collector) == stock_lines(directory)
    first.end()
    for path in additive(metric_files(directory)):
        path.unlink()
    worker().touch(chance, times=2)
    assert own_lines(collector) == stock_lines(directory)


def test_nothing_there_is_nothing_said(tmp_path: Path) -> None:
    assert Watched(tmp_path / "none").collect() == ([], [])


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_left_out_before_and_after_it_was_known(
    worker: Callable[[], Worker], directory: Path, damage: Callable[[Path], None]
) -> None:
    chance, collector = random.Random(6), Watched(directory)
    good, bad = worker(), worker()
    good.touch(chance)
    good_alone = own_lines(collector)
    bad.touch(chance)
    assert own_lines(collector) == stock_lines(directory) != good_alone
    victims = [path for path in additive(metric_files(directory)) if path.stem.endswith("_1")]
    for path in victims:
        damage(path)
    # Keys are read once: a collector that knew them goes on with values that are still right.
    knows_better = [] if damage in DAMAGED_KEYS else [collector, collector]
    for reader in (*knows_better, Watched(directory)):
        families, unreadable = reader.collect()
        assert sorted_lines("".join(lines for _, lines in families)) == good_alone
        assert sorted(unreadable) == sorted(victims)


def test_an_unreadable_file_is_left_out(worker: Callable[[], Worker], directory: Path) -> None:
    chance, collector = random.Random(7), Watched(directory)
    worker().touch(chance)
    before = own_lines(collector)
    (directory / "counter_9.db").mkdir()
    families, unreadable = collector.collect()
    assert sorted_lines("".join(lines for _, lines in families)) == before
    assert [path.name for path in unreadable] == ["counter_9.db"]


def test_two_releases_of_a_help_text_are_one_series(tmp_path: Path, directory: Path) -> None:
    directory.mkdir()
    files = SlotFiles(directory, Slots(tmp_path / "slots"))
    for about in ("Old words", "New words"):
        with kept_in(files):
            Counter("things", about, registry=None).inc(2)
    assert own_lines(Watched(directory)) == stock_lines(directory) == ["things_total 4.0"]
