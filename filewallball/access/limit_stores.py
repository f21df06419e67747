"""The stores of rate limit counts: Redis for all hosts, else the host's file, else this process's memory.

While Redis answers, what it lets through is also counted in the file. So a client gets no more than its limit from this
host when Redis goes, nor when it is back and knows nothing of what was counted meanwhile.
"""

import logging
import time
from collections.abc import Callable

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.strategies import RateLimiter

from filewallball.clock import steady_seconds
from filewallball.counting.counters import Count, Counter, HostCounter, ProcessCounter
from filewallball.counting.redis_counter import RedisCounter

_SET_BACK_SECONDS = 1.0
_PROBE = RateLimitItemPerSecond(1_000_000)
logger = logging.getLogger("filewallball.access")


class LimitStores:
    """Counts in the best store there is; never raises. `redis` is None where the service has none."""

    def __init__(
        self,
        strategy: type[RateLimiter],
        host: HostCounter,
        redis: RedisCounter | None,
        show_degraded: Callable[[bool], None],
    ) -> None:
        self._strategy = strategy
        self._host = host
        self._redis = redis
        self._process: ProcessCounter | None = None
        self._host_is_lost = False
        self._clock_offset = _clock_offset()
        self._show_degraded = show_degraded
        self.degraded_since: float | None = None
        """The time on the process's clock since which Redis does not answer."""

    @property
    def are_shared(self) -> bool:
        """True if all hosts count together now."""
        return self._redis is not None and self.degraded_since is None

    def count(self, item: RateLimitItem, name: str, client: str) -> Count:
        """Count one towards a limit."""
        found = self._ask_redis(lambda redis: redis.count(item, name, client))
        if found is not None:
            return self._also(found, lambda host: host.also_count(item, name, client))
        is_apart = self._redis is not None
        return self._ask_host(
            lambda host: host.count(item, name, client, is_apart=is_apart),
            lambda process: process.count(item, name, client),
        )

    def look(self, item: RateLimitItem, name: str, client: str) -> Count:
        """The standing of a client, without counting."""
        found = self._ask_redis(lambda redis: redis.look(item, name, client))
        if found is not None:
            return self._also(found, lambda host: host.also_look(item, name, client))
        return self._ask_host(
            lambda host: host.look(item, name, client), lambda process: process.look(item, name, client)
        )

    def probe(self) -> None:
        """Ask what failed whether it is back, and follow the host's file. For a job, never for a request."""
        self._notice_clock()
        self._probe_host()
        if self.degraded_since is not None:
            self._probe_redis(self.degraded_since)

    def _ask_redis(self, ask: Callable[[RedisCounter], Count]) -> Count | None:
        """Redis's answer; None where there is no Redis, or none that answers."""
        if self._redis is None or self.degraded_since is not None:
            return None
        try:
            return ask(self._redis)
        except Exception as error:
            self._lose_redis(error)
            return None

    def _also(self, found: Count, ask: Callable[[HostCounter], Count | None]) -> Count:
        """The count of Redis; or that of the host, where that is less and Redis was away for some of it."""
        if not found.is_within or self._host_is_lost:
            return found
        try:
            of_host = ask(self._host)
        except OSError as error:
            self._lose_host(error)
            return found
        if of_host is None or (of_host.is_within and of_host.remaining >= found.remaining):
            return found
        return of_host

    def _ask_host(
        self, ask: Callable[[HostCounter], Count], ask_process: Callable[[Counter], Count]
    ) -> Count:
        if not self._host_is_lost:
            try:
                return ask(self._host)
            except OSError as error:
                self._lose_host(error)
        self._process = self._process or ProcessCounter(self._strategy)
        return ask_process(self._process)

    def _lose_redis(self, error: Exception) -> None:
        if self.degraded_since is None:
            self.degraded_since = time.monotonic()
            logger.warning(
                "Redis does not answer: each host counts rate limits alone",
                extra={"error_type": type(error).__name__},
            )
            self._show_degraded(True)

    def _probe_redis(self, degraded_since: float) -> None:
        try:
            self._redis.count(_PROBE, "probe", "")  # type: ignore[union-attr]
        except Exception as error:
            logger.debug("Redis still does not answer", extra={"error_type": type(error).__name__})
            return
        logger.info("Rate limits are shared again", extra={"seconds": time.monotonic() - degraded_since})
        self.degraded_since = None
        self._show_degraded(False)

    def _lose_host(self, error: OSError) -> None:
        if not self._host_is_lost:
            self._host_is_lost = True
            logger.error(
                "The host's file of rate limits cannot be used: this process counts alone",
                extra={"error_type": type(error).__name__, "reason": str(error)},
            )

    def _probe_host(self) -> None:
        try:
            self._host.follow(is_lost=self._host_is_lost)
        except OSError as error:
            self._lose_host(error)
            return
        if self._host_is_lost:
            self._host_is_lost = False
            logger.info("Rate limits are counted in the host's file again")

    def _notice_clock(self) -> None:
        """Begin to count anew where the clock was set back: counts in memory end by it, and would last so much longer.

        What Redis counts ends by Redis, and what the host counts by the steady clock.
        """
        before, self._clock_offset = self._clock_offset, _clock_offset()
        if self._process is not None and before - self._clock_offset >= _SET_BACK_SECONDS:
            self._process.reset()


def _clock_offset() -> float:
    """The time by which the wall clock is ahead of the one that nobody sets; it changes only where it is set."""
    return time.time() - steady_seconds()
