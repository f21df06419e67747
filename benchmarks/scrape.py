"""The cost of a scrape, here and with prometheus_client's stock collector, by lines, by workers that have died, and
with as many exemplars as there may be.

Four workers' files. The stock scheme keeps one set of files for every process that ever lived; ours one for each
slot. Times are medians of the CPU milliseconds that the text of one scrape takes, both collectors in one process.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.multiprocess import MultiProcessCollector

from filewallball.observability.exposition import Exposition
from filewallball.observability.metric_store.slots import Slots
from filewallball.observability.metric_store.values import SlotFiles
from harness.stock_metrics import kept_in

WORKERS = 4
_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_HISTOGRAM_LINES = len(_BUCKETS) + 3
_TARGETS = {3_000: 10, 10_000: 25, 50_000: 25}
_TEXT, _OPENMETRICS = "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0"
_EXEMPLAR = {"request_id": f"req_{'0123456789abcdef' * 2}", "trace_id": "0123456789abcdef" * 2}
_LINES_WITH_EXEMPLARS = 10_000
"""Their buckets are more than a slot keeps exemplars of, so each slot has its 2,000."""
_LEAST_STOCK = 40
_MOST = {_TEXT: 1.05, _OPENMETRICS: 1.5}
_ROW = "{:<34} {:>10} {:>10} {:>10} {:>10}"


class Worker:
    """One process's slot: a histogram for most lines and a counter for the rest, as in the service."""

    def __init__(self, folder: Path, lines: int) -> None:
        self.slots = Slots(folder / "slots")
        self._files = SlotFiles(folder / "metrics", self.slots)
        series = lines * 4 // 5 // _HISTOGRAM_LINES
        with kept_in(self._files):
            histogram = Histogram("seconds", "Some times", ["path"], registry=None, buckets=_BUCKETS)
            counter = Counter("things", "Some things", ["kind"], registry=None)
            self._children: list[MetricWrapperBase] = [
                *(histogram.labels(f"/some/path/{number}") for number in range(series)),
                *(counter.labels(f"kind {number}") for number in range(lines - series * _HISTOGRAM_LINES)),
            ]

    def fill(self, *, has_exemplars: bool) -> None:
        """Put something into each series, into each bucket of a histogram."""
        for child in self._children:
            if isinstance(child, Histogram):
                for bound in (*_BUCKETS, 1e9):
                    child.observe(bound, _EXEMPLAR if has_exemplars else None)
            elif isinstance(child, Counter):
                child.inc()

    def work(self, chance: random.Random, share: float, *, has_exemplars: bool = False) -> None:
        """Move this share of all series."""
        for child in chance.sample(self._children, round(share * len(self._children))):
            if isinstance(child, Histogram):
                value, exemplar = chance.random() * 100, _EXEMPLAR if has_exemplars else None
                child.observe(value, exemplar)
            elif isinstance(child, Counter):
                child.inc()


def main() -> None:
    options = _options()
    chance = random.Random(1)
    print(_ROW.format("4 workers, CPU milliseconds", "stock", "first", "1 % moved", "all moved"))
    for lines, target in _TARGETS.items():
        with tempfile.TemporaryDirectory(prefix="filewallball-scrape-") as name:
            _by_lines(Path(name), lines, target, options.runs, chance)
    print()
    print(_ROW.format("4 workers, CPU milliseconds", "without", "exemplars", "", "stock"))
    with tempfile.TemporaryDirectory(prefix="filewallball-scrape-") as name:
        _by_exemplars(Path(name), options.runs, chance)
    print()
    print(_ROW.format("3,000 lines, after worker deaths", "stock", "files", "ours", "files"))
    with tempfile.TemporaryDirectory(prefix="filewallball-scrape-") as name:
        _by_deaths(Path(name), options.runs, chance)


def _by_lines(folder: Path, lines: int, target: int, runs: int, chance: random.Random) -> None:
    workers = [Worker(folder, lines) for _ in range(WORKERS)]
    _work(workers, chance, 1)
    exposition = _exposition(folder)
    exposition.render(None)
    stock, first, some, every = _medians(
        runs,
        lambda: _stock(folder / "metrics"),
        lambda: _exposition(folder).render(None),
        partial(_scrape_after, exposition, workers, chance, 0.01),
        partial(_scrape_after, exposition, workers, chance, 1.0),
    )
    print(_ROW.format(f"{lines:,} lines", *map(_ms, (stock, first, some, every))))
    verdict = "reached" if stock / some >= target else "missed"
    print(
        f"{'':<34} stock / ours = {stock / some:.0f}, target {target}: {verdict}; all moved {stock / every:.0f}"
    )


