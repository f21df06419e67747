"""The parts that processes of all roles share: their sockets, their name, and their answer to what cannot be parsed."""

import os
import select
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from gunicorn.http.errors import ParseException
from gunicorn.workers.base import Worker as BaseWorker

from filewallball.serving import master, roles
from filewallball.serving.malformed import NOT_MALFORMED, refusal_of

_LOOK_SECONDS = 1.0
"""The longest wait for a connection: after it a process looks whether its master still lives."""


class Process(BaseWorker):
    """A process that gunicorn's master forks; a class for each role stands on it."""

    role = roles.POOL

    def __init__(self, age: int, ppid: int, sockets: list[Any], app: Any, timeout: float, *rest: Any) -> None:
        own = roles.listeners(self.role, sockets)
        super().__init__(age, ppid, own, app, min(timeout or _LOOK_SECONDS, _LOOK_SECONDS), *rest)
        self._foreign = [each for each in sockets if each not in own]

    def init_process(self) -> None:
        for each in self._foreign:  # or connections would wait where nobody accepts any
            each.sock.close()
        with suppress(OSError):
            Path("/proc/self/comm").write_text(f"fwb-{self.role}")  # what `ps` and `top` show
        super().init_process()

    def idle(self) -> None:
        """Beat until told to stop, or until the master is gone."""
        while self.alive and os.getppid() == self.ppid:
            self.notify()
            ready, _, _ = select.select([self.PIPE[0]], [], [], self.timeout)
            if ready:
                os.read(self.PIPE[0], 4096)

    def init_signals(self) -> None:
        super().init_signals()
        master.release_signals()

    def handle_quit(self, sig: int, frame: Any) -> None:
        """Leave at once. On Ctrl-C the terminal and the master both send a signal: the second one is ignored.

        The handler of ThreadWorker is not called: it would wait for a lock that the code it interrupts may hold.
        """
        for each in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(each, signal.SIG_IGN)
        BaseWorker.handle_quit(self, sig, frame)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        if not isinstance(exc, ParseException) or isinstance(exc, NOT_MALFORMED):
            super().handle_error(req, client, addr, exc)
            return
        with suppress(OSError):
            client.sendall(refusal_of(exc, (addr or ("",))[0], self.log, self.app.wsgi()))
