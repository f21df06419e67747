"""gunicorn's workers, one class for each role, which answer what they cannot even parse as the service answers what it
refuses."""

import os
import select
from contextlib import suppress
from pathlib import Path
from typing import Any

from gunicorn.http.errors import (
    ConfigurationProblem,
    ExpectationFailed,
    ForbiddenProxyRequest,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.workers.base import Worker as BaseWorker
from gunicorn.workers.gthread import ThreadWorker
from gunicorn.workers.sync import SyncWorker

from filewallball.serving import master, roles

_NOT_MALFORMED = (
    ConfigurationProblem,
    ExpectationFailed,
    ForbiddenProxyRequest,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    UnsupportedTransferCoding,
)


class _Process(BaseWorker):
    """What the workers of all roles share."""

    role = roles.POOL

    def __init__(self, age: int, ppid: int, sockets: list[Any], *rest: Any) -> None:
        own = roles.listeners(self.role, sockets)
        super().__init__(age, ppid, own, *rest)
        self._foreign = [each for each in sockets if each not in own]

    def init_process(self) -> None:
        for each in self._foreign:  # or connections would wait where nobody accepts any
            each.sock.close()
        with suppress(OSError):
            Path("/proc/self/comm").write_text(f"fwb-{self.role}")
        super().init_process()

    def init_signals(self) -> None:
        super().init_signals()
        master.release_signals()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        if not isinstance(exc, ParseException) or isinstance(exc, _NOT_MALFORMED):
            super().handle_error(req, client, addr, exc)
            return
        # Imported by the worker alone: whatever the master imported would outlive a reload.
        from filewallball import errors
        from filewallball.web.exchange import new_request_id
        from filewallball.web.headers import completion
        from filewallball.web.problems import CONTENT_TYPE, body_of

        kinds: dict[type[Exception], type[errors.ApiError]] = {
            LimitRequestLine: errors.AddressTooLong,
            LimitRequestHeaders: errors.HeadersTooLarge,
        }
        cause, request_id = kinds.get(type(exc), errors.BadRequest)(), new_request_id()
        self.log.warning(
            "Invalid request from ip=%s, %s: %s", (addr or ("",))[0], request_id, type(exc).__name__
        )
        body = body_of(cause, request_id)
        headers = completion("")(
            [
                ("Connection", "close"),
                ("Content-Type", CONTENT_TYPE),
                ("Content-Length", str(len(body))),
                ("X-Request-ID", request_id),
            ]
        )
        head = f"HTTP/1.1 {cause.status} {cause.title}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers)
        with suppress(OSError):
            client.sendall(head.encode("latin-1") + b"\r\n" + body)


class PoolWorker(_Process, ThreadWorker):
    """A pool of threads."""


class OneAtATime(_Process, SyncWorker):
    """A worker without threads for requests."""

    role = roles.SYNC

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.wsgi: Any = _beating(self.app.wsgi(), self.notify)


class JobsWorker(_Process):
    """A process that accepts no connections; its jobs run in threads of their own."""

    role = roles.JOBS

    def run(self) -> None:
        """Beat until told to stop, or until the master is gone."""
        while self.alive and os.getppid() == self.ppid:
            self.notify()
            ready, _, _ = select.select([self.PIPE[0]], [], [], self.timeout or 1.0)
            if ready:
                os.read(self.PIPE[0], 4096)


class Worker:
    """The worker class that gunicorn is given: makes a process of the role that is missing."""

    def __new__(
        cls, age: int, ppid: int, sockets: list[Any], app: Any, timeout: float, cfg: Any, log: Any
    ) -> Any:
        return _KINDS[roles.missing(cfg)](age, ppid, sockets, app, timeout, cfg, log)


_KINDS: dict[str, type[_Process]] = {kind.role: kind for kind in (PoolWorker, OneAtATime, JobsWorker)}


class _BeatingInput:
    """A request's body whose reading shows the master that the worker lives."""

    def __init__(self, stream: Any, beat: Any) -> None:
        self._stream = stream
        self._beat = beat

    def read(self, *size: Any) -> bytes:
        self._beat()
        data: bytes = self._stream.read(*size)
        return data

    def readline(self, *size: Any) -> bytes:
        data: bytes = self._stream.readline(*size)
        return data

    def readlines(self, *hint: Any) -> list[bytes]:
        data: list[bytes] = self._stream.readlines(*hint)
        return data

    def __iter__(self) -> Any:
        return iter(self._stream)


def _beating(application: Any, beat: Any) -> Any:
    """The application, whose reading of a long body counts as a sign of life."""

    def run(environ: dict[str, Any], start_response: Any) -> Any:
        environ["wsgi.input"] = _BeatingInput(environ["wsgi.input"], beat)
        return application(environ, start_response)

    return run
