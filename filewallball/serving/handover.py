"""Requests that wait for a thread of any worker: a queue of open connections that all workers share."""

import array
import fcntl
import json
import os
import socket
import termios
from contextlib import suppress
from typing import Any

_ADDRESS_BYTES = 128
"""Of each message: an address as JSON, and blanks. As all have one length, the kernel's count of bytes counts them."""
_LONGEST_QUEUE_BYTES = 1 << 20  # the kernel allows less: some hundreds of connections


class Handover:
    """A queue of connections in the kernel, made by the master before it forks. It outlives every worker."""

    def __init__(self) -> None:
        self.receiver, self._sender = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.receiver.setblocking(False)
        self._sender.setblocking(False)
        self._sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LONGEST_QUEUE_BYTES)

    def put(self, client: socket.socket, address: Any) -> bool:
        """Give a connection away, to be closed here; False if the queue is full."""
        try:
            message = json.dumps(address).encode().ljust(_ADDRESS_BYTES)
            socket.send_fds(self._sender, [message], [client.fileno()])
        except OSError:  # full, or more in flight than a process may have open
            return False
        client.close()
        return True

    def waiting(self) -> int:
        """The number of connections in the queue."""
        size = array.array("i", [0])
        fcntl.ioctl(self.receiver, termios.FIONREAD, size)
        return size[0] // _ADDRESS_BYTES

    def take(self) -> tuple[socket.socket, Any] | None:
        """The connection that has waited longest, and its client's address, which the kernel forgets after a reset.

        Raises OSError where no descriptor is free: the kernel would hand over the message without the connection.
        """
        os.close(os.dup(self.receiver.fileno()))
        with suppress(BlockingIOError):
            address, descriptors, _, _ = socket.recv_fds(
                self.receiver, _ADDRESS_BYTES, 1, socket.MSG_CMSG_CLOEXEC
            )
            if descriptors:
                found = json.loads(address)
                return socket.socket(fileno=descriptors[0]), tuple(found) if isinstance(
                    found, list
                ) else found
        return None


_shared: list[Handover] = []


def share() -> Handover:
    """In the master, before it forks: the queue of all its workers."""
    _shared[:] = [Handover()]
    return _shared[0]


def waiting() -> int:
    """The number of requests that wait for a thread of any worker of this service."""
    return sum(queue.waiting() for queue in _shared)
