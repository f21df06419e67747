"""Counts in Redis, for all hosts that use it: the library's own scripts, a hit and its standing in one round trip."""

import time
from typing import Any, cast

from limits import RateLimitItem
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, RateLimiter
from redis import Redis
from redis.exceptions import NoScriptError

from filewallball.counting.counters import Count, standing_in_window

Command = tuple[object, ...]


class RedisCounter:
    """Counts by the strategy of a limiter whose storage is in Redis. Its methods raise what the client raises."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._storage = cast(RedisStorage, limiter.storage)
        self._redis = cast(Redis, self._storage.get_connection())
        kinds: dict[type, type[_FixedWindow | _MovingWindow | _SlidingWindow]] = {
            FixedWindowRateLimiter: _FixedWindow,
            MovingWindowRateLimiter: _MovingWindow,
        }
        self._strategy = kinds.get(type(limiter), _SlidingWindow)

    def count(self, item: RateLimitItem, name: str, client: str) -> Count:
        strategy = self._strategy(self._storage, item, name, client)
        hit, *window = self._ask(strategy.hit, *strategy.window)
        remaining, resets_in = strategy.standing(hit, window)
        return Count(strategy.is_within(hit), max(0, remaining), resets_in)

    def look(self, item: RateLimitItem, name: str, client: str) -> Count:
        strategy = self._strategy(self._storage, item, name, client)
        remaining, resets_in = strategy.standing(None, self._ask(*strategy.look))
        return Count(remaining > 0, max(0, remaining), resets_in)

    def _ask(self, *commands: Command) -> list[Any]:
        try:
            return self._send(commands)
        except NoScriptError:
            self._load()
            return self._send(commands)

    def _send(self, commands: tuple[Command, ...]) -> list[Any]:
        with self._redis.pipeline(transaction=True) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
            return list(pipeline.execute())

    def _load(self) -> None:
        storage = self._storage
        for script in (
            storage.lua_incr_expire,
            storage.lua_acquire_moving_window,
            storage.lua_moving_window,
            storage.lua_acquire_sliding_window,
            storage.lua_sliding_window,
        ):
            self._redis.script_load(script.script)


class _Strategy:
    """The commands that count a hit, and those that tell where a client stands afterwards."""

    hit: Command
    window: tuple[Command, ...]

    def __init__(self, storage: RedisStorage, item: RateLimitItem, name: str, client: str) -> None:
        self._item = item
        self._seconds = item.get_expiry()
        self._prepare(storage, item.key_for(name, client))

    @property
    def look(self) -> tuple[Command, ...]:
        return self.window

    def is_within(self, hit: Any) -> bool:
        return bool(hit)

    def _prepare(self, storage: RedisStorage, key: str) -> None:
        raise NotImplementedError


class _FixedWindow(_Strategy):
    def _prepare(self, storage: RedisStorage, key: str) -> None:
        key = storage.prefixed_key(key)
        self.hit = ("EVALSHA", storage.lua_incr_expire.sha, 1, key, self._seconds, 1)
        self.window = (("GET", key), ("PTTL", key))

    def is_within(self, hit: Any) -> bool:
        return int(hit) <= self._item.amount

    def standing(self, hit: Any, window: list[Any]) -> tuple[int, float]:
        count, milliseconds = window
        return self._item.amount - int(count or 0), max(0, milliseconds) / 1000


class _MovingWindow(_Strategy):
    def _prepare(self, storage: RedisStorage, key: str) -> None:
        key = storage.prefixed_key(key)
        self._now = time.time()
        amount, began = self._item.amount, self._now - self._seconds
        self.hit = (
            *("EVALSHA", storage.lua_acquire_moving_window.sha, 1, key),
            *(self._now, amount, self._seconds, 1),
        )
        self.window = (("EVALSHA", storage.lua_moving_window.sha, 1, key, began, amount),)

    def standing(self, hit: Any, window: list[Any]) -> tuple[int, float]:
        began, count = (float(window[0][0]), int(window[0][1])) if window[0] else (self._now, 0)
        return self._item.amount - count, began + self._seconds - self._now


class _SlidingWindow(_Strategy):
    def _prepare(self, storage: RedisStorage, key: str) -> None:
        keys = storage.prefixed_key(f"{{{key}}}/-1"), storage.prefixed_key(f"{{{key}}}")
        self.hit = (
            *("EVALSHA", storage.lua_acquire_sliding_window.sha, 2, *keys),
            *(self._item.amount, self._seconds, 1),
        )
        self.window = (("EVALSHA", storage.lua_sliding_window.sha, 2, *keys, self._seconds),)

    def standing(self, hit: Any, window: list[Any]) -> tuple[int, float]:
        earlier, earlier_ms, count, count_ms = (max(0, int(value or 0)) for value in window[0])
        asked = self._item.amount, self._seconds
        return standing_in_window(*asked, (earlier, earlier_ms / 1000, count, count_ms / 1000))
