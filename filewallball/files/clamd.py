"""The scanner's protocol: bytes streamed to clamd over TCP or a socket file, within one deadline for all of it."""

import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from filewallball.storage.pieces import Readable, pieces

_CHUNK_BYTES = 256 * 1024
_MAX_REPLY_BYTES = 4096
_DATED = re.compile(r"^ClamAV [^/]*/[^/]*/(.+)$")


class ScannerFailed(Exception):
    """The scanner could not be reached, did not answer in time, or cut the connection."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply of clamd to a stream: `found` names a signature, `refused` says why it was not scanned."""

    found: str = ""
    refused: str = ""


class Clamd:
    """One clamd, at `host:port` or the path of its socket."""

    def __init__(self, address: str, timeout_seconds: float) -> None:
        self._address = address
        self._timeout_seconds = timeout_seconds

    def scan(self, file: Readable) -> Reply:
        """Have everything that `file` still gives scanned. Raises ScannerFailed, and StorageFailed where that
        cannot be read."""
        with self._connected(self._timeout_seconds) as (connection, deadline):
            _send(connection, deadline, b"zINSTREAM\0")
            try:
                for data in pieces(file, _CHUNK_BYTES):
                    _send(connection, deadline, struct.pack("!L", len(data)) + data)
                _send(connection, deadline, struct.pack("!L", 0))
            except (BrokenPipeError, ConnectionResetError):
                pass  # it stopped reading; its reply says why, if it sent one
            return _parse(_receive(connection, deadline))

    def signatures_from(self, timeout_seconds: float) -> datetime | None:
        """The date of the signatures in use; None if clamd does not say. Raises ScannerFailed."""
        with self._connected(timeout_seconds) as (connection, deadline):
            _send(connection, deadline, b"zVERSION\0")
            reply = _receive(connection, deadline)
        if not reply:
            raise ScannerFailed("it hung up")
        dated = _DATED.match(reply)
        if dated is None:
            return None
        try:
            return datetime.strptime(dated[1].strip(), "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
        except ValueError:
            return None

    @contextmanager
    def _connected(self, seconds: float) -> Iterator[tuple[socket.socket, float]]:
        deadline = time.monotonic() + seconds
        try:
            with _connect(self._address, seconds) as connection:
                yield connection, deadline
        except OSError as error:
            raise ScannerFailed(str(error) or type(error).__name__) from error


def split_address(address: str) -> tuple[str, int] | str:
    """`host:port`, `[::1]:port` or `/path/of/socket`. Raises ValueError."""
    if address.startswith("/"):
        return address
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{address!r} is neither host:port nor the path of a socket")
    return host.strip("[]"), int(port)


def _connect(address: str, seconds: float) -> socket.socket:
    where = split_address(address)
    if not isinstance(where, str):
        return socket.create_connection(where, timeout=seconds)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(seconds)
        connection.connect(where)
    except BaseException:
        connection.close()
        raise
    return connection


def _send(connection: socket.socket, deadline: float, data: bytes) -> None:
    connection.settimeout(_remaining(deadline))
    connection.sendall(data)


def _receive(connection: socket.socket, deadline: float) -> str:
    reply = b""
    while not reply.endswith(b"\0") and len(reply) < _MAX_REPLY_BYTES:
        connection.settimeout(_remaining(deadline))
        data = connection.recv(_MAX_REPLY_BYTES)
        if not data:
            break
        reply += data
    return reply.rstrip(b"\0\n").decode("utf-8", "replace")


def _remaining(deadline: float) -> float:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError("timed out")
    return remaining


def _parse(reply: str) -> Reply:
    if reply == "stream: OK":
        return Reply()
    if reply.endswith(" FOUND"):
        return Reply(found=reply.removeprefix("stream: ").removesuffix(" FOUND"))
    if "size limit exceeded" in reply:
        return Reply(refused="larger than the scanner's stream limit")
    raise ScannerFailed(reply or "the connection was cut")
