"""Rate limits: counted in Redis for all hosts, else for all processes of this host, in both cases by `limits`."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from flask import Flask
from flask_limiter import Limiter
from limits import RateLimitItem
from limits.strategies import RateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

from filewallball.access.limit_fields import Policy, Standing, policies_of, policy_field
from filewallball.access.limit_stores import LimitStores
from filewallball.counting.counters import Count, HostCounter
from filewallball.counting.redis_counter import RedisCounter
from filewallball.counting.storage import SCHEME, SharedFileStorage
from filewallball.errors import RateLimited
from filewallball.settings.rates import read_limits
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
_QUOTA_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded"
_ROOMS = {"file:upload": UPLOAD, "file:download": DOWNLOAD, "file:view": DOWNLOAD, "file:thumbnail": DOWNLOAD}


@dataclass(frozen=True, slots=True)
class Usage:
    """One limit, and the part of it that a client has left."""

    name: str
    limit: str
    remaining: int
    resets_us: int


@dataclass(frozen=True, slots=True)
class Kind:
    """The limits of one kind of request, and the field that tells of them."""

    policies: tuple[Policy, ...]
    field: str


@dataclass(slots=True)
class Verdict:
    """The refusal of a request that is beyond a limit, and where its client stands with each limit that was asked."""

    refusal: RateLimited | None = None
    standings: list[Standing] = field(default_factory=list)


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
        storage_uri=_storage_uri(settings),
        storage_options=_storage_options(settings),  # type: ignore[arg-type]
    )
    app.extensions.setdefault("limiter", set()).add(limiter)
    limiter.init_app(app)
    return limiter


class Limits:
    """The rate limits of each client. Never raises."""

    def __init__(
        self,
        limiter: Limiter,
        settings: Settings,
        show_degraded: Callable[[bool], None] = lambda is_degraded: None,
    ) -> None:
        self._stores = _stores(limiter.limiter, settings, show_degraded)
        self.items: dict[str, Sequence[RateLimitItem]] = {
            UPLOAD: read_limits(settings.ratelimit_upload),
            DOWNLOAD: read_limits(settings.ratelimit_download),
            API: read_limits(settings.ratelimit_api),
            AUTH: read_limits(settings.ratelimit_auth),
            EXEMPT: (),
        }
        self._shown = (UPLOAD, DOWNLOAD, API, AUTH)
        self.items |= {count: self.items[name] for name, count in PREFLIGHTS.items()}
        self.items[ASSETS] = tuple(_multiplied(item, _ASSETS_OF_A_PAGE) for item in self.items[API])
        self.items[GUESSES] = tuple(_multiplied(item, _GUESSING_CLIENTS) for item in self.items[AUTH])
        self._kinds = {name: _kind(name, items) for name, items in self.items.items()}

    @property
    def are_shared(self) -> bool:
        """True if all hosts count together now."""
        return self._stores.are_shared

    @property
    def are_degraded(self) -> bool:
        """True while Redis does not answer."""
        return self._stores.degraded_since is not None

    def hit(self, name: str, client: str) -> Verdict:
        """Count one towards the limits of that name, up to the first that it is beyond."""
        return self._judge(name, client, self._stores.count)

    def spent(self, name: str, client: str) -> Verdict:
        """The verdict on one more, which is not counted."""
        return self._judge(name, client, self._stores.look)

    def count(self, item: RateLimitItem, name: str, client: str) -> Count:
        """Count one towards any limit."""
        return self._stores.count(item, name, client)

    def usage(self, client: str) -> list[Usage]:
        """The part of each limit that a client has left."""
        found = []
        for name in self._shown:
            for item in self.items[name]:
                count = self._stores.look(item, name, client)
                resets_us = round((time.time() + count.resets_in) * 1e6)
                found.append(Usage(name, str(item), count.remaining, resets_us))
        return found

    def probe(self) -> None:
        """Ask a store that failed whether it is back. For a job, never for a request."""
        self._stores.probe()

    def _judge(self, name: str, client: str, ask: Callable[[RateLimitItem, str, str], Count]) -> Verdict:
        verdict, kind = Verdict(), self._kinds[name]
        for policy in kind.policies:
            standing = Standing(kind.field, policy, ask(policy.item, name, client))
            verdict.standings.append(standing)
            if not standing.count.is_within:
                verdict.refusal = _refusal(name, standing)
                break
        return verdict


def _stores(limiter: RateLimiter, settings: Settings, show_degraded: Callable[[bool], None]) -> LimitStores:
    strategy, storage = type(limiter), limiter.storage
    redis = RedisCounter(limiter) if settings.redis_url else None
    if not isinstance(storage, SharedFileStorage):
        storage = SharedFileStorage(_file_uri(settings), key_prefix=settings.ratelimit_strategy)
    return LimitStores(strategy, HostCounter(strategy, storage), redis, show_degraded)


def _refusal(name: str, standing: Standing) -> RateLimited:
    item, seconds = standing.policy.item, str(standing.seconds)
    return RateLimited(
        f"The limit of {name} requests is {item} for each client.",
        problem_type=_QUOTA_EXCEEDED,
        members={"violated-policies": [standing.policy.name]},
        headers={
            "Retry-After": seconds,
            "RateLimit-Limit": str(item.amount),
            "RateLimit-Remaining": str(standing.count.remaining),
            "RateLimit-Reset": seconds,
        },
        facts={"limit": str(item), "limit_of": name},
    )


def _kind(name: str, items: Sequence[RateLimitItem]) -> Kind:
    policies = policies_of(name, items)
    return Kind(policies, policy_field(policies) if policies else "")


def _multiplied(item: RateLimitItem, factor: int) -> RateLimitItem:
    return type(item)(item.amount * factor, item.multiples, item.namespace)


def _storage_uri(settings: Settings) -> str:
    if not settings.redis_url:
        return _file_uri(settings)
    return settings.redis_url.replace("unix://", "redis+unix://", 1)


def _file_uri(settings: Settings) -> str:
    return f"{SCHEME}:{quote(str(settings.limits_file.absolute()))}"


def _storage_options(settings: Settings) -> dict[str, object]:
    if not settings.redis_url:
        return {"key_prefix": settings.ratelimit_strategy}
    return {
        "key_prefix": f"filewallball:limits:{settings.ratelimit_strategy}",
        "socket_connect_timeout": _TIMEOUT_SECONDS,
        "socket_timeout": _TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
