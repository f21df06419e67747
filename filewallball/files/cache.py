"""Metadata of live files in Redis: what is wanted often is not looked up in the database each time.

A reader fills an entry only where there is none, for 30 seconds; whoever ends a file writes a marker over the entry
before COMMIT, which bars filling for 60. An entry carries the moment at which the database was asked and is worth
nothing 30 seconds later, however late it arrived. So an ended file is never served from here as long as the marker
could be written; where it could not, for 30 seconds at most. Where all files change at once (a restore), a moment is
written down beside the entries: what was asked before it is worth nothing.
"""

import logging
from collections.abc import Callable
from typing import Any

import orjson

from filewallball.clock import now_us
from filewallball.files.rows import FoundFile
from filewallball.files.tables import LIVE

FILL_SECONDS = 30
GONE_SECONDS = 60
GONE = b"gone"
_TIMEOUT_SECONDS = 0.2
_PREFIX = "filewallball:file:1:"
_SINCE = "filewallball:files:since"
_CHANGING_SECONDS = 3600
HIT, MISS, NONE = "hit", "miss", "none"
logger = logging.getLogger("filewallball.cache")


class MetadataCache:
    """Never raises: a Redis that does not answer is a cache that knows nothing."""

    def __init__(self, url: str, is_known_away: Callable[[], bool] = lambda: False) -> None:
        """`is_known_away` says whether another part of the process has found Redis away already."""
        self._is_away = False
        self._is_known_away = is_known_away
        self._client: Any = None
        self._errors: tuple[type[Exception], ...] = ()
        if url:
            import redis  # a seventh of a second, which a command that has no use for it saves
            from redis.backoff import NoBackoff
            from redis.retry import Retry

            self._errors = (redis.RedisError, OSError)
            self._client = redis.Redis.from_url(
                url,
                socket_timeout=_TIMEOUT_SECONDS,
                socket_connect_timeout=_TIMEOUT_SECONDS,
                retry=Retry(NoBackoff(), 0),
            )

    def find(self, file_id: str, look_up: Callable[[], FoundFile | None]) -> tuple[FoundFile | None, str]:
        """Find a file in the cache or by `look_up`; with it hit or miss, or none where the cache was not asked."""
        if self._client is None or self._is_away or self._is_known_away():
            return look_up(), NONE
        answer = self._ask(lambda client: client.mget(_PREFIX + file_id, _SINCE))
        if answer is None:
            return look_up(), NONE
        found, since = answer
        row = self._read(found, since) if found else None
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

    def probe(self) -> None:
        """While Redis is away: ask whether it is back. For a job, so that no request ever waits for that."""
        if self._is_away and self._ask(lambda client: client.ping()):
            self._is_away = False

    def doubt_all(self) -> None:
        """All files are about to change: no entry counts until `forget_all`."""
        self._count_from(now_us() + _CHANGING_SECONDS * 1_000_000, _CHANGING_SECONDS)

    def forget_all(self) -> bool:
        """Drop every file from the cache: all have changed. False where Redis could not be told."""
        return self._count_from(now_us(), 2 * FILL_SECONDS)

    def _count_from(self, since_us: int, seconds: int) -> bool:
        if self._client is None:
            return True
        return self._ask(lambda client: client.set(_SINCE, since_us, ex=seconds)) is not None

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _fill(self, file_id: str, row: FoundFile, asked_us: int) -> None:
        entry = orjson.dumps([asked_us, *row])
        self._ask(lambda client: client.set(_PREFIX + file_id, entry, nx=True, ex=FILL_SECONDS))

    def _read(self, entry: bytes, since: bytes | None = None) -> FoundFile | None:
        if entry == GONE:
            return None
        try:
            asked_us, *values = orjson.loads(entry)
            if asked_us <= int(since or 0) or not 0 <= now_us() - asked_us < FILL_SECONDS * 1_000_000:
                return None
            return FoundFile._make(values)
        except (ValueError, TypeError):
            return None  # somebody else's, or another release's

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        try:
            return question(self._client)
        except self._errors as error:
            self._is_away = True
            logger.debug("Redis does not answer", extra={"error_type": type(error).__name__})
            return None
