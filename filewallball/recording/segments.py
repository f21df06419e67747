"""The journal as files: segments of JSON lines in one folder for each slot, and what a scan of them leaves open.

Lines: `o` an operation begins (the event so far), `c` its change was committed with its own audit row, `x` it ended
(the whole event, to be shipped), `f` it is counted by another operation's event, `p` a probe. Each has a mac
(`line_macs`); a torn line is passed over, any other that is not this segment's next one is rejected.
"""

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from filewallball.clock import now_us
from filewallball.errors import ABORTED
from filewallball.recording.event import FAILED, Event
from filewallball.recording.line_macs import LineMacs, SegmentMacs

_NAME = re.compile(r"([0-9]{15,16})\.jsonl")
_LAST_NUMBER = 10**16 - 1
_READ_BYTES = 1024 * 1024
_NEEDED = {"o": {"e"}, "x": {"e"}, "c": {"i"}, "f": {"i", "n"}, "p": set[str]()}
_SOME_EVENT = {"event_id", "timestamp_us", "action"}
FORGED = "forged"
REPEATED = "repeated"
MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that is not taken, and the reason; of lines that are missing, their number."""

    reason: str
    raw: bytes
    count: int = 1


@dataclass(slots=True)
class SegmentReader:
    """Reads a segment's lines in order; `taken` is the number of the last one that was taken."""

    macs: SegmentMacs
    taken: int = 0

    def read(self, data: bytes, rejected: list[Rejected]) -> Iterator[dict[str, Any]]:
        """The genuine lines of a piece; what is wrong with the others is added to `rejected`."""
        for raw in data.split(b"\n")[:-1]:
            if not raw:
                continue
            line = self.macs.read(raw)
            if line is None or not is_whole(line):
                rejected.append(Rejected(FORGED, raw))
            elif line["q"] <= self.taken:
                rejected.append(Rejected(REPEATED, raw))
            else:
                if missing := line["q"] - self.taken - 1:
                    rejected.append(Rejected(MISSING, b"", missing))
                self.taken = line["q"]
                yield line


@dataclass(slots=True)
class Unfinished:
    """The rest of a scan of lines: events without an end, and the number of refusals in each coalesced event."""

    events: dict[str, Event] = field(default_factory=dict)
    coalesced: dict[str, int] = field(default_factory=dict)

    def feed(self, line: dict[str, Any]) -> Event | None:
        """Account for one line; returns the event that it closes, to be shipped."""
        match line["k"]:
            case "o":
                event = Event.from_json(line["e"])
                self.events[event.event_id] = event
            case "c":
                self.events.pop(line["i"], None)
            case "f":
                self.events.pop(line["i"], None)
                self.coalesced[line["n"]] = self.coalesced.get(line["n"], 0) + 1
            case "x":
                event = Event.from_json(line["e"])
                self.events.pop(event.event_id, None)
                self.coalesced.pop(event.event_id, None)
                return event
        return None


def abandoned(folder: Path, before: int, macs: LineMacs) -> Iterator[Event]:
    """The terminal events of what a dead owner of this slot left open: `failed/aborted`, or a coalesced event's sum."""
    unfinished = Unfinished()
    for number, path in segments(folder):
        if number < before:
            reader = SegmentReader(macs.of_segment(path))
            for data, _ in pieces(path, 0):
                for line in reader.read(data, []):
                    unfinished.feed(line)
    for event in unfinished.events.values():
        if event.error_type:  # a coalesced event: it was opened with its outcome
            event.count = unfinished.coalesced.get(event.event_id, 0)
            if event.count:
                yield event
        else:
            event.status, event.error_type, event.suspicious = FAILED, ABORTED, False
            event.duration_us = 0
            yield event


def recover(folder: Path, macs: LineMacs) -> int:
    """Close what is open in a slot that nobody holds now (the caller holds its lock); returns how many."""
    number = next_number(folder)
    path = segment_path(folder, number)
    bodies = [orjson.dumps({"k": "x", "e": event}) for event in abandoned(folder, number, macs)]
    if bodies:
        with path.open("xb") as file:
            file.write(signed(bodies, macs.of_segment(path)))
            file.flush()
            os.fdatasync(file.fileno())
    return len(bodies)


def signed(bodies: Iterable[bytes], macs: SegmentMacs) -> bytes:
    """All lines of a segment that begins with these."""
    return b"".join(macs.sign(body, number) for number, body in enumerate(bodies, 1))


def slot_folders(directory: Path) -> list[Path]:
    """The journal folder of each slot that ever wrote; a link to a folder elsewhere is none."""
    return sorted(path for path in directory.glob("slot-*") if path.is_dir() and not path.is_symlink())


def segments(folder: Path) -> list[tuple[int, Path]]:
    """The segment files of one slot, oldest first; links, pipes and the like are none."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            name = _NAME.fullmatch(entry.name)
            if name and (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
                found.append((int(name[1]), Path(entry.path)))
    return sorted(found)


def next_number(folder: Path) -> int:
    """A segment number above every earlier one, also above those that were shipped and removed: milliseconds.

    Raises OSError where there is none left, which only a file of somebody else's making can bring about.
    """
    number = max([now_us() // 1000, *(number + 1 for number, _ in segments(folder))])
    if number > _LAST_NUMBER:
        raise OSError(errno.EOVERFLOW, "No segment number is left", folder)
    return number


def segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:015d}.jsonl"


def pieces(path: Path, offset: int) -> Iterator[tuple[bytes, int]]:
    """Whole lines from `offset` on, in bounded pieces, each with the offset after it; long junk is a piece too."""
    with os.fdopen(_open_plain(path), "rb") as file:
        file.seek(offset)
        while data := file.read(_READ_BYTES):
            whole = data.rfind(b"\n") + 1
            if not whole and len(data) < _READ_BYTES:
                return  # a line that is being written, or was torn
            whole = whole or len(data)  # no line is as long: junk, as after a power cut
            offset += whole
            file.seek(offset)
            yield data[:whole], offset


def is_whole(line: dict[str, Any]) -> bool:
    """True if a line has all that its kind needs."""
    kind = line.get("k")
    needed = _NEEDED.get(kind) if isinstance(kind, str) else None
    if needed is None or not needed <= line.keys():
        return False
    if "e" not in needed:
        return all(isinstance(line[name], str) for name in needed)
    event = line["e"]
    return isinstance(event, dict) and event.keys() >= _SOME_EVENT and isinstance(event["event_id"], str)


def _open_plain(path: Path) -> int:
    """Open what `segments` saw: never what a link leads to, and without waiting for a pipe's other end."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    kind = os.fstat(fd).st_mode
    if stat.S_ISREG(kind):
        return fd
    os.close(fd)
    number = errno.EISDIR if stat.S_ISDIR(kind) else errno.EINVAL
    raise OSError(number, os.strerror(number), path)
