"""Event ids (UUIDv7) in the order in which a host's operations began, whatever is done to its wall clock.

When the service starts, an anchor is noted: a moment, and what the kernel's clock since boot says. All processes of
the host count on from there, so that their ids only ever grow; a service that starts later notes a later moment. Only
the first part of an id is made of this time; people are shown the wall clock.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from uuid_utils import uuid7

from filewallball.clock import now_us
from filewallball.filesystem import replace_file

_READ_AGAIN_SECONDS = 1.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MS = 1000


@dataclass(frozen=True, slots=True)
class Anchor:
    """The moment at which the service last started, and the clock since boot at that moment; '' for an unknown boot."""

    moment_us: int
    boot_us: int = 0
    boot_id: str = ""

    @property
    def offset_us(self) -> int | None:
        """The difference between the present moment and the clock since boot; None after another boot."""
        return self.moment_us - self.boot_us if self.boot_id == _boot_id() else None

    @property
    def first_id(self) -> str:
        """An id that no earlier event has, and that is not above any later one."""
        return _with_moment(self.moment_us, "00000000-0000-7000-8000-000000000000")


def note_anchor(path: Path) -> None:
    """Begin to count anew: later than every id made so far, and otherwise by the wall clock."""
    previous, moment_us, boot_us = read_anchor(path), now_us(), _since_boot_us()
    if previous is not None:
        offset_us = previous.offset_us
        moment_us = max(moment_us, previous.moment_us if offset_us is None else offset_us + boot_us)
    whole_us = (moment_us // _MS + 1) * _MS
    text = f"{whole_us} {boot_us} {_boot_id()}\n"
    replace_file(path, text.encode(), durable=False)


def read_anchor(path: Path) -> Anchor | None:
    """The anchor; None if no service ever started here."""
    try:
        moment_us, *since = path.read_text().split()
        return Anchor(int(moment_us), int(since[0]), since[1]) if len(since) == 2 else Anchor(int(moment_us))
    except (FileNotFoundError, ValueError):
        return None


class EventIds:
    """Makes ids for one process; the anchor is looked at again every second, as the service may have started anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = float("-inf")
        self._offset_us: int | None = None

    def new(self) -> str:
        """An id that is above those of earlier operations of this host."""
        return _with_moment(self._now_us(), str(uuid7()))

    def age_seconds(self, event_id: str) -> float:
        """The time since an event's id was made on this host; 0 for one that is none of them."""
        try:
            made_us = int(event_id.replace("-", "")[:12], 16) * _MS
        except ValueError:
            return 0.0
        return max(0, self._now_us() - made_us) / 1e6

    def _now_us(self) -> int:
        if time.monotonic() - self._read_at >= _READ_AGAIN_SECONDS:
            anchor = read_anchor(self._path)
            self._offset_us = anchor.offset_us if anchor is not None else None
            self._read_at = time.monotonic()  # last: until then other threads read for themselves
        return now_us() if self._offset_us is None else self._offset_us + _since_boot_us()


def _with_moment(moment_us: int, uuid: str) -> str:
    """The id with another moment in its first 48 bits, which hold milliseconds."""
    digits = f"{moment_us // _MS:012x}"
    return f"{digits[:8]}-{digits[8:]}{uuid[13:]}"


def _since_boot_us() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return "unknown"
