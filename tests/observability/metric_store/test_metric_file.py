"""Metric files are what prometheus_client reads, their space is really theirs, and damage is found, not followed."""

import math
import os
import resource
import struct
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.utils import floatToGoString

from filewallball.observability.metric_store.metric_file import (
    SlotFile,
    Unreadable,
    check_file,
    metric_key,
    slot_of,
)
from filewallball.observability.metric_store.numbers import number_text


def key(number: int) -> str:
    return mmap_key("things", "things_total", ["number"], [str(number)], "Things")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "counter_0.db"


def put(file: SlotFile, name: str, value: float) -> None:
    index = file.index(name)  # which may move the cells
    file.cells[index] = value


def stock_values(path: Path) -> dict[str, float]:
    read: Any = MmapedDict.read_all_values_from_file
    return {name: value for name, value, _, _ in read(str(path))}


@pytest.mark.parametrize("text", ["plain", 'quote"d', "back\\slash", "new\nline", "한국어", ""])
def test_keys_are_those_of_prometheus_client(text: str) -> None:
    labels = {"kind": text, "a": "first"}

    found = metric_key("things", "things_total", labels, text)

    assert found == mmap_key("things", "things_total", [*labels], [*labels.values()], text)


@pytest.mark.parametrize(
    "value",
    [
        *(0, 1, 0.01, 2.5, 300, -1, -0.0, 1e-7, 123456.789, 999999, 1e6, 1234567.5, 104857600, 10 * 1024**3),
        *(2.0**53, 1e15, 1e16, 1.5e300, -2e7, math.inf, -math.inf, math.nan),
    ],
)
def test_numbers_are_written_as_prometheus_client_writes_them(value: float) -> None:
    assert number_text(value) == floatToGoString(value)  # type: ignore[no-untyped-call]


def test_prometheus_client_reads_what_is_written(path: Path) -> None:
    file = SlotFile(path)
    for number in range(5):
        put(file, key(number), number)
    assert stock_values(path) == {key(number): number for number in range(5)}


def test_values_of_prometheus_client_are_found(path: Path) -> None:
    stock: Any = MmapedDict(str(path))  # type: ignore[no-untyped-call]
    stock.write_value(key(1), 42.0, 0.0)
    stock.close()
    file = SlotFile(path)
    assert file.keys == [key(1)]
    assert file.cells[file.index(key(1))] == 42


def test_a_file_grows_with_its_series_and_loses_none(path: Path) -> None:
    file = SlotFile(path)
    size = path.stat().st_size
    for number in range(5000):
        put(file, key(number), number)
    assert path.stat().st_size > size
    assert stock_values(path) == {key(number): number for number in range(5000)}
    assert SlotFile(path).keys == file.keys


def test_every_byte_of_a_file_is_allocated(path: Path) -> None:
    file = SlotFile(path)
    for number in range(5000):
        file.index(key(number))
    assert path.stat().st_blocks * 512 >= path.stat().st_size


def test_a_series_that_finds_no_room_is_an_error_and_the_others_count_on(path: Path) -> None:
    child = os.fork()
    if child == 0:
        file = SlotFile(path)
        size = path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        added = 0
        try:
            while True:
                file.index(key(added))
                added += 1
        except OSError:
            put(file, key(0), added)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    values = stock_values(path)
    assert values[key(0)] == len(values) > 1000


def test_no_reader_ever_sees_a_file_without_a_header(path: Path) -> None:
    SlotFile(path)
    assert list(path.parent.iterdir()) == [path]
    check_file(path)


def torn(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(40)


def longer_than_itself(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(struct.pack("i", 1 << 30))


def beyond_its_last_entry(path: Path) -> None:
    used = struct.unpack("i", path.read_bytes()[:4])[0]
    with path.open("r+b") as file:
        file.write(struct.pack("i", used + 64))


def not_utf8(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(16)
        file.write(b"\xff\xfe")


def not_a_key(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(12)
        file.write(b"{}")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def foreign(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" * 100)


DAMAGED_KEYS = [not_utf8, not_a_key]
DAMAGES = [torn, longer_than_itself, beyond_its_last_entry, empty, foreign, *DAMAGED_KEYS]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found(path: Path, damage: type) -> None:
    file = SlotFile(path)
    file.index(key(1))
    file.close()
    damage(path)
    with pytest.raises(Unreadable):
        check_file(path)
    with pytest.raises(Unreadable):
        SlotFile(path)


def test_a_key_written_without_being_announced_is_written_again(path: Path) -> None:
    file = SlotFile(path)
    file.index(key(1))
    used = struct.unpack("i", path.read_bytes()[:4])[0]
    with path.open("r+b") as raw:
        raw.seek(used)
        raw.write(b"\x40\0\0\0half a key")
    again = SlotFile(path)
    put(again, key(2), 2)
    assert stock_values(path) == {key(1): 0, key(2): 2}


@pytest.mark.parametrize(
    ("name", "slot"), [("counter_0.db", 0), ("gauge_livesum_12.db", 12), ("junk.db", None), ("a_x.db", None)]
)
def test_a_files_name_tells_its_slot(name: str, slot: int | None) -> None:
    assert slot_of(Path(name)) == slot
