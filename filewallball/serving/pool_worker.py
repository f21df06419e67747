"""A gunicorn worker whose threads no client can hold for ever, and which answers probes whatever they do."""

import errno
import resource
import selectors
import socket
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from filewallball.serving.connections import ClientLimits, Connection
from filewallball.serving.expectations import await_body
from filewallball.serving.handover import Handover
from filewallball.serving.process import Process

_LANES = {"/health/live": 1, "/health/ready": 2, "/health": 2, "/health/detailed": 1, "/metrics": 2}
"""Probes, and how many of each a worker answers at once beside its THREADS: nothing else can keep them waiting."""
_PROBE_STALL_SECONDS = 5.0
_MOST_HEADS, _MOST_PROBES = 1000, 250
_LINGER_SECONDS, _LINGER_BYTES, _PIECE_BYTES = 2.0, 16 * 1024 * 1024, 256 * 1024
_CHECK_SECONDS = 1.0


class PoolWorker(Process, ThreadWorker):
    """A worker whose threads only clients hold that keep up, and which answers probes whatever its threads do.

    The main loop waits for the head of each request. Then a thread takes it; if all are busy, it waits in the queue
    that the workers share. No connection is kept alive.
    """

    handover: Handover | None = None
    """Set by the master, for all workers with threads."""
    limits = ClientLimits(15.0, 60.0, 1024)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.worker_connections = sys.maxsize
        self._most_heads = min(_MOST_HEADS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)
        self._free = self.cfg.threads
        self._probes = 0
        self._lanes = {
            path: ThreadPoolExecutor(count, thread_name_prefix="probe") for path, count in _LANES.items()
        }
        self._served: set[Connection] = set()
        self._held: Connection | None = None
        self._leaving: deque[_Leaving] = deque()
        self._looked_at = 0.0

    def run(self) -> None:
        if self.handover is not None:
            self.poller.register(self.handover.receiver, selectors.EVENT_READ, self._take_over)
        super().run()
        self._end_transfers()

    def accept(self, listener: socket.socket) -> None:
        """Take a connection, and what it asks for once that is there."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._drop_oldest_head()
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                raise
            return
        connection = self._connection(client, address)
        if self._has_head(connection):
            return
        self.pending_conns.append(connection)
        self.poller.register(
            connection.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, connection)
        )
        if len(self.pending_conns) > self._most_heads:
            self._drop_oldest_head()

    def on_pending_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """More of a head has come."""
        if self._has_head(conn):
            self.pending_conns.remove(conn)

    def murder_pending(self) -> None:
        """Give up heads that take too long, cut clients that stall, close what was said goodbye to."""
        now = time.monotonic()
        while self.pending_conns and self.pending_conns[0].timeout <= now:
            late = self.pending_conns.popleft()
            self.poller.unregister(late.sock)
            late.give_up_head()
            self._dispatch(late)
        while self._leaving and self._leaving[0].deadline <= now:
            self._left(self._leaving[0])
        if now - self._looked_at >= _CHECK_SECONDS:
            self._looked_at = now
            for connection in tuple(self._served):
                if connection.check_pace(now):
                    self.log.info("Cut a client that stalled: ip=%s", (connection.client or ("",))[0])
        self._offer_held()

    def handle_request(self, req: Any, conn: Connection) -> Any:
        conn.reads_head = False
        await_body(req, conn.sock)
        return super().handle_request(req, conn)

    def finish_request(self, conn: Connection, fs: Any) -> None:
        """A thread is free again; the connection goes once the client has what was sent."""
        self._served.discard(conn)
        if conn.lane:
            self._probes -= 1
        else:
            self._free += 1
        if conn.was_cut:
            self._close(conn)
        else:
            self._say_goodbye(conn)
        self._take_over()
        self._offer_held()

    def _connection(self, client: socket.socket, address: Any) -> Connection:
        self.nr_conns += 1
        return Connection(self.cfg, client, address, self.limits)

    def _has_head(self, connection: Connection) -> bool:
        """True if the connection need not be waited for any more: it is dispatched, or broke."""
        try:
            if not connection.has_head():
                return False
        except OSError:
            self._unregister(connection.sock)
            self._close(connection)
            return True
        self._unregister(connection.sock)
        self._dispatch(connection)
        return True

    def _dispatch(self, connection: Connection) -> None:
        """To the threads of its probe, to a free thread, or to whoever has one first."""
        if connection.lane:
            connection.hurry(_PROBE_STALL_SECONDS)
            self._probes += 1
            self._submit(self._lanes[connection.lane], connection)
            return
        self._take_over()  # those who wait come first
        if self._free > 0 or not self.alive or self.handover is None:
            self._begin(connection)
        elif self._held is None and self._hand_over(connection):
            return
        elif self._held is None:
            self._held = connection
        else:
            self._begin(connection)

    def _begin(self, connection: Connection) -> None:
        self._free -= 1
        self._submit(self.tpool, connection)

    def _submit(self, threads: ThreadPoolExecutor, connection: Connection) -> None:
        connection.data_ready = True
        self._served.add(connection)
        future = threads.submit(self.handle, connection)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, connection, done))

    def _take_over(self, _: Any = None) -> None:
        """Serve connections that wait, as long as there are threads."""
        while self.handover is not None and self._free > 0:
            try:
                waiting = self.handover.take()
            except OSError:  # no descriptor is free: it waits on
                return
            if waiting is None:
                return
            self._begin(self._connection(*waiting))

    def _hand_over(self, connection: Connection) -> bool:
        if self.handover is None or not self.handover.put(connection.sock, connection.client):
            return False
        self.nr_conns -= 1
        return True

    def _offer_held(self) -> None:
        """Where the queue was full, or too many probes wait, nothing more is accepted until that is over."""
        held, self._held = self._held, None
        if held is not None:
            self._dispatch(held)
        has_room = self._held is None and self._probes < _MOST_PROBES
        self.worker_connections = sys.maxsize if has_room else 0

    def _drop_oldest_head(self) -> None:
        if self.pending_conns:
            oldest = self.pending_conns.popleft()
            self.poller.unregister(oldest.sock)
            self._close(oldest)

    def _end_transfers(self) -> None:
        """Transfers had their time. The process ends with its last thread, and a client could hold that for ever."""
        for connection in tuple(self._served):
            connection.cut()
        self.tpool.shutdown(wait=True)

    def _say_goodbye(self, connection: Connection) -> None:
        """Send the end, and read what still comes: closing at once could take the answer from the client."""
        leaving = _Leaving(connection, time.monotonic() + _LINGER_SECONDS)
        try:
            connection.sock.setblocking(False)
            connection.sock.shutdown(socket.SHUT_WR)
            self._leaving.append(leaving)
            if len(self._leaving) > self._most_heads:
                self._left(self._leaving[0])
            self.poller.register(connection.sock, selectors.EVENT_READ, lambda _: self._discard(leaving))
        except (OSError, ValueError):
            self._left(leaving)
            return
        self._discard(leaving)

    def _discard(self, leaving: "_Leaving") -> None:
        try:
            data = leaving.connection.sock.recv(_PIECE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        leaving.discarded += len(data)
        if not data or leaving.discarded > _LINGER_BYTES:
            self._left(leaving)

    def _left(self, leaving: "_Leaving") -> None:
        with suppress(ValueError):
            self._leaving.remove(leaving)
        self._unregister(leaving.connection.sock)
        self._close(leaving.connection)

    def _unregister(self, client: socket.socket) -> None:
        with suppress(KeyError, ValueError):
            self.poller.unregister(client)

    def _close(self, connection: Connection) -> None:
        self.nr_conns -= 1
        connection.close()


@dataclass(slots=True, eq=False)
class _Leaving:
    """A connection whose answer is sent."""

    connection: Connection
    deadline: float
    discarded: int = 0
