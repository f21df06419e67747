"""The journal as files: segments of JSON lines in one folder for each slot, and what a scan of them leaves open.

Lines: `o` an operation begins (the event so far), `c` its change was committed with its own audit row, `x` it ended
(the whole event, to be shipped), `f` it is counted by another operation's event, `p` a probe. A torn or unreadable
line is passed over.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from filewallball.clock import now_us
from filewallball.errors import ABORTED
from filewallball.recording.event import FAILED, Event

_READ_BYTES = 1024 * 1024
_NEEDED = {"o": {"e"}, "x": {"e"}, "c": {"i"}, "f": {"i", "n"}, "p": set[str]()}
_SOME_EVENT = {"event_id", "timestamp_us", "action"}


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


def abandoned(folder: Path, before: int) -> Iterator[Event]:
    """The terminal events of what a dead owner of this slot left open: `failed/aborted`, or a coalesced event's sum."""
    unfinished = Unfinished()
    for number, path in segments(folder):
        if number < before:
            for data, _ in pieces(path, 0):
                for line in lines(data):
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


def recover(folder: Path) -> int:
    """Close what is open in a slot that nobody holds now (the caller holds its lock); returns how many."""
    number = next_number(folder)
    data = [orjson.dumps({"k": "x", "e": event}) for event in abandoned(folder, before=number)]
    if data:
        with segment_path(folder, number).open("xb") as file:
            file.write(b"\n".join(data) + b"\n")
            file.flush()
            os.fdatasync(file.fileno())
    return len(data)


def slot_folders(directory: Path) -> list[Path]:
    """The journal folder of each slot that ever wrote."""
    return sorted(path for path in directory.glob("slot-*") if path.is_dir())


def segments(folder: Path) -> list[tuple[int, Path]]:
    """The segment files of one slot, oldest first."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            stem, _, suffix = entry.name.partition(".")
            if stem.isdigit() and suffix == "jsonl":
                found.append((int(stem), Path(entry.path)))
    return sorted(found)


def next_number(folder: Path) -> int:
    """A segment number above every earlier one, also above those that were shipped and removed: milliseconds."""
    return max([now_us() // 1000, *(number + 1 for number, _ in segments(folder))])


def segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:015d}.jsonl"


def pieces(path: Path, offset: int) -> Iterator[tuple[bytes, int]]:
    """Whole lines from `offset` on, in bounded pieces, each with the offset after it; long junk is a piece too."""
    with path.open("rb") as file:
        file.seek(offset)
        while data := file.read(_READ_BYTES):
            whole = data.rfind(b"\n") + 1
            if not whole and len(data) < _READ_BYTES:
                return  # a line that is being written, or was torn
            whole = whole or len(data)  # no line is as long: junk, as after a power cut
            offset += whole
            file.seek(offset)
            yield data[:whole], offset


def lines(data: bytes) -> Iterator[dict[str, Any]]:
    """The readable lines of a piece of journal."""
    for raw in data.split(b"\n")[:-1]:
        try:
            line = orjson.loads(raw)
        except orjson.JSONDecodeError:
            continue
        if isinstance(line, dict) and _is_whole(line):
            yield line


def _is_whole(line: dict[str, Any]) -> bool:
    kind = line.get("k")
    needed = _NEEDED.get(kind) if isinstance(kind, str) else None
    if needed is None or not needed <= line.keys():
        return False
    if "e" not in needed:
        return all(isinstance(line[name], str) for name in needed)
    event = line["e"]
    return isinstance(event, dict) and event.keys() >= _SOME_EVENT and isinstance(event["event_id"], str)
