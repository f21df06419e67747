"""One sync of a folder for all threads that wait for it."""

import errno
import os
import threading
from dataclasses import dataclass


class SharedSync:
    """Whoever comes while a sync is under way waits for the next one, which is everybody's who came before it began."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._next = _Round()
        self._is_led = False

    def sync(self, folder: int) -> None:
        """Return once a sync is over that began after this call. Raises OSError if it failed, to all who shared it."""
        with self._changed:
            joined = self._next
            self._changed.wait_for(lambda: joined.is_over or not self._is_led)
            leads = not joined.is_over
            if leads:
                self._is_led, self._next = True, _Round()
        if leads:
            self._lead(joined, folder)
        if joined.failure:
            raise OSError(joined.failure, os.strerror(joined.failure))

    def _lead(self, joined: "_Round", folder: int) -> None:
        try:
            os.fsync(folder)
            joined.failure = 0
        except OSError as error:
            joined.failure = error.errno or errno.EIO
        finally:
            with self._changed:
                joined.is_over, self._is_led = True, False
                self._changed.notify_all()


@dataclass(slots=True, eq=False)
class _Round:
    """One sync, and what became of it."""

    failure: int = errno.EIO
    """The number of the error; what did not end has failed."""
    is_over: bool = False
