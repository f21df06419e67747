"""Rate limits through flask-limiter: shared by all workers in Redis, counted in each worker while that is away."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from flask import Flask
from flask_limiter import Limiter
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import RateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

from filewallball.clock import steady_seconds
from filewallball.errors import RateLimited
from filewallball.settings.service import Settings

UPLOAD, DOWNLOAD, API, AUTH = "upload", "download", "api", "auth"
PREFLIGHTS = {name: f"{name} preflight" for name in (UPLOAD, DOWNLOAD, API)}
"""The count of the preflights that announce requests of each kind."""
ASSETS = "asset"
_ASSETS_OF_A_PAGE = 10
GUESSES = "guess"
"""The count of guesses at one password by all clients together."""
_GUESSING_CLIENTS = 10
EXEMPT = ""
"""Probes and metrics: blocked addresses and wrong credentials are refused there too, but nothing is counted."""
_TIMEOUT_SECONDS = 0.2
_SET_BACK_SECONDS = 1.0
_PROBE = RateLimitItemPerSecond(1_000_000)
_ROOMS = {"file:upload": UPLOAD, "file:download": DOWNLOAD, "file:view": DOWNLOAD, "file:thumbnail": DOWNLOAD}
T = TypeVar("T")
logger = logging.getLogger("filewallball.access")


@dataclass(frozen=True, slots=True)
class Usage:
    """One limit, and the part of it that a client has left."""

    name: str
    limit: str
    remaining: int
    resets_us: int


def bucket_of(action: str) -> str:
    """The limit that an operation counts towards."""
    return _ROOMS.get(action, API)


def build_limiter(app: Flask, settings: Settings) -> Limiter:
    """The app's Limiter, without its hooks: they cost every request 40 µs, and the gate asks only where a limit is set.

    The strategy is part of the key, because each keeps values of another type under it.
    """
    limiter = Limiter(
        lambda: "",
        strategy=settings.ratelimit_strategy,
        storage_uri=_storage_uri(settings.redis_url),
        storage_options=_storage_options(settings),  # type: ignore[arg-type]
    )
    app.extensions.setdefault("limiter", set()).add(limiter)
    limiter.init_app(app)
    return limiter


class Limits:
    """The rate limits of each client. Never raises: a store that fails is replaced by this process's own counts."""

    def __init__(
        self,
        limiter: Limiter,
        settings: Settings,
        show_degraded: Callable[[bool], None] = lambda is_degraded: None,
    ) -> None:
        self._shared: RateLimiter = limiter.limiter
        self._local = type(self._shared)(MemoryStorage())
        self._is_shared = bool(settings.redis_url)
        self.degraded_since: float | None = None
        self._clock_offset = _clock_offset()
        self._show_degraded = show_degraded
        self.items: dict[str, Sequence[RateLimitItem]] = {
            UPLOAD: settings.ratelimit_upload,
            DOWNLOAD: settings.ratelimit_download,
            API: settings.ratelimit_api,
            AUTH: settings.ratelimit_auth,
            EXEMPT: (),
        }
        self._shown = (UPLOAD, DOWNLOAD, API, AUTH)
        self.items |= {count: self.items[name] for name, count in PREFLIGHTS.items()}
        self.items[ASSETS] = tuple(_multiplied(item, _ASSETS_OF_A_PAGE) for item in settings.ratelimit_api)
        self.items[GUESSES] = tuple(_multiplied(item, _GUESSING_CLIENTS) for item in settings.ratelimit_auth)

    @property
    def are_shared(self) -> bool:
        """True if all workers count together now."""
        return self._is_shared and self.degraded_since is None

    def hit(self, name: str, client: str) -> RateLimited | None:
        """Count one towards the named limit; the refusal if that is beyond it."""
        for item in self.items[name]:
            if not self.count(item, name, client):
                return self._refusal(item, name, client)
        return None

    def spent(self, name: str, client: str) -> RateLimited | None:
        """The refusal if the limit leaves no bucket for one more; counts nothing."""
        for item in self.items[name]:
            if not self._ask(lambda limiter, item=item: limiter.test(item, name, client)):  # type: ignore[misc]
                return self._refusal(item, name, client)
        return None

    def count(self, item: RateLimitItem, name: str, client: str) -> bool:
        """Count one towards any limit; False beyond it."""
        return self._ask(lambda limiter: limiter.hit(item, name, client))

    def usage(self, client: str) -> list[Usage]:
        """The part of each limit that a client has left."""
        found = []
        for name in self._shown:
            for item in self.items[name]:
                reset, remaining = self._stats(item, name, client)
                found.append(Usage(name, str(item), remaining, round(reset * 1e6)))
        return found

    def probe(self) -> None:
        """While the store is away: ask whether it is back. For a job, never for a request."""
        self._notice_clock()
        if self.degraded_since is None:
            return
        try:
            self._shared.hit(_PROBE, "probe")
        except Exception:
            return
        logger.info("Rate limits are shared again", extra={"seconds": time.monotonic() - self.degraded_since})
        self.degraded_since = None
        self._show_degraded(False)

    def _notice_clock(self) -> None:
        """Begin to count anew where the clock was set back: counts in memory end by it, and would last so much longer.

        What Redis counts ends by Redis.
        """
        before, self._clock_offset = self._clock_offset, _clock_offset()
        if before - self._clock_offset < _SET_BACK_SECONDS:
            return
        for limiter in (self._shared, self._local):
            if isinstance(limiter.storage, MemoryStorage):
                limiter.storage.reset()
        logger.warning("The clock was set back: rate limits in memory are counted anew")

    def _ask(self, question: Callable[[RateLimiter], T]) -> T:
        if self.degraded_since is None:
            try:
                return question(self._shared)
            except Exception as error:
                if not self._is_shared:
                    raise
                self._degrade(error)
        return question(self._local)

    def _degrade(self, error: Exception) -> None:
        if self.degraded_since is None:
            self.degraded_since = time.monotonic()
            logger.warning(
                "Redis does not answer: each worker counts rate limits alone",
                extra={"error_type": type(error).__name__},
            )
            self._show_degraded(True)

    def _stats(self, item: RateLimitItem, name: str, client: str) -> tuple[float, int]:
        stats = self._ask(lambda limiter: limiter.get_window_stats(item, name, client))
        return stats.reset_time, max(0, stats.remaining)

    def _refusal(self, item: RateLimitItem, name: str, client: str) -> RateLimited:
        reset, remaining = self._stats(item, name, client)
        seconds = max(1, math.ceil(reset - time.time()))
        return RateLimited(
            f"The limit of {name} requests is {item} for each client.",
            headers={
                "Retry-After": str(seconds),
                "RateLimit-Limit": str(item.amount),
                "RateLimit-Remaining": str(remaining),
                "RateLimit-Reset": str(seconds),
                "RateLimit-Policy": f"{item.amount};w={item.get_expiry()}",
            },
            facts={"limit": str(item), "limit_of": name},
        )


def _clock_offset() -> float:
    """The time by which the wall clock is ahead of the one that nobody sets; it changes only where it is set."""
    return time.time() - steady_seconds()


def _multiplied(item: RateLimitItem, factor: int) -> RateLimitItem:
    return type(item)(item.amount * factor, item.multiples, item.namespace)


def _storage_uri(redis_url: str) -> str:
    return redis_url.replace("unix://", "redis+unix://", 1) if redis_url else "memory://"


def _storage_options(settings: Settings) -> dict[str, object]:
    if not settings.redis_url:
        return {}
    return {
        "key_prefix": f"filewallball:limits:{settings.ratelimit_strategy}",
        "socket_connect_timeout": _TIMEOUT_SECONDS,
        "socket_timeout": _TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
