"""Waiting on a condition with a deadline: the only place in the tests that lets time pass."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_PAUSE_SECONDS = 0.02


def wait_until(predicate: Callable[[], T], seconds: float = 60, what: str = "") -> T:
    """The first truthy value of `predicate`; raises `TimeoutError` naming `what` when the deadline passes."""
    deadline = time.monotonic() + seconds
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what or predicate!r}")
        time.sleep(_PAUSE_SECONDS)
    return value
