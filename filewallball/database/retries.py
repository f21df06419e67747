"""Trying again what the database undid, or what a stale connection never began."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from filewallball.errors.database_codes import is_transient

_ATTEMPTS = 4  # the first try and at most three more
_STALE_SECONDS = 0.5
T = TypeVar("T")


def retrying(attempt: Callable[[], T]) -> T:
    """Call `attempt`, again at most three times with jitter while the failure says that nothing was done.

    That is a deadlock or lock wait (the database rolled back), or a pooled connection found dead at once after a
    restart. A slow failure is not tried again: the caller has waited long enough.
    """
    for remaining in reversed(range(_ATTEMPTS)):
        started = time.monotonic()
        try:
            return attempt()
        except DBAPIError as error:
            stale = error.connection_invalidated and time.monotonic() - started < _STALE_SECONDS
            if not remaining or not (stale or is_transient(error)):
                raise
            time.sleep(random.uniform(0.002, 0.02))  # noqa: S311 - jitter, not a secret
    raise AssertionError("unreachable")
