"""Floods of equal refusals become one event with a count, so that refusing stays cheap and the log stays readable."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from operator import attrgetter

from uuid_utils import uuid7

from filewallball.recording.event import Event

PLAIN_PER_MINUTE = 10
_MAX_KEYS = 10_000
_MAX_FOLDS = 100
_flood = attrgetter("action", "error_type", "ip_address", "endpoint")
_counted_by = attrgetter("user_id", "token_id", "file_type", "cache", "suspicious", "over_limit")


@dataclass(slots=True)
class _Tally:
    minute: int
    seen: int = 0
    folds: dict[tuple[object, ...], Event] = field(default_factory=dict)


class Folds:
    """Per worker: ten refusals of one (action, code, client, endpoint) a minute stand alone, more are counted.

    Those that statistics or metrics tell apart are counted apart, so that a fold says the same of all that it holds.
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
        self._tallies: dict[tuple[object, ...], _Tally] = {}

    def absorb(self, event: Event) -> bool:
        """Whether a fold now counts this refusal; else it stands for itself. Raises what the callbacks raise."""
        key, kind = _flood(event), _counted_by(event)
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
            fold = tally.folds.get(kind)
            if fold is None and len(tally.folds) >= _MAX_FOLDS:
                fold = next(iter(tally.folds.values()))  # nobody has so many kinds but to defeat this
            if fold is None:
                fold = replace(event, event_id=str(uuid7()), count=0, file_size=0)  # of many bodies none
                self._opened(fold)
                tally.folds[kind] = fold
            self._folded(event, fold)
            fold.count += 1
            return True

    def close_before(self, now_us: int) -> None:
        """Close the folds of minutes that are over; with a time far ahead, all of them (a worker's end)."""
        minute = now_us // 60_000_000
        with self._lock:
            for key in [key for key, tally in self._tallies.items() if tally.minute < minute]:
                self._close(self._tallies[key])
                del self._tallies[key]

    def _close(self, tally: _Tally) -> None:
        while tally.folds:
            _, fold = tally.folds.popitem()
            if fold.count:
                self._closed(fold)
