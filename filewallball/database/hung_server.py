"""A database server that takes connections and does not answer: one request waits for it, the others fail at once."""

import math
import time
from collections.abc import Callable
from typing import Any

import pymysql
from sqlalchemy import Engine, event

_HUNG_SECONDS = 0.5
_PAUSE_SECONDS = 1.0
_CANNOT_CONNECT = 2003


class HungServer:
    """After a connection failed slowly, one is tried each second, and all others are refused without waiting.

    Only opening a connection counts: a statement that takes long says nothing about the server.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._is_hung = False
        self._asked_again_at = -math.inf

    def watch(self, engine: Engine) -> None:
        """Open the connections of this engine from now on."""
        event.listen(engine, "do_connect", self._connect)

    def _connect(self, dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
        began = self._clock()
        if began < self._asked_again_at:
            raise pymysql.err.OperationalError(_CANNOT_CONNECT, "The server did not answer a moment ago")
        if self._is_hung:
            self._asked_again_at = math.inf  # until this one knows more
        try:
            connection = dialect.connect(*arguments, **options)
        except pymysql.err.OperationalError:
            self._is_hung = self._clock() - began >= _HUNG_SECONDS
            raise
        else:
            self._is_hung = False
            return connection
        finally:
            self._asked_again_at = self._clock() + _PAUSE_SECONDS if self._is_hung else -math.inf
