"""Counting one request and learning where its client stands, in one go, whatever keeps the counts."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import floor
from typing import Protocol, TypeVar

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import RateLimiter, SlidingWindowCounterRateLimiter

from filewallball.counting.host_file import Damaged
from filewallball.counting.storage import SharedFileStorage

_TRIES = 3
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Count:
    """The standing of a client: whether the request is within the limit, what is left, and when there will be more.

    `is_own` is False where others were counted with it, or the count was lost: that says nothing about this client.
    """

    is_within: bool
    remaining: int
    resets_in: float
    is_own: bool = True


_UNASKED = Count(is_within=True, remaining=0, resets_in=0.0)


class _Asked(RateLimitItem):
    """A limit whose key for one client is composed once, however often it is asked for."""

    __slots__ = ("_expiry", "_key")

    def __init__(self, item: RateLimitItem, name: str, client: str) -> None:
        self.amount = item.amount
        self._expiry = item.get_expiry()
        self._key = item.key_for(name, client)

    def get_expiry(self) -> int:
        return self._expiry

    def key_for(self, *identifiers: bytes | str | float) -> str:
        return self._key


class Counter(Protocol):
    """Something that counts. `look` counts nothing, and is within as long as one more would be."""

    def count(self, item: RateLimitItem, name: str, client: str) -> Count: ...

    def look(self, item: RateLimitItem, name: str, client: str) -> Count: ...


class ProcessCounter:
    """Counts for one process, in memory."""

    def __init__(self, strategy: type[RateLimiter]) -> None:
        self._limiter = strategy(MemoryStorage())

    def count(self, item: RateLimitItem, name: str, client: str) -> Count:
        return _count(self._limiter, item, name, client)

    def look(self, item: RateLimitItem, name: str, client: str) -> Count:
        return _look(self._limiter, item, name, client)

    def reset(self) -> None:
        """Begin anew."""
        self._limiter.storage.reset()


class HostCounter:
    """Counts for all processes of the host. Its methods raise OSError where the file cannot be used."""

    def __init__(self, strategy: type[RateLimiter], storage: SharedFileStorage) -> None:
        self._storage = storage
        self._limiter = strategy(storage)
        self._slides = strategy is SlidingWindowCounterRateLimiter

    def count(self, item: RateLimitItem, name: str, client: str, *, is_apart: bool = False) -> Count:
        """Counts; `is_apart` marks the count, because a store that more hosts share does not know of it."""
        if self._slides:  # the strategy of nearly all: asked in one go, without the library
            return self._ask(partial(self._slide, item, item.key_for(name, client)), is_apart)[0]
        asked = _Asked(item, name, client)
        return self._ask(lambda: _count(self._limiter, asked, name, client), is_apart)[0]

    def look(self, item: RateLimitItem, name: str, client: str) -> Count:
        asked = _Asked(item, name, client)
        return self._ask(lambda: _look(self._limiter, asked, name, client))[0]

    def also_count(self, item: RateLimitItem, name: str, client: str) -> Count | None:
        """Count what a store that more hosts share has let through; the count if that store lacks some of it."""
        asked = _Asked(item, name, client)

        def question() -> Count:
            is_within = self._limiter.hit(asked, name, client)
            if not self._storage.met_apart:
                return _UNASKED
            return _standing(self._limiter, is_within, asked, name, client)

        return self._if_apart(question)

    def also_look(self, item: RateLimitItem, name: str, client: str) -> Count | None:
        """The standing of a client, if a store that more hosts share lacks some of the count."""
        return self._if_apart(lambda: _look(self._limiter, item, name, client))

    def follow(self, *, is_lost: bool) -> None:
        """Notice another file in the place of this one; try one that was lost. For a job, never for a request."""
        self._storage.file.follow()
        if is_lost:
            self._storage.check()

    def _slide(self, item: RateLimitItem, key: str) -> Count:
        """Count as `SlidingWindowCounterRateLimiter` does."""
        seconds = item.get_expiry()
        is_within, window = self._storage.slide(key, item.amount, seconds)
        remaining, resets_in = standing_in_window(item.amount, seconds, window)
        return Count(is_within, max(0, remaining), resets_in)

    def _if_apart(self, question: Callable[[], Count]) -> Count | None:
        found, is_apart = self._ask(question)
        return found if is_apart else None

    def _ask(self, question: Callable[[], Count], is_apart: bool = False) -> tuple[Count, bool]:
        storage = self._storage
        with storage.file as file:
            for _ in range(_TRIES):
                storage.is_apart, storage.met_apart, storage.met_common = is_apart, False, False
                try:
                    found = question()
                except Damaged:
                    file.replace()
                    continue
                if storage.met_common or file.now < storage.lost_until:
                    found = replace(found, is_own=False)
                return found, storage.met_apart
        raise OSError("the file of counts is damaged again and again")


def standing_in_window(amount: int, seconds: int, window: tuple[int, float, int, float]) -> tuple[int, float]:
    """The rest of a sliding window, and when there will be more, as `SlidingWindowCounterRateLimiter` has it."""
    earlier, earlier_seconds, count, count_seconds = window
    remaining = amount - floor(earlier * earlier_seconds / seconds + count)
    waits = []
    if earlier:
        waits.append(earlier_seconds % (seconds / earlier))
    if count:  # it is kept for two windows: of a hit in this very moment both are left
        waits.append(count_seconds % seconds or seconds)
    return remaining, min(waits, default=0.0)


def _count(limiter: RateLimiter, item: RateLimitItem, name: str, client: str) -> Count:
    return _standing(limiter, limiter.hit(item, name, client), item, name, client)


def _standing(limiter: RateLimiter, is_within: bool, item: RateLimitItem, name: str, client: str) -> Count:
    stats = limiter.get_window_stats(item, name, client)
    return Count(is_within, max(0, stats.remaining), stats.reset_time - time.time())


def _look(limiter: RateLimiter, item: RateLimitItem, name: str, client: str) -> Count:
    stats = limiter.get_window_stats(item, name, client)
    return Count(stats.remaining > 0, max(0, stats.remaining), stats.reset_time - time.time())
