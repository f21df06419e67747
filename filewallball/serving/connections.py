"""A client's connection as the worker's main loop sees it: is its request complete, and does the client keep up?"""

import re
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn

HEAD_BYTES = 16 * 1024
"""Of a longer head the rest is read by a thread: the kernel may not take in all of it before somebody reads."""
_LINE_BYTES = 4094  # as gunicorn has it
_HEAD_ENDS = re.compile(rb"\n\r?\n")
_REQUEST_LINE = re.compile(rb"[!-~]+ [!-~]+ HTTP/[0-9.]+\r?\n")
_PROBE = re.compile(rb"(?:GET|HEAD) (/health(?:/live|/ready|/detailed)?|/metrics)/*(?:\?[!-~]*)? ")
_COUNTERS = struct.Struct("=120xQQ8xI")
"""Of the kernel's `tcp_info`: bytes acknowledged by the client, bytes received from it, bytes not sent yet."""
_UNACKNOWLEDGED = struct.Struct("=24xI")  # segments of it


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """The time that clients have: for a request's head in all, and for stalling while its body or answer is under way.

    `bytes_per_second` is the rate below which a client counts as stalling.
    """

    head_seconds: float
    stall_seconds: float
    bytes_per_second: int


class Connection(TConn):
    """A connection whose head is awaited without a thread, and which is cut where the client does not keep up."""

    def __init__(self, cfg: Any, client: socket.socket, address: Any, limits: ClientLimits) -> None:
        super().__init__(cfg, client, address, client.getsockname())
        self.lane = ""
        self.reads_head = True
        self.is_reading = False
        self.was_cut = False
        self.began = self._looked_at = time.monotonic()
        self.timeout = self.began + limits.head_seconds
        self._limits = limits
        self._peeked = self._acknowledged = self._received = 0
        self._allowance = self._most = limits.stall_seconds

    def init(self) -> None:
        """In a thread: reads block from here on, and say that they do."""
        super().init()
        self.parser.unreader = _Reader(self)

    def has_head(self) -> bool:
        """True if a thread can read the head of the request without waiting, or say at once what is wrong with it.

        Notes in `lane` which probe it asks for. Raises OSError for a connection that broke.
        """
        try:
            data = self.sock.recv(HEAD_BYTES, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        start = data.lstrip(b"\r\n")
        is_whole = len(data) in (self._peeked, HEAD_BYTES)  # the client closed, or has much to say
        if not is_whole and not _is_complete(start):
            self._peeked = len(data)
            self._be_told_beyond(len(data))
            return False
        if self._peeked:
            self._be_told_beyond(0)
        probe = _PROBE.match(start)
        self.lane = probe[1].decode() if probe else ""
        return True

    def hurry(self, stall_seconds: float) -> None:
        """Allow the client less time to stall."""
        self._allowance = self._most = min(self._most, stall_seconds)

    def give_up_head(self) -> None:
        """The client had its time: what it has sent is all that will be read."""
        self._be_told_beyond(0)
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RD)

    def check_pace(self, now: float) -> bool:
        """Cut the connection if its client stalls; True if that was done now.

        While the service waits for the client, time is taken from its allowance and given back for each byte, never
        beyond the first amount. What the service itself takes does not count.
        """
        if self.was_cut:
            return False
        if self.reads_head:
            return self.is_reading and now > self.timeout and self._cut(socket.SHUT_RD)
        elapsed, self._looked_at = now - self._looked_at, now
        try:
            acknowledged, received, waits_to_send = _progress(self.sock)
        except OSError:  # closed meanwhile, or no TCP
            return False
        taken, given = acknowledged - self._acknowledged, received - self._received
        self._acknowledged, self._received = acknowledged, received
        if not waits_to_send and not self.is_reading:
            return False
        earned = (taken if waits_to_send else given) / self._limits.bytes_per_second
        self._allowance = min(self._most, self._allowance - elapsed + earned)
        return self._allowance <= 0 and self._cut(socket.SHUT_RDWR if waits_to_send else socket.SHUT_RD)

    def cut(self) -> None:
        """Have the thread of this connection wait for its client no longer."""
        self._cut(socket.SHUT_RD if self.is_reading else socket.SHUT_RDWR)

    def _be_told_beyond(self, count: int) -> None:
        """The connection counts as readable once more bytes than these have come, or its end."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count + 1)

    def _cut(self, direction: int) -> bool:
        """Wake the thread that waits for the client, as if that had gone."""
        self.was_cut = True
        with suppress(OSError):
            if direction == socket.SHUT_RDWR:  # what it has not taken is not kept for it
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.shutdown(direction)
        return True


class _Reader(SocketUnreader):
    """Reads from the client, and tells the connection while it waits."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.sock)
        self._connection = connection

    def chunk(self, size_hint: int | None = None) -> bytes:
        self._connection.is_reading = True
        try:
            data: bytes = super().chunk(size_hint)
            return data
        finally:
            self._connection.is_reading = False


def _is_complete(start: bytes) -> bool:
    """True for a whole head, and for what can be no head."""
    if not start:
        return False
    if _HEAD_ENDS.search(start):
        return True
    if b"\n" in start:
        return not _REQUEST_LINE.match(start)
    return len(start) > _LINE_BYTES


def _progress(client: socket.socket) -> tuple[int, int, bool]:
    """Bytes that the client has acknowledged and sent, and True if there are some that it has not acknowledged."""
    info = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
    if len(info) < _COUNTERS.size:
        raise OSError("no counters")
    acknowledged, received, unsent = _COUNTERS.unpack_from(info)
    (unacknowledged,) = _UNACKNOWLEDGED.unpack_from(info)
    return acknowledged, received, bool(unacknowledged or unsent)
