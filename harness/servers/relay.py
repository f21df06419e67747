"""A TCP relay in front of a real server: it passes every piece on late, as a slow network does, or cuts connections."""

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from harness.servers.base import free_port

_UNREAD_BYTES = 128 * 1024
"""Of a client, so that it has not sent all of a body before the relay cuts it off."""


class Relay:
    """Listens on a port of its own from `start` to `stop`; the other attributes may change at any time."""

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self.delay_seconds = 0.0
        self.pace_seconds = 0.0
        """The least time between two pieces of one half of a connection, so that what is large takes its time."""
        self.concerns = b""
        """Only connections that have sent a piece with these bytes are cut or lost."""
        self.until = b""
        """A connection that sends a piece with these bytes must send that again."""
        self.cut_before = b""
        """A client that sends a piece with these bytes is cut off, and the server does not get the piece."""
        self.cut_after = b""
        """A client that sends a piece with these bytes is cut off as soon as the server answers it."""
        self.before_cut: Callable[[], object] = lambda: None
        """Called in the relay's thread when a connection is about to be cut."""
        self.lose = b""
        """From a piece of a client with these bytes on, nothing of its connection passes, not even its end."""
        self.most_bytes = 0
        """A client is cut off once the server has sent it more than this on one connection; 0 is any number."""
        self.cut_at: deque[int] = deque()
        """The next client that has sent so many bytes is cut off right there, and then the one that has sent the next
        number."""
        self.cuts = 0
        """Connections that were cut or lost."""
        self._target_port = target_port
        self._open: set[asyncio.BaseTransport] = set()
        self._idle = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)

    def start(self) -> Self:
        self._thread.start()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UNREAD_BYTES)
        listener.bind(("127.0.0.1", self.port))
        opening = self._loop.create_server(lambda: _Side(self), sock=listener)
        self._server = asyncio.run_coroutine_threadsafe(opening, self._loop).result(10)
        return self

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def opened(self, transport: asyncio.BaseTransport) -> None:
        self._open.add(transport)
        self._idle.clear()

    def closed(self, transport: asyncio.BaseTransport) -> None:
        self._open.discard(transport)
        if not self._open:
            self._idle.set()

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for transport in list(self._open):
            transport.abort()  # type: ignore[attr-defined]
        if self._open:
            await self._idle.wait()

    async def connect(self, client: "_Side") -> None:
        """Open the other half of a connection; where nobody listens, the client is hung up on."""
        try:
            _, server = await self._loop.create_connection(
                lambda: _Side(self, client), "127.0.0.1", self._target_port
            )
        except OSError:
            client.hang_up()
        else:
            client.join(server)


class _Side(asyncio.Protocol):
    """One half of a connection; what it reads, the other half writes after the delay, in order."""

    def __init__(self, relay: Relay, other: "_Side | None" = None) -> None:
        self._relay = relay
        self._other = other
        self._is_client = other is None
        self._transport: Any = None
        self._cuts_answer = False
        self._is_concerned = False
        self._is_lost = False
        self._seen = 0
        self._due = 0.0
        self._waiting: deque[bytes | None] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._relay.opened(transport)
        if self._is_client:
            self._opening = asyncio.ensure_future(self._relay.connect(self))

    def join(self, other: "_Side") -> None:
        """The other half stands: what waited for it goes."""
        self._other = other
        for _ in range(len(self._waiting)):
            self._later()

    def data_received(self, data: bytes) -> None:
        relay = self._relay
        self._is_concerned = self._is_concerned or (self._is_client and relay.concerns in data)
        self._seen += len(data)
        if self._is_client and relay.cut_at and self._seen >= relay.cut_at[0]:
            beyond = self._seen - relay.cut_at.popleft()
            self._end_with(data[: max(0, len(data) - beyond)])
        elif self._is_unwanted_answer() or self._has_seen_too_much() or self._matches(relay.cut_before, data):
            self._cut()
        elif self._is_lost:
            return
        elif self._matches(relay.lose, data):
            self._is_lost = True
            relay.cuts += 1
        else:
            self._cuts_answer = self._cuts_answer or self._matches(relay.cut_after, data)
            self._queue(data)
        if self._is_client and relay.until and relay.until in data:
            self._is_concerned = False

    def _matches(self, wanted: bytes, data: bytes) -> bool:
        return self._is_concerned and wanted != b"" and wanted in data

    def _is_unwanted_answer(self) -> bool:
        return not self._is_client and self._other is not None and self._other._cuts_answer

    def _has_seen_too_much(self) -> bool:
        return not self._is_client and 0 < self._relay.most_bytes < self._seen

    def _end_with(self, last: bytes) -> None:
        """Cut a client off; what it has sent up to there still passes, and then the end."""
        self._relay.cuts += 1
        self._relay.before_cut()
        self._queue(last)
        self._transport.abort()

    def _cut(self) -> None:
        self._relay.cuts += 1
        self._relay.before_cut()
        for side in filter(None, (self, self._other)):
            side._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._relay.closed(self._transport)
        if not self._is_lost:
            self._queue(None)

    def hang_up(self) -> None:
        self._transport.close()

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def _queue(self, piece: bytes | None) -> None:
        """A piece, or the end."""
        self._waiting.append(piece)
        if self._other is not None:
            self._later()

    def _later(self) -> None:
        # Each call takes the piece that is first by then, so a delay that shrinks never turns the order around.
        loop = asyncio.get_running_loop()
        due, pace = loop.time() + self._relay.delay_seconds, self._relay.pace_seconds
        self._due = max(due, self._due + pace) if pace else due
        loop.call_at(self._due, self._pass_on)

    def _pass_on(self) -> None:
        assert self._other is not None
        piece = self._waiting.popleft()
        if piece is None:
            self._other.hang_up()
        else:
            self._other.write(piece)
