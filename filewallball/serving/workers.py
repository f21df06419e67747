"""The worker class that gunicorn is given, and the roles beside the pool of threads."""

import errno
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

from gunicorn.util import close_graceful
from gunicorn.workers.sync import SyncWorker

from filewallball.serving import ordinary, roles
from filewallball.serving.expectations import await_body
from filewallball.serving.pool_worker import PoolWorker
from filewallball.serving.process import Process

_READ_BYTES = 64 * 1024
_BEAT_SECONDS = 0.25
"""Between two signs of life, of which the master sees a missing one after much longer."""


class OneAtATime(Process, SyncWorker):
    """A worker without threads: for requests that nginx has taken in whole, and that end within seconds."""

    role = roles.SYNC

    def run(self) -> None:
        """Serve; without a socket do nothing, which ends with the next start in order."""
        if self.sockets:
            super().run()
            return
        self.log.error(
            "SYNC_SOCKET was not handed over: restart the service and its socket unit; no upgrade opens it"
        )
        self.idle()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.wsgi: Any = _beating(self.app.wsgi(), self.notify)
        self._base = ordinary.base_environ(self.cfg)

    def handle(self, listener: Any, client: socket.socket, addr: Any) -> None:
        """Answer one request, by the short way if it is an ordinary one."""
        request = None
        try:
            data = client.recv(_READ_BYTES)
            request = ordinary.parse(data, client)
            if request is None:
                super().handle(listener, _Replayed(client, data), addr)
                return
            self._answer(request, client)
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN):
                self.log.exception("Error handling request")
        except (Exception, SystemExit) as error:  # the latter where the master gave this worker up
            self.handle_error(request, client, addr, error)
        finally:
            if request is None or request.is_read:
                client.close()
            else:  # or the answer could be lost to what still comes
                close_graceful(client)

    def _answer(self, request: ordinary.OrdinaryRequest, client: socket.socket) -> None:
        began = time.monotonic()
        self.nr += 1
        if self.nr >= self.max_requests:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
        answer = ordinary.OrdinaryAnswer(request, client, self.cfg)
        environ = request.environ(self._base)
        body = self.wsgi(environ, answer.start_response)
        try:
            if isinstance(body, environ["wsgi.file_wrapper"]):
                answer.write_file(body)
            else:
                for piece in body:
                    answer.write(piece)
            answer.close()
            self.log.access(answer, request, environ, timedelta(seconds=time.monotonic() - began))
        except OSError:
            raise
        except (Exception, SystemExit):
            if not answer.headers_sent:
                raise
            self.log.exception("Error handling request")  # an answer of its own would come amid this one
        finally:
            body.close()

    def handle_request(self, listener: Any, req: Any, client: Any, addr: Any) -> None:
        await_body(req, client)
        super().handle_request(listener, req, client, addr)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        if isinstance(exc, SystemExit):  # the master aborts a worker that hung: nginx answers in its place
            raise exc
        super().handle_error(req, client, addr, exc)


class _Replayed:
    """A connection of which the beginning was read already."""

    def __init__(self, client: socket.socket, data: bytes) -> None:
        self._client = client
        self._data = data

    def recv(self, size: int) -> bytes:
        data, self._data = self._data[:size], self._data[size:]
        return data or self._client.recv(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class JobsWorker(Process):
    """A process that accepts no connections; its jobs run in threads of their own."""

    role = roles.JOBS

    def run(self) -> None:
        """The jobs need nothing of this thread."""
        self.idle()


class Worker:
    """Makes a process of the role that is missing."""

    def __new__(
        cls, age: int, ppid: int, sockets: list[Any], app: Any, timeout: float, cfg: Any, log: Any
    ) -> Any:
        return _KINDS[roles.missing(cfg)](age, ppid, sockets, app, timeout, cfg, log)


_KINDS: dict[str, type[Process]] = {kind.role: kind for kind in (PoolWorker, OneAtATime, JobsWorker)}


class _BeatingInput:
    """A request's body whose reading shows the master that the worker lives."""

    def __init__(self, stream: Any, beat: Callable[[], None]) -> None:
        self._stream = stream
        self._beat = beat
        self._beaten = time.monotonic()  # nearly: each request begins with it

    def read(self, *size: Any) -> bytes:
        if (now := time.monotonic()) - self._beaten > _BEAT_SECONDS:
            self._beat()
            self._beaten = now
        data: bytes = self._stream.read(*size)
        return data

    def readline(self, *size: Any) -> bytes:
        data: bytes = self._stream.readline(*size)
        return data

    def readlines(self, *hint: Any) -> list[bytes]:
        data: list[bytes] = self._stream.readlines(*hint)
        return data

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)


def _beating(application: Any, beat: Callable[[], None]) -> Any:
    """The application, whose reading of a long body counts as a sign of life."""

    def run(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"] = _BeatingInput(environ["wsgi.input"], beat)
        answer: Iterable[bytes] = application(environ, start_response)
        return answer

    return run
