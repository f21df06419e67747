"""A process's memory of sums that it has computed, for as long as they cannot have changed."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")
_MOST = 128


class Cache:
    """The most recently used results, each with the version of the data that it was computed from."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, tuple[Hashable, Any]] = OrderedDict()

    def get(self, key: Hashable, version: Hashable, compute: Callable[[], T]) -> T:
        """The result of `compute` for this key and version, computed unless it is kept. Nobody may change it."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None and found[0] == version:
                self._kept.move_to_end(key)
                known: T = found[1]
                return known
        return self._keep(key, version, compute())

    def follow(self, key: Hashable, advance: Callable[[T | None], T]) -> T:
        """Replace the value kept for the key by `advance(value)`, or `advance(None)` at first. Nobody may change it."""
        with self._lock:
            _, last = self._kept.get(key, (None, None))
        return self._keep(key, None, advance(last))

    def _keep(self, key: Hashable, version: Hashable, result: T) -> T:
        with self._lock:
            self._kept[key] = version, result
            self._kept.move_to_end(key)
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return result
