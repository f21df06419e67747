"""The positions up to which the shipper has read each slot's segments, kept in `shipped.json` beside them.

The file has a mac, and says nothing about segments that are not there or are shorter than it claims: what it cannot be
believed about is read again, and event_id drops what is on record.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from filewallball.filesystem import replace_file
from filewallball.recording.line_macs import LineMacs

_PURPOSE = b"positions"


@dataclass(frozen=True, slots=True)
class Mark:
    """The position in one segment: the offset behind its last line that was read, and how many lines were taken."""

    offset: int = 0
    lines: int = 0


_START = Mark()


@dataclass(slots=True)
class Position:
    """The position in one slot, by segment, and the segments in which its unfinished operations began."""

    marks: dict[int, Mark] = field(default_factory=dict)
    began: dict[str, int] = field(default_factory=dict)

    def mark(self, number: int) -> Mark:
        """The position in a segment."""
        return self.marks.get(number, _START)

    def keep(self, found: list[tuple[int, Path]]) -> None:
        """Forget what is about segments that are gone or were replaced."""
        self.marks = {
            number: mark
            for number, path in found
            if (mark := self.marks.get(number)) is not None and _is_as_long(path, mark.offset)
        }
        # A segment goes only when all that began in it has ended: where it is gone, so is the need to wait for it.
        there = {number for number, _ in found}
        self.began = {name: number for name, number in self.began.items() if number in there}

    def newest(self) -> int:
        """The newest segment that has a genuine line: whoever holds the slot writes to none before it."""
        return max((number for number, mark in self.marks.items() if mark.lines), default=0)


Positions = dict[str, Position]


def read_positions(directory: Path, macs: LineMacs) -> Positions:
    """The positions by slot folder; none where the file is missing or was not written with this host's key."""
    try:
        data = orjson.loads(macs.unseal(_PURPOSE, _path(directory).read_bytes()))
    except (FileNotFoundError, ValueError):
        return {}
    return {slot: _position(values) for slot, values in data.items()}


def save_positions(directory: Path, macs: LineMacs, positions: Positions, before: Positions) -> None:
    """Keep the positions if they changed."""
    if positions == before:
        return
    data = orjson.dumps(positions, option=orjson.OPT_NON_STR_KEYS)
    # Not durable: where it is lost everything is read again, and what is on record is dropped by its event_id.
    replace_file(_path(directory), macs.seal(_PURPOSE, data), durable=False)


def _position(values: dict[str, Any]) -> Position:
    marks = {int(number): Mark(**mark) for number, mark in values["marks"].items()}
    return Position(marks, values["began"])


def _is_as_long(path: Path, offset: int) -> bool:
    if not offset:
        return True
    try:
        with path.open("rb") as file:
            file.seek(offset - 1)
            return len(file.read(1)) == 1
    except OSError:
        return False


def _path(directory: Path) -> Path:
    return directory / "shipped.json"
