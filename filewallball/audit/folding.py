"""Floods of equal refusals become one event with a count, so that refusing stays cheap and the log stays readable."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from uuid_utils import uuid7

from filewallball.event import Event

PLAIN_PER_MINUTE = 10
_MAX_KEYS = 10_000


@dataclass(slots=True)
class _Tally:
    minute: int
    seen: int = 0
    fold: Event | None = None


class Folds:
    """Per worker: ten refusals of one (action, code, client, endpoint) a minute stand alone, more are counted.

    The three callbacks write to the journal. A refusal counts only once its own line says so, and a fold is closed
    after all of them: whenever the process dies, the lines alone tell how many a fold holds.
    """

    def __init__(
        self,
        opened: Callable[[Event], None],
        folded: Callable[[Event, Event], None],
        closed: Callable[[Event], None],
    ) -> None:
        self._opened = opened
        self._folded = folded
        self._closed = closed
        self._lock = threading.Lock()
        self._tallies: dict[tuple[str, str, str, str], _Tally] = {}

    def absorb(self, event: Event) -> bool:
        """Whether a fold now counts this refusal; else it stands for itself. Raises what the callbacks raise."""
        key = (event.action, event.error_type, event.ip_address, event.endpoint)
        minute = event.timestamp_us // 60_000_000
        with self._lock:
            tally = self._tallies.get(key)
            if tally is None and len(self._tallies) >= _MAX_KEYS:
                return False
            if tally is None or tally.minute < minute:
                if tally is not None:
                    self._close(tally)
                tally = self._tallies[key] = _Tally(minute)
            tally.seen += 1
            if tally.seen <= PLAIN_PER_MINUTE:
                return False
            if tally.fold is None:
                fold = replace(event, event_id=str(uuid7()), count=0, file_size=0)  # of many bodies none
                self._opened(fold)
                tally.fold = fold
            self._folded(event, tally.fold)
            tally.fold.count += 1
            return True

    def close_before(self, now_us: int) -> None:
        """Close the folds of minutes that are over; with a time far ahead, all of them (a worker's end)."""
        minute = now_us // 60_000_000
        with self._lock:
            for key in [key for key, tally in self._tallies.items() if tally.minute < minute]:
                self._close(self._tallies[key])
                del self._tallies[key]

    def _close(self, tally: _Tally) -> None:
        fold, tally.fold = tally.fold, None
        if fold is not None and fold.count:
            self._closed(fold)
