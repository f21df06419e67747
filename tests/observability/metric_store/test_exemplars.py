"""Each bucket names a request of its own, the newest of any process; what is damaged or half written is not shown."""

import random
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Histogram
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse

from filewallball.observability.exposition import Exposition
from filewallball.observability.metric_store import exemplar_file
from filewallball.observability.metric_store.collector import exemplar_files
from filewallball.observability.metric_store.exemplar_file import Exemplar, ExemplarFile, ExemplarReader
from filewallball.observability.metric_store.slots import Slots
from filewallball.observability.metric_store.values import SlotFiles
from harness.stock_metrics import kept_in

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
BOUNDS = (0.1, 1, 10)
ONE = Exemplar(0.25, 1_700_000_000.125, "req_one", "1" * 32)
OTHER = Exemplar(0.75, 1_700_000_001.5, "req_other_and_longer", "2" * 32)
KEY = b'["a", "a_bucket", {"le": "1.0"}, ""]'


class Process:
    """One process's histogram, in a slot of its own."""

    def __init__(self, folder: Path) -> None:
        self.slots = Slots(folder / "slots")
        self.files = SlotFiles(folder / "metrics", self.slots)
        with kept_in(self.files):
            self._seconds = Histogram("seconds", "Times", ["kind"], registry=None, buckets=BOUNDS)

    def observe(self, value: float, request_id: str, kind: str = "a", trace_id: str = "") -> None:
        labels = {"request_id": request_id} | ({"trace_id": trace_id} if trace_id else {})
        with kept_in(self.files):
            self._seconds.labels(kind).observe(value, labels)


class Scrapes:
    """Scrapes of one folder, and how many files could not be read."""

    def __init__(self, folder: Path) -> None:
        self.unreadable = 0
        self._exposition = Exposition(folder / "metrics", Slots(folder / "slots"), self._note)

    def text(self, accept: str = OPENMETRICS) -> str:
        return self._exposition.render(accept)[0]

    def found(self) -> dict[tuple[str, str], tuple[dict[str, str], float]]:
        """By kind and bucket: the labels and the value of the exemplar."""
        return {(kind, bound): (exemplar.labels, exemplar.value) for kind, bound, exemplar in self._found()}

    def _found(self) -> Iterator[tuple[str, str, Any]]:
        families: Iterable[Any] = parse(self.text())  # type: ignore[no-untyped-call]
        for family in families:
            for sample in family.samples:
                if sample.exemplar:
                    yield sample.labels["kind"], sample.labels["le"], sample.exemplar

    def _note(self, count: int) -> None:
        self.unreadable += count


@pytest.fixture
def scrapes(tmp_path: Path) -> Scrapes:
    (tmp_path / "metrics").mkdir()
    return Scrapes(tmp_path)


def test_a_bucket_ends_with_the_newest_request_of_any_process(tmp_path: Path, scrapes: Scrapes) -> None:
    one, other = Process(tmp_path), Process(tmp_path)
    one.observe(0.05, "req_a", trace_id="1" * 32)
    one.observe(0.5, "req_b")
    other.observe(0.06, "req_c", trace_id="2" * 32)
    other.observe(99, "req_d", kind="b")
    first = scrapes.found()
    one.observe(0.07, "req_e")

    assert first == {
        ("a", "0.1"): ({"request_id": "req_c", "trace_id": "2" * 32}, 0.06),
        ("a", "1.0"): ({"request_id": "req_b"}, 0.5),
        ("b", "+Inf"): ({"request_id": "req_d"}, 99),
    }
    assert scrapes.found() == first | {("a", "0.1"): ({"request_id": "req_e"}, 0.07)}


def test_the_text_format_and_all_but_the_ends_of_lines_stay(tmp_path: Path, scrapes: Scrapes) -> None:
    process = Process(tmp_path)
    before = process.files.file("histogram")
    process.observe(0.05, "req_a")
    process.observe(5, "req_b")

    openmetrics, text = scrapes.text(), scrapes.text("text/plain;version=0.0.4")

    assert " # {" not in text
    assert re.sub(r" # \{[^}]*\} [0-9.]+ [0-9.]+$", "", openmetrics, flags=re.MULTILINE) == text + "# EOF\n"
    assert before.keys


def test_a_successor_goes_on_with_the_exemplars_of_a_process_that_died(
    tmp_path: Path, scrapes: Scrapes
) -> None:
    process = Process(tmp_path)
    process.observe(0.05, "req_a")
    process.observe(0.5, "req_b")
    process.slots.release()
    successor = Process(tmp_path)
    kept = scrapes.found()
    successor.observe(0.06, "req_c")

    assert [labels["request_id"] for labels, _ in kept.values()] == ["req_a", "req_b"]
    assert [labels["request_id"] for labels, _ in scrapes.found().values()] == ["req_c", "req_b"]
    assert len(exemplar_files(tmp_path / "metrics")) == 1


