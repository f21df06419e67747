"""Floods of equal refusals become one event with a count, so that refusing stays cheap and the log stays readable."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from operator import attrgetter

from uuid_utils import uuid7

from filewallball.clock import now_us
from filewallball.recording.event import Event

PLAIN_PER_MINUTE = 10
_MINUTE_US = 60_000_000
_MINUTE_SECONDS = 60.0
_MAX_KEYS = 10_000
_MAX_KINDS = 100
_flood = attrgetter("action", "error_type", "ip_address", "endpoint")
_counted_by = attrgetter("user_id", "token_id", "file_type", "cache", "link_id", "suspicious", "over_limit")


@dataclass(slots=True)
class _Tally:
    """One flood within a minute of the wall clock, so that a coalesced event never reaches into another hour."""

    minute: int
    began: float
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
        *,
        new_id: Callable[[], str] = lambda: str(uuid7()),
        wall_us: Callable[[], int] = now_us,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._opened = opened
        self._coalesced = coalesced
        self._closed = closed
        self._new_id = new_id
        self._wall_us = wall_us
        self._clock = clock
        self._lock = threading.Lock()
        self._tallies: dict[tuple[object, ...], _Tally] = {}

    def absorb(self, event: Event) -> bool:
        """True if a coalesced event now counts this refusal, False if it stands for itself.

        Raises what the callbacks raise.
        """
        key, kind = _flood(event), _counted_by(event)
        with self._lock:
            tally = self._tallies.get(key)
            if tally is None and len(self._tallies) >= _MAX_KEYS:
                return False
            if tally is None or self._is_over(tally):
                if tally is not None:
                    self._close(tally)
                tally = self._tallies[key] = _Tally(self._minute(), self._clock())
            tally.seen += 1
            if tally.seen <= PLAIN_PER_MINUTE:
                return False
            found = tally.merged.get(kind)
            if found is None and len(tally.merged) >= _MAX_KINDS:
                found = next(iter(tally.merged.values()))  # nobody has so many kinds but to defeat this
            if found is None:
                found = replace(
                    event, event_id=self._new_id(), count=0, file_size=0, trace_id=""
                )  # of many, none
                self._opened(found)
                tally.merged[kind] = found
            self._coalesced(event, found)
            found.count += 1
            return True

    def close_due(self) -> None:
        """Close the coalesced events of minutes that are over."""
        with self._lock:
            self._close_some([key for key, tally in self._tallies.items() if self._is_over(tally)])

    def close_all(self) -> None:
        """Close every coalesced event: the process ends."""
        with self._lock:
            self._close_some(list(self._tallies))

    def _is_over(self, tally: _Tally) -> bool:
        """True in any other minute, as after the clock was set back, and after 60 seconds whatever the clock says."""
        return tally.minute != self._minute() or self._clock() - tally.began >= _MINUTE_SECONDS

    def _minute(self) -> int:
        return self._wall_us() // _MINUTE_US

    def _close_some(self, keys: list[tuple[object, ...]]) -> None:
        for key in keys:
            self._close(self._tallies[key])
            del self._tallies[key]

    def _close(self, tally: _Tally) -> None:
        while tally.merged:
            _, found = tally.merged.popitem()
            if found.count:
                self._closed(found)
