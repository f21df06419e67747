"""The lines that a release without macs left in the journal: signed once, when this one is first prepared.

The file `journal-macs` in DATA_DIR says how far that is. While processes of the earlier release still write, as during
an upgrade under load, it is under way for at most a day: their segments are signed once nobody writes to them.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import orjson

from filewallball.clock import now_us
from filewallball.filesystem import replace_file, try_lock
from filewallball.recording.event import is_event
from filewallball.recording.line_macs import LineMacs, is_signed
from filewallball.recording.segments import is_whole, pieces, segments, signed, slot_folders

MISSING = "missing"
UNDER_WAY = "under way"
DONE = "done"
OTHER_KEY = "other key"
_LONGEST_US = 24 * 3600 * 1_000_000
_PURPOSE = b"adoption"
logger = logging.getLogger("filewallball.audit")


class Adoption:
    """Decides whether lines without a mac may still be taken. `borrow` locks a slot that no process holds."""

    def __init__(
        self,
        marker: Path,
        directory: Path,
        macs: LineMacs,
        borrow: Callable[[int], AbstractContextManager[bool]],
    ) -> None:
        self._marker = marker
        self._directory = directory
        self._macs = macs
        self._borrow = borrow

    def state(self) -> str:
        """MISSING before this release was first prepared; OTHER_KEY where the file is not this key's."""
        try:
            text = self._macs.unseal(_PURPOSE, self._marker.read_bytes()).decode()
        except FileNotFoundError:
            return MISSING
        except ValueError:
            return OTHER_KEY
        if text == DONE:
            return DONE
        return UNDER_WAY if 0 <= now_us() - int(text) < _LONGEST_US else DONE

    def adopt(self, *, is_new_key: bool = False) -> None:
        """Sign what an earlier release left, if that was never done; with `is_new_key` another key's time is over."""
        state = self.state()
        if state == MISSING:
            self._write(str(now_us()))
        elif state == OTHER_KEY and is_new_key:
            self._write(DONE)
        self.go_on()

    def go_on(self) -> None:
        """While adoption is under way, sign what nobody writes to any more; end it once nothing else is left."""
        if self.state() != UNDER_WAY:
            return
        with try_lock(self._directory / "ship.lock") as held:
            if not held:
                return
            adopted = [self._adopt_slot(folder) for folder in slot_folders(self._directory)]
            if all(adopted):
                self._write(DONE)

    def _adopt_slot(self, folder: Path) -> bool:
        """True if no line of this slot waits to be signed."""
        number = folder.name.removeprefix("slot-")
        if not number.isdecimal():
            return True
        with self._borrow(int(number)) as is_free:
            found = [path for _, path in segments(folder)]
            unsigned = [path for path in found if path.is_file() and _is_unsigned(path)]
            for path in unsigned:
                if is_free or path != found[-1]:
                    self._sign(path)
            return is_free or not unsigned or unsigned[-1] != found[-1]

    def _sign(self, path: Path) -> None:
        bodies = list(_bodies(path))
        replace_file(path, signed(bodies, self._macs.of_segment(path)), durable=True, mode=0o640)
        logger.warning(
            "Journal lines of an earlier release were taken without a mac",
            extra={"slot": path.parent.name, "segment": path.name, "count": len(bodies)},
        )

    def _write(self, text: str) -> None:
        replace_file(self._marker, self._macs.seal(_PURPOSE, text.encode()), durable=True)


def _is_unsigned(path: Path) -> bool:
    """True if no line has a mac, right or wrong: a process of one release wrote all of a segment."""
    return path.stat().st_size > 0 and not any(is_signed(raw) for raw in _raw(path))


def _bodies(path: Path) -> Iterator[bytes]:
    for raw in _raw(path):
        try:
            line: Any = orjson.loads(raw)
        except orjson.JSONDecodeError:
            continue
        if isinstance(line, dict) and is_whole(line) and ("e" not in line or is_event(line["e"])):
            yield orjson.dumps({name: line[name] for name in ("k", "e", "i", "n") if name in line})


def _raw(path: Path) -> Iterator[bytes]:
    for data, _ in pieces(path, 0):
        yield from data.split(b"\n")[:-1]
