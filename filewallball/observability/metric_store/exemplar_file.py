"""The exemplar file of one slot: for each bucket of a histogram, a recent request that fell into it.

A record is its series' key and two halves, written in turn, each with its checksum: whoever dies while writing one
leaves the other, and what is half written is never read. Space is allocated before it is mapped, as in metric files.
"""

import mmap
import os
import struct
import weakref
from collections.abc import Iterator
from itertools import compress
from operator import ne
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from filewallball.observability.metric_store.metric_file import Unreadable, open_or_make, parse_key

LIMIT = 2000
"""The most series that a file has exemplars of."""
ID_CHARACTERS, TRACE_CHARACTERS = 64, 32
KEY_BYTES = 254
_MAGIC = b"fwbexem1"
_HEADER_BYTES = 16  # the magic, the number of records, four bytes unused
_RECORDS_AT = _HEADER_BYTES + 4 * LIMIT  # between them the number of each record's last writing
_LENGTH_BYTES, _HALF_BYTES = 2, 128
_HALVES_AT = _LENGTH_BYTES + KEY_BYTES
_RECORD_BYTES = _HALVES_AT + 2 * _HALF_BYTES
_FIRST_RECORDS = 62
_STEP_BYTES = 256
_HALF = struct.Struct(f"<IddBB{ID_CHARACTERS + TRACE_CHARACTERS}s")
_LAST_NUMBER, _SECOND_NUMBER = 2**32 - 1, 2
"""Writings are numbered from 1, and after the last one from 2 again, whose half is the other one."""


class Exemplar(NamedTuple):
    """An observation, and the request that it was made of."""

    value: float
    seconds: float
    """Unix time of the observation."""
    request_id: str
    trace_id: str


class ExemplarFile:
    """One slot's exemplars. Its owner is the only writer."""

    def __init__(self, path: Path) -> None:
        empty = _MAGIC + bytes(_HEADER_BYTES - len(_MAGIC))
        self._file = open_or_make(path, _end_of(_FIRST_RECORDS), empty)
        self._closed = weakref.finalize(self, os.close, self._file)
        try:
            size = os.fstat(self._file).st_size
            count = _count(os.pread(self._file, _HEADER_BYTES, 0), size)
            self._map(size)
            self._keys = list(_keys(self._bytes[_RECORDS_AT : _end_of(count)]))
        except BaseException:
            self.close()
            raise
        self._places = {key: place for place, key in enumerate(self._keys)}
        self._seeds = [crc32(key) for key in self._keys]

    def place(self, key: bytes) -> int | None:
        """The record of a series, made where it is new; None where there is no room. Raises OSError on a full disk."""
        place = self._places.get(key)
        if place is None and len(self._keys) < LIMIT and len(key) <= KEY_BYTES:
            place = self._places[key] = self._append(key)
        return place

    def put(self, place: int, exemplar: Exemplar) -> None:
        """Put an exemplar in the place of the last one; ids of ASCII, of at most their numbers of characters."""
        number = self._numbers[place] + 1
        number = number if number <= _LAST_NUMBER else _SECOND_NUMBER
        request_id, trace_id = exemplar.request_id, exemplar.trace_id
        text = (request_id + trace_id).encode()
        content = _HALF.pack(number, exemplar.value, exemplar.seconds, len(request_id), len(trace_id), text)
        check = crc32(content, self._seeds[place]).to_bytes(4, "little")
        start = _record_at(place) + _HALVES_AT + number % 2 * _HALF_BYTES
        self._bytes[start : start + 4 + _HALF.size] = check + content
        self._numbers[place] = number  # last: it says which half to read

    def close(self) -> None:
        self._closed()

    def _append(self, key: bytes) -> int:
        place = len(self._keys)
        if _end_of(place + 1) > self._size:
            self._map(_end_of(min(LIMIT, 2 * place)))
        start = _record_at(place)
        self._bytes[start : start + _LENGTH_BYTES + len(key)] = (
            len(key).to_bytes(_LENGTH_BYTES, "little") + key
        )
        self._keys.append(key)
        self._seeds.append(crc32(key))
        self._bytes[8:12] = len(self._keys).to_bytes(
            4, "little"
        )  # last, so that a reader never sees half a key
        return place

    def _map(self, size: int) -> None:
        os.posix_fallocate(self._file, 0, size)
        self._size = os.fstat(self._file).st_size
        self._bytes = mmap.mmap(self._file, self._size)
        self._numbers = memoryview(self._bytes)[_HEADER_BYTES:_RECORDS_AT].cast("I")