def test_an_hour_that_the_clock_was_set_back_holds_no_exemplar_up(
    tmp_path: Path, scrapes: Scrapes, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = Process(tmp_path), Process(tmp_path)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3600)
    one.observe(0.05, "req_a")
    one.observe(0.5, "req_b")
    other.observe(5, "req_c")
    assert len(scrapes.found()) == 3
    monkeypatch.setattr(time, "time", lambda: now)
    one.observe(0.06, "req_d")
    other.observe(0.6, "req_e")

    seen = [scrapes.found(), Scrapes(tmp_path).found()]

    for found in seen:
        assert [labels["request_id"] for labels, _ in found.values()] == ["req_d", "req_e", "req_c"]


def test_a_write_that_breaks_off_at_any_byte_shows_the_one_before_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "exemplars_0.bin"
    file = ExemplarFile(path)
    place = file.place(KEY)
    assert place is not None
    for exemplar in (ONE, OTHER, ONE):
        file.put(place, exemplar)
    before = path.read_bytes()
    file.put(place, OTHER)
    after = path.read_bytes()
    changed = [at for at in range(len(before)) if before[at] != after[at]]
    half = [at for at in changed if at >= exemplar_file._RECORDS_AT]
    # The record is written before its number: first all of the half in any order, then the number.
    chance = random.Random(3)
    for cut in range(len(half) + 1):
        for written in (half[:cut], half[len(half) - cut :], chance.sample(half, cut)):
            torn = bytearray(before)
            for at in written:
                torn[at] = after[at]
            path.write_bytes(torn)
            found = ExemplarReader().read(path)
            assert found == {KEY: OTHER if cut == len(half) else ONE}
    path.write_bytes(after)
    assert ExemplarReader().read(path) == {KEY: OTHER}


def test_numbers_that_begin_anew_leave_the_newer_half(tmp_path: Path) -> None:
    path = tmp_path / "exemplars_0.bin"
    file = ExemplarFile(path)
    place = file.place(KEY)
    assert place is not None
    file._numbers[place] = 2**32 - 2
    file.put(place, ONE)
    assert ExemplarReader().read(path) == {KEY: ONE}
    file.put(place, OTHER)
    assert ExemplarReader().read(path) == {KEY: OTHER}


def test_only_what_was_written_since_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "exemplars_0.bin"
    file, reader = ExemplarFile(path), ExemplarReader()
    keys = [KEY.replace(b'"a"', b'"a%d"' % number) for number in range(300)]
    places = [file.place(key) or 0 for key in keys]
    for place in places:
        file.put(place, ONE)
    assert reader.read(path) == dict.fromkeys(keys, ONE)
    assert reader.read(path) == {}
    for number in (3, 299):
        file.put(places[number], OTHER)

    assert reader.read(path) == {keys[3]: OTHER, keys[299]: OTHER}


def test_a_file_has_room_for_no_more_series_than_its_limit(tmp_path: Path) -> None:
    file = ExemplarFile(tmp_path / "exemplars_0.bin")
    keys = [b'["a", "a_bucket", {"le": "%d"}, ""]' % number for number in range(exemplar_file.LIMIT + 1)]

    places = [file.place(key) for key in keys]

    assert places == [*range(exemplar_file.LIMIT), None]
    assert file.place(b"x" * 255) is None
    again = ExemplarFile(tmp_path / "exemplars_0.bin")
    assert [again.place(key) for key in keys] == places


DAMAGES = {
    "empty": b"",
    "another file": b"x" * 100_000,
    "too many records": exemplar_file._MAGIC + b"\xff" * 100_000,
    "keys of zeros": exemplar_file._MAGIC + b"\x02" + bytes(100_000),
    "cut": exemplar_file._MAGIC + b"\x02" + bytes(20),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_costs_its_exemplars_and_no_more(
    tmp_path: Path, scrapes: Scrapes, damage: str
) -> None:
    process, other = Process(tmp_path), Process(tmp_path)
    process.observe(0.05, "req_a")
    other.observe(0.5, "req_b")
    assert len(scrapes.found()) == 2
    process.slots.release()
    (tmp_path / "metrics" / "exemplars_0.bin").write_bytes(DAMAGES[damage])

    damaged = scrapes.text()
    successor = Process(tmp_path)
    successor.observe(0.06, "req_c")

    assert scrapes.unreadable == 1
    assert 'seconds_count{kind="a"} 2.0' in damaged
    assert [labels["request_id"] for labels, _ in scrapes.found().values()] == ["req_c", "req_b"]
    assert (tmp_path / "metrics" / "exemplars_0.bad").exists()


def test_a_file_damaged_between_two_owners_is_set_aside_by_the_second(
    tmp_path: Path, scrapes: Scrapes
) -> None:
    process = Process(tmp_path)
    process.observe(0.05, "req_a")
    process.slots.release()
    (tmp_path / "metrics" / "exemplars_0.bin").write_bytes(b"x" * 9000)

    Process(tmp_path).observe(0.5, "req_b")

    assert [labels["request_id"] for labels, _ in scrapes.found().values()] == ["req_b"]
    assert scrapes.unreadable == 0
