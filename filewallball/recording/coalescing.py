"""Floods of equal refusals become one event with a count, so that refusing stays cheap and the log stays readable."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from operator import attrgetter

from uuid_utils import uuid7

from filewallball.recording.event import Event

PLAIN_PER_MINUTE = 10
_MAX_KEYS = 10_000
_MAX_KINDS = 100
_flood = attrgetter("action", "error_type", "ip_address", "endpoint")
_counted_by = attrgetter("user_id", "token_id", "file_type", "cache", "suspicious", "over_limit")


@dataclass(slots=True)
class _Tally:
    minute: int
    seen: int = 0
    merged: dict[tuple[object, ...], Event] = field(default_factory=dict)


class Coalescer:
    """Per worker: ten refusals of one (action, code, client, endpoint) a minute stand alone, more are counted.

    Those that statistics or metrics tell apart are counted apart, so that a coalesced event says the same of
    all that it counts.
    The three callbacks write to the journal. A refusal counts only once its own line says so, and a coalesced event is
    closed after all of them: whenever the process dies, the lines alone tell how many it counts.
    """

    def __init__(
        self,
        opened: Callable[[Event], None],
        coalesced: Callable[[Event, Event], None],
        closed: Callable[[Event], None],
    ) -> None:
        self._opened = opened
        self._coalesced = coalesced
        self._closed = closed
        self._lock = threading.Lock()
        self._tallies: dict[tuple[object, ...], _Tally] = {}

    def absorb(self, event: Event) -> bool:
        """True if a coalesced event now counts this refusal, False if it stands for itself.

        Raises what the callbacks raise.
        """
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
            found = tally.merged.get(kind)
            if found is None and len(tally.merged) >= _MAX_KINDS:
                found = next(iter(tally.merged.values()))  # nobody has so many kinds but to defeat this
            if found is None:
                found = replace(event, event_id=str(uuid7()), count=0, file_size=0)  # of many bodies none
                self._opened(found)
                tally.merged[kind] = found
            self._coalesced(event, found)
            found.count += 1
            return True

    def close_before(self, now_us: int) -> None:
        """Close the coalesced events of minutes that are over; with a time far ahead, all of them (a worker's end)."""
        minute = now_us // 60_000_000
        with self._lock:
            for key in [key for key, tally in self._tallies.items() if tally.minute < minute]:
                self._close(self._tallies[key])
                del self._tallies[key]

    def _close(self, tally: _Tally) -> None:
        while tally.merged:
            _, found = tally.merged.popitem()
            if found.count:
                self._closed(found)