class ExemplarReader:
    """Another process's file, read with suspicion, and only where something was written since the last time."""

    def __init__(self) -> None:
        self._inode = 0
        self._keys: list[bytes] = []
        self._numbers = bytes(4 * LIMIT)

    def read(self, path: Path) -> dict[bytes, Exemplar]:
        """The exemplars written since the last call, by their series. Raises Unreadable, Replaced, OSError."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            head = os.pread(descriptor, _RECORDS_AT, 0)
            count = _count(head, status.st_size)
            if self._inode and (self._inode != status.st_ino or count < len(self._keys)):
                raise Replaced
            self._inode = status.st_ino
            numbers = head[_HEADER_BYTES : _HEADER_BYTES + 4 * count].ljust(len(self._numbers), b"\0")
            moved = _differing(numbers, self._numbers)
            return dict(self._records(descriptor, count, numbers, moved))
        finally:
            os.close(descriptor)

    def _records(
        self, descriptor: int, count: int, numbers: bytes, moved: list[int]
    ) -> Iterator[tuple[bytes, Exemplar]]:
        new = len(self._keys)
        if new < count:
            start, end = _record_at(new), _end_of(count)
            self._keys += _keys(os.pread(descriptor, end - start, start))
        records = _pieces(descriptor, moved)
        for place in moved:
            found = _newest(records[place], crc32(self._keys[place]))
            if found is not None:
                yield self._keys[place], found
        self._numbers = numbers


class Replaced(Exception):
    """The file is another one than before: what it said no longer holds."""


def _differing(numbers: bytes, before: bytes) -> list[int]:
    """The places of the numbers that differ, found in steps, for most are the same."""
    places = list[int]()
    for start in range(0, len(numbers), _STEP_BYTES):
        step, step_before = numbers[start : start + _STEP_BYTES], before[start : start + _STEP_BYTES]
        if step != step_before:
            differs = map(ne, memoryview(step).cast("I"), memoryview(step_before).cast("I"))
            places += compress(range(start // 4, len(numbers) // 4), differs)
    return places


def _pieces(descriptor: int, places: list[int]) -> dict[int, bytes]:
    """The halves of records; all between the first and the last in one go where they are many."""
    if not places:
        return {}
    first, last = places[0], places[-1]
    if last - first > 4 * len(places):
        return {
            place: os.pread(descriptor, 2 * _HALF_BYTES, _record_at(place) + _HALVES_AT) for place in places
        }
    data = os.pread(descriptor, _end_of(last + 1) - _record_at(first), _record_at(first))
    starts = {place: (place - first) * _RECORD_BYTES + _HALVES_AT for place in places}
    return {place: data[start : start + 2 * _HALF_BYTES] for place, start in starts.items()}


def _newest(halves: bytes, seed: int) -> Exemplar | None:
    """The exemplar written last of those that are whole."""
    found: dict[int, Exemplar] = {}
    for start in range(0, len(halves) - _HALF_BYTES + 1, _HALF_BYTES):
        content = halves[start + 4 : start + 4 + _HALF.size]
        if crc32(content, seed) == int.from_bytes(halves[start : start + 4], "little"):
            number, value, seconds, length, trace_length, text = _HALF.unpack(content)
            request_id, trace_id = text[:length].decode(), text[length : length + trace_length].decode()
            found[number] = Exemplar(value, seconds, request_id, trace_id)
    if not found:
        return None
    begins_anew = found.keys() == {_LAST_NUMBER, _SECOND_NUMBER}
    return found[_SECOND_NUMBER if begins_anew else max(found)]


def _count(head: bytes, size: int) -> int:
    """The number of records of a file. Raises Unreadable where that cannot be true."""
    count = int.from_bytes(head[8:12], "little")
    if not head.startswith(_MAGIC) or count > LIMIT or size < max(_RECORDS_AT, _end_of(count)):
        raise Unreadable("the header is not that of an exemplar file")
    return count


def _keys(records: bytes) -> Iterator[bytes]:
    """The keys of records. Raises Unreadable."""
    for start in range(0, len(records), _RECORD_BYTES):
        length = int.from_bytes(records[start : start + _LENGTH_BYTES], "little")
        if not 0 < length <= KEY_BYTES:
            raise Unreadable("a key is not a series'")
        key = records[start + _LENGTH_BYTES :][:length]
        parse_key(key)
        yield key


def _record_at(place: int) -> int:
    return _RECORDS_AT + place * _RECORD_BYTES


def _end_of(count: int) -> int:
    return _record_at(count)
