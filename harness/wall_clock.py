"""A wall clock that a test sets for a service while it runs; the clocks that nobody can set go on as they are."""

import time
from pathlib import Path

from harness import ROOT

_LIBRARIES = Path("/usr/lib")
_MINUTE = 60


class WallClock:
    """`environment` is what processes need that shall follow this clock, through libfaketime."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)
        (library,) = _LIBRARIES.glob("*/faketime/libfaketimeMT.so.1")
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "PYTHONPATH": f"{ROOT / 'harness/faketime'}:{ROOT}",
        }

    def set(self, ahead_seconds: int) -> None:
        """Set the clock so far ahead of the host's, or behind it."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead_seconds:+d}\n")
        new.replace(self._file)

    def set_near_minutes_end(self, ahead_seconds: int, left_seconds: int) -> None:
        """As `set`, but up to a minute further ahead: only so many seconds of a minute are left.

        What waits for the next minute of this clock waits no longer than that.
        """
        second = int(time.time() + ahead_seconds) % _MINUTE
        self.set(ahead_seconds + (_MINUTE - left_seconds - second) % _MINUTE)
