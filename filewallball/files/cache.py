"""Metadata of live files in Redis: what is wanted often is not looked up in the database each time.

A reader fills an entry only where there is none, for 30 seconds; whoever ends a file writes a marker over the entry
before COMMIT, which bars filling for 60. An entry carries the moment at which the database was asked and is worth
nothing 30 seconds later, however late it arrived. So an ended file is never served from here as long as the marker
could be written; where it could not, for 30 seconds at most.
"""

import logging
import time
from collections import namedtuple
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from filewallball.clock import now_us
from filewallball.files.models import LIVE

FILL_SECONDS = 30
GONE_SECONDS = 60
GONE = b"gone"
_TIMEOUT_SECONDS = 0.25
_PAUSE_SECONDS = 2.0
_PREFIX = "filewallball:file:1:"
HIT, MISS, NONE = "hit", "miss", "none"
logger = logging.getLogger("filewallball.cache")


class MetadataCache:
    """Rows with the named columns. Never raises: a Redis that does not answer is a cache that knows nothing."""

    def __init__(self, url: str, columns: Iterable[str]) -> None:
        self._names = tuple(columns)
        self._row = _row_type(self._names)
        self._paused_until = 0.0
        self._client: Any = None
        if url:
            self._client = redis.Redis.from_url(
                url,
                socket_timeout=_TIMEOUT_SECONDS,
                socket_connect_timeout=_TIMEOUT_SECONDS,
                retry=Retry(NoBackoff(), 0),
            )

    def find(self, file_id: str, look_up: Callable[[], Any]) -> tuple[Any, str]:
        """The row, from here or by `look_up`, and whether it was here: hit, miss, or none where nobody was asked."""
        if self._client is None or time.monotonic() < self._paused_until:
            return look_up(), NONE
        found = self._ask(lambda client: client.get(_PREFIX + file_id))
        if time.monotonic() < self._paused_until:
            return look_up(), NONE
        row = self._read(found) if found else None
        if row is not None:
            return row, HIT
        asked_us = now_us()
        row = look_up()
        if row is not None and row.state == LIVE and found != GONE:
            self._fill(file_id, row, asked_us)
        return row, MISS

    def forget(self, file_id: str) -> None:
        """The file is about to end: bar its entry. Call it before COMMIT, however often Redis failed lately."""
        if self._client is None:
            return
        if self._ask(lambda client: client.set(_PREFIX + file_id, GONE, ex=GONE_SECONDS)) is None:
            logger.warning("A file ends without a word to the cache", extra={"file_id": file_id})

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _fill(self, file_id: str, row: Any, asked_us: int) -> None:
        entry = orjson.dumps([asked_us, *(getattr(row, name) for name in self._names)])
        self._ask(lambda client: client.set(_PREFIX + file_id, entry, nx=True, ex=FILL_SECONDS))

    def _read(self, entry: bytes) -> Any:
        if entry == GONE:
            return None
        try:
            asked_us, *values = orjson.loads(entry)
            if not 0 <= now_us() - asked_us < FILL_SECONDS * 1_000_000:
                return None
            return self._row(*values)
        except (ValueError, TypeError):
            return None  # somebody else's, or another release's

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        try:
            return question(self._client)
        except (redis.RedisError, OSError) as error:
            self._paused_until = time.monotonic() + _PAUSE_SECONDS
            logger.debug("Redis does not answer", extra={"error_type": type(error).__name__})
            return None


def _row_type(names: tuple[str, ...]) -> Any:
    return namedtuple("CachedRow", names)