def _by_exemplars(folder: Path, runs: int, chance: random.Random) -> None:
    """The same series without exemplars and with 2,000 in each slot, after 1 % of the series moved."""
    found = {}
    for has_exemplars in (False, True):
        place = folder / str(has_exemplars)
        workers = [Worker(place, _LINES_WITH_EXEMPLARS) for _ in range(WORKERS)]
        for worker in workers:
            worker.fill(has_exemplars=has_exemplars)
        found[has_exemplars] = place, workers
    for accept, most in _MOST.items():
        calls = [
            partial(
                _scrape_after, _exposition(place), workers, chance, 0.01, accept, has_exemplars=has_exemplars
            )
            for has_exemplars, (place, workers) in found.items()
        ]
        for call in calls:
            call()
        stock, without, with_exemplars = _medians(
            4 * runs, lambda: _stock(found[False][0] / "metrics"), *calls
        )
        ratio = with_exemplars / without
        verdict = "reached" if ratio <= most and stock / with_exemplars >= _LEAST_STOCK else "missed"
        kind = accept.partition(";")[0]
        print(_ROW.format(kind, _ms(without), _ms(with_exemplars), "", _ms(stock)))
        print(
            f"{'':<34} with / without = {ratio:.2f}, target {most}; stock / with = {stock / with_exemplars:.0f},"
            f" target {_LEAST_STOCK}: {verdict}"
        )


def _by_deaths(folder: Path, runs: int, chance: random.Random) -> None:
    """Deaths: in the stock scheme a process leaves its files, here its slot goes to the next one."""
    lines = 3_000
    fresh = [Worker(folder / "fresh", lines) for _ in range(WORKERS)]
    aged = [Worker(folder / "aged", lines) for _ in range(WORKERS)]
    by_pid = folder / "by-pid"
    by_pid.mkdir()
    for workers in (fresh, aged):
        _work(workers, chance, 1)
    expositions = _exposition(folder / "fresh"), _exposition(folder / "aged")
    born = 0
    for deaths in (0, 100, 1_000):
        for process in range(born, WORKERS + deaths):
            _leave_files(folder / "aged" / "metrics", by_pid, process)
            if process >= WORKERS:
                _die(folder / "aged", aged, process % WORKERS, lines, chance)
        born = WORKERS + deaths
        (stock,) = _medians(max(1, runs // 4) if deaths else runs, lambda: _stock(by_pid))
        never, ours = _medians(
            4 * runs,
            partial(_scrape_after, expositions[0], fresh, chance, 0.01),
            partial(_scrape_after, expositions[1], aged, chance, 0.01),
        )
        counts = len(list(by_pid.iterdir())), len(list((folder / "aged" / "metrics").glob("*.db")))
        print(_ROW.format(f"{deaths:,} deaths", _ms(stock), counts[0], _ms(ours), counts[1]))
    verdict = "reached" if ours <= 1.2 * never else "missed"
    print(f"{'':<34} ours / a fresh service = {ours / never:.2f}, target 1.2: {verdict}")


def _leave_files(directory: Path, by_pid: Path, pid: int) -> None:
    """Leave the files of a process of this pid: the same series under its own name (links, to spare the disk)."""
    for kind in ("counter", "histogram"):
        os.link(directory / f"{kind}_{pid % WORKERS}.db", by_pid / f"{kind}_{pid}.db")


def _die(folder: Path, workers: list[Worker], index: int, lines: int, chance: random.Random) -> None:
    workers[index].slots.release()
    if chance.random() < 0.02:  # every series anew takes a while: most successors take the slot and no more
        workers[index] = Worker(folder, lines)
    else:
        workers[index].slots.number()


def _work(workers: list[Worker], chance: random.Random, share: float) -> None:
    for worker in workers:
        worker.work(chance, share)


def _exposition(folder: Path) -> Exposition:
    return Exposition(folder / "metrics", Slots(folder / "slots"), lambda count: None)


def _stock(directory: Path) -> bytes:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(directory))  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _scrape_after(
    exposition: Exposition,
    workers: list[Worker],
    chance: random.Random,
    share: float,
    accept: str | None = None,
    *,
    has_exemplars: bool = False,
) -> float:
    """CPU seconds of a scrape alone, after that share of all series moved."""
    for worker in workers:
        worker.work(chance, share, has_exemplars=has_exemplars)
    started = time.process_time()
    exposition.render(accept)
    return time.process_time() - started


def _medians(runs: int, *calls: Callable[[], object]) -> list[float]:
    """The median CPU seconds of each call, or that it says it took; in turns, so that other load hits all alike."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(runs):
        for call, taken in zip(calls, times, strict=True):
            started = time.process_time()
            result = call()
            taken.append(result if isinstance(result, float) else time.process_time() - started)
    return [statistics.median(taken) for taken in times]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    return parser.parse_args()


if __name__ == "__main__":
    main()
