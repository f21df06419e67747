"""When to ask a service again that was busy or away, and how long to keep trying."""

import random
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from time import monotonic, sleep

import httpx

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 30.0


class Patience:
    """Waits between tries, ever longer, until nothing has moved forward for `seconds`.

    The time in which bytes leave costs no patience, however long it is. The waits do, until what left has arrived.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.progressed()

    def progressed(self) -> None:
        """Begin anew: something has moved forward."""
        self._left = self._seconds
        self._pause = _FIRST_SECONDS
        self.moving()

    def moving(self) -> None:
        """Something is on its way; nobody knows yet if it arrives."""
        self._since = monotonic()

    def wait(self, asked: float | None, tell: Callable[[float], None]) -> bool:
        """Wait before the next try, `asked` seconds at least if the service named a time, and tell how long.

        False, at once, if patience would run out before.
        """
        pause = max(asked or 0.0, self._pause * random.uniform(0.75, 1.25))  # noqa: S311 - no secret
        self._pause = min(2 * self._pause, _LONGEST_SECONDS)
        self._left -= monotonic() - self._since
        self.moving()
        if pause > self._left:
            return False
        tell(pause)
        self._left -= pause
        sleep(pause)
        self.moving()
        return True


def retry_after(answer: httpx.Response) -> float | None:
    """The seconds that a Retry-After header asks for, in either of its forms; None without a readable one."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
