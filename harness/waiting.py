"""Waiting on a condition with a deadline: the only place in the tests that lets time pass."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.02, 0.2
_SHARE = 1 / 20
"""Of what has been waited already, as the pause before the next look: looks cost the service that is asked."""


def wait_until(predicate: Callable[[], T], seconds: float = 60, what: str = "") -> T:
    """The first truthy value of `predicate`; raises `TimeoutError` naming `what` when the deadline passes."""
    begun = time.monotonic()
    while not (value := predicate()):
        waited = time.monotonic() - begun
        if waited > seconds:
            raise TimeoutError(f"not within {seconds} s: {what or predicate!r}")
        time.sleep(min(_LONGEST_SECONDS, max(_SHORTEST_SECONDS, waited * _SHARE)))
    return value
