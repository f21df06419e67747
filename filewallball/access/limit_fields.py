"""RateLimit-Policy and RateLimit as the IETF's draft has them (draft-ietf-httpapi-ratelimit-headers)."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from http_sfv import Item, List  # type: ignore[attr-defined]
from limits import RateLimitItem

from filewallball.counting.counters import Count

_ROUNDING = 0.001
"""The seconds that Redis and floating point may have added to a whole window."""
Fields = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Policy:
    """One limit under the name by which answers speak of it."""

    name: str
    item: RateLimitItem


@dataclass(frozen=True, slots=True)
class Standing:
    """The standing of a client with one policy; `policies` is the field that lists it with those of the same kind."""

    policies: str
    policy: Policy
    count: Count

    @property
    def seconds(self) -> int:
        """Whole seconds until there is more."""
        return max(1, math.ceil(self.count.resets_in - _ROUNDING))


def policies_of(kind: str, items: Iterable[RateLimitItem]) -> tuple[Policy, ...]:
    """The policies of a kind of request: named as the kind, or where there are several also by amount and window."""
    items, name = tuple(items), kind.replace(" ", "-")
    if len(items) == 1:
        return (Policy(name, items[0]),)
    return tuple(Policy(f"{name}-{item.amount}-per-{_window(item)}", item) for item in items)


def policy_field(policies: Sequence[Policy]) -> str:
    """The value of RateLimit-Policy."""
    found = List()
    for policy in policies:
        entry = Item(policy.name)
        entry.params.update({"q": policy.item.amount, "w": policy.item.get_expiry()})
        found.append(entry)
    return str(found)


def limit_fields(standings: Sequence[Standing]) -> Fields:
    """The fields of an answer to a request that was counted so."""
    if not standings:
        return []
    # Names hold letters, digits and hyphens: nothing in them needs escaping.
    values = (
        f'"{standing.policy.name}";r={standing.count.remaining};t={standing.seconds}'
        for standing in standings
    )
    policies = dict.fromkeys(standing.policies for standing in standings)
    return [("RateLimit-Policy", ", ".join(policies)), ("RateLimit", ", ".join(values))]


def _window(item: RateLimitItem) -> str:
    unit = item.GRANULARITY.name
    return unit if item.multiples == 1 else f"{item.multiples}-{unit}"
