"""Metrics of their own for each test, and what a scrape of them says."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from filewallball.event import Event
from filewallball.observability import slots as slots_of_this_process
from filewallball.observability.exposition import Exposition
from filewallball.observability.metrics import Metrics
from filewallball.observability.slots import Slots
from tests.observability.scrape import Samples, samples_of

RULES = {"/upload", "/upload/<filename>", "/download/<file_id>", "/view/<file_id>", "/files"}


@dataclass
class Bench:
    """Slots, metrics and exposition over one pair of folders; `again` is what a next process would have."""

    folder: Path
    slots: Slots
    metrics: Metrics
    exposition: Exposition

    @property
    def directory(self) -> Path:
        return self.folder / "metrics"

    def scrape(self) -> Samples:
        text, _ = self.exposition.render(None)
        return samples_of(text)

    def again(self) -> "Bench":
        """The slot changes hands, as when a worker dies and its successor starts."""
        self.slots.release()
        return bench_in(self.folder)


def bench_in(folder: Path) -> Bench:
    slots = Slots(folder / "slots")
    metrics = Metrics(folder / "metrics", slots, lambda: RULES)

    def unreadable(count: int) -> None:
        metrics.increment("metric_files_unreadable_total", amount=count)

    return Bench(folder, slots, metrics, Exposition(folder / "metrics", slots, unreadable))


@pytest.fixture(autouse=True)
def given_back() -> Iterator[None]:
    """A slot is held to the end of its process, with the files behind it: here, to the end of the test."""
    yield
    for slots in set(slots_of_this_process._holding):
        slots.release()


@pytest.fixture
def database_url(prepared_sqlite: Path, tmp_path: Path) -> str:
    """Which database it is makes no difference to what is observed."""
    path = tmp_path / "filewallball.db"
    shutil.copyfile(prepared_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Metrics in a folder of their own."""
    return bench_in(tmp_path)


@pytest.fixture
def event() -> Callable[..., Event]:
    """Makes an event; only what matters to the test need be said."""

    def make(action: str, **fields: object) -> Event:
        return Event("0198c0de-0000-7000-8000-000000000000", 1_700_000_000_000_000, action, **fields)  # type: ignore[arg-type]

    return make
