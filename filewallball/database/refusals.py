"""Refused changes: the database answers, but has no space, is read-only, or cannot write its files."""

import time
from collections.abc import Callable

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

from filewallball.errors.database_codes import described, is_write_failure

_HELD_SECONDS = 15.0


class Refusals:
    """Notices what the engine that writes was refused, whoever asked it to write."""

    def __init__(self, writer: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = ("", float("-inf"))
        event.listen(writer, "handle_error", self._note)

    @property
    def problem(self) -> str:
        """The reason of the last refusal; empty once there was none for 15 seconds.

        A change that succeeds does not clear it: a small one may still fit where others no longer do.
        """
        reason, noted = self._last
        return reason if self._clock() - noted < _HELD_SECONDS else ""

    def _note(self, context: ExceptionContext) -> None:
        error = context.sqlalchemy_exception
        if error is not None and is_write_failure(error):
            self._last = (described(error), self._clock())
