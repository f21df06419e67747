"""The worker class that gunicorn is given, and the roles beside the pool of threads."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from gunicorn.workers.sync import SyncWorker

from filewallball.serving import roles
from filewallball.serving.expectations import await_body
from filewallball.serving.pool_worker import PoolWorker
from filewallball.serving.process import Process


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

    def handle_request(self, listener: Any, req: Any, client: Any, addr: Any) -> None:
        await_body(req, client)
        super().handle_request(listener, req, client, addr)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        if isinstance(exc, SystemExit):  # the master aborts a worker that hung: nginx answers in its place
            raise exc
        super().handle_error(req, client, addr, exc)


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

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)


def _beating(application: Any, beat: Callable[[], None]) -> Any:
    """The application, whose reading of a long body counts as a sign of life."""

    def run(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"] = _BeatingInput(environ["wsgi.input"], beat)
        answer: Iterable[bytes] = application(environ, start_response)
        return answer

    return run
