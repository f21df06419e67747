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
    """Per worker: ten refusals of one (action, code, client, endpoint) a minute stand alone, more are counted."""

    def __init__(self, opened: Callable[[Event], None], closed: Callable[[Event], None]) -> None:
        self._opened = opened
        self._closed = closed
        self._lock = threading.Lock()
        self._tallies: dict[tuple[str, str, str, str], _Tally] = {}

    def absorb(self, event: Event) -> Event | None:
        """The event that now counts this refusal too, or None where it stands for itself."""
        key = (event.action, event.error_type, event.ip_address, event.endpoint)
        minute = event.timestamp_us // 60_000_000
        with self._lock:
            tally = self._tallies.get(key)
            if tally is None or tally.minute != minute:
                if tally is not None:
                    self._close(tally)
                elif len(self._tallies) >= _MAX_KEYS:
                    return None
                tally = self._tallies[key] = _Tally(minute)
            tally.seen += 1
            if tally.seen <= PLAIN_PER_MINUTE:
                return None
            if tally.fold is None:
                tally.fold = replace(event, event_id=str(uuid7()), count=0)
                self._opened(tally.fold)
            tally.fold.count += 1
            return tally.fold

    def close_before(self, now_us: int) -> None:
        """Close the folds of minutes that are over; with a time far ahead, all of them (a worker's end)."""
        minute = now_us // 60_000_000
        with self._lock:
            for key in [key for key, tally in self._tallies.items() if tally.minute < minute]:
                self._close(self._tallies.pop(key))

    def _close(self, tally: _Tally) -> None:
        if tally.fold is not None:
            self._closed(tally.fold)
            tally.fold = None
