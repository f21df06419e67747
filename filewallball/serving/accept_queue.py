"""The kernel's answer to how many connections wait at a Unix socket to be accepted, by sock_diag(7)."""

import errno
import os
import socket
import struct
from collections.abc import Iterator

_SOCK_DIAG, _BY_FAMILY, _ERROR, _DONE = 4, 20, 2, 3
_REQUEST_AND_DUMP = 0x301
_LISTENING = 1 << 10
_SHOW_NAME, _SHOW_QUEUE = 0x01, 0x10
_NAME, _QUEUE = 0, 4
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_QUESTION = struct.Struct("=BBHIIIII")  # family, protocol, padding, states, inode, what to show, cookie
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_SOCKET_BYTES = 16  # that come before the attributes of each
_ANSWER_BYTES = 1 << 16
_SECONDS = 1.0


def waiting_at(path: str) -> int:
    """Connections that nobody has accepted yet at the socket of this path. Raises OSError where nobody listens there,
    and where the kernel does not say."""
    for name, count in _listening():
        if name == os.fsencode(path):
            return count
    raise FileNotFoundError(errno.ENOENT, "Nobody listens there", path)


def _listening() -> Iterator[tuple[bytes, int]]:
    """The name of each Unix socket that listens, and how many wait there."""
    question = _QUESTION.pack(
        socket.AF_UNIX, 0, 0, _LISTENING, 0, _SHOW_NAME | _SHOW_QUEUE, 0xFFFFFFFF, 0xFFFFFFFF
    )
    header = _HEADER.pack(_HEADER.size + len(question), _BY_FAMILY, _REQUEST_AND_DUMP, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _SOCK_DIAG) as kernel:
        kernel.settimeout(_SECONDS)
        kernel.sendto(header + question, (0, 0))
        while True:
            answer = memoryview(kernel.recv(_ANSWER_BYTES))
            while answer:
                length, kind = _HEADER.unpack_from(answer)[:2]
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    raise OSError(errno.EOPNOTSUPP, "The kernel does not tell about sockets")
                yield _described(answer[_HEADER.size + _SOCKET_BYTES : length])
                answer = answer[_aligned(length) :]


def _described(attributes: memoryview) -> tuple[bytes, int]:
    name, count = b"", 0
    while attributes:
        length, kind = _ATTRIBUTE.unpack_from(attributes)
        value = bytes(attributes[_ATTRIBUTE.size : length])
        if kind == _NAME:
            name = value.rstrip(b"\0")
        elif kind == _QUEUE:
            (count,) = struct.unpack_from("=I", value)
        attributes = attributes[_aligned(length) :]
    return name, count


def _aligned(length: int) -> int:
    return (length + 3) & ~3
