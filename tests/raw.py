"""Requests as bytes over a socket, and answers held to the grammar of HTTP/1.1 (RFC 9112)."""

import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2}) ?([\t -~\x80-\xff]*)\r\n")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*\r\n")
_ONCE = {b"content-length", b"content-type", b"location", b"etag", b"retry-after", b"x-request-id"}
_SECONDS = 60.0


class NotHttp(AssertionError):
    """The bytes are no answer."""


@dataclass(frozen=True)
class Answer:
    """One answer; `headers` by lower-case name. `is_interim` for 1xx, `is_cut` if the connection ended within it."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_cut: bool = False

    @property
    def is_interim(self) -> bool:
        return self.status < 200


def send(port: int, data: bytes, *, method: str = "GET", half_close: bool = False) -> list[Answer]:
    """All answers to these bytes until the server closes. Raises NotHttp, and TimeoutError if it never does."""
    with socket.create_connection(("127.0.0.1", port), _SECONDS) as client:
        with suppress(OSError):  # it may have answered and closed already
            client.sendall(data)
            if half_close:
                client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as reader:
            return list(answers(reader, method))


def answers(reader: IO[bytes], method: str = "GET") -> Iterator[Answer]:
    """The answers on a connection until its end, each checked for its form; `method` is that of the requests."""
    with suppress(ConnectionResetError):
        while line := reader.readline(70_000):
            yield _answer(line, reader, method)


def _answer(line: bytes, reader: IO[bytes], method: str) -> Answer:
    matched = _STATUS_LINE.fullmatch(line)
    if matched is None:
        raise NotHttp(f"no status line: {line[:200]!r}")
    status, headers = int(matched[1]), _headers(reader)
    if status < 200 or status in (204, 304) or _is_to_a_head(method, status, headers):
        return Answer(status, headers, b"")
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"] != "chunked" or "content-length" in headers:
            raise NotHttp(f"unclear length: {headers}")
        return Answer(status, headers, b"".join(_chunks(reader)))
    length = headers.get("content-length")
    body = reader.read(-1 if length is None else int(length))
    return Answer(status, headers, body, is_cut=length is not None and len(body) < int(length))


def _is_to_a_head(method: str, status: int, headers: dict[str, str]) -> bool:
    """True if the answer has no body; a server that cannot read a request does not know that it is a HEAD."""
    return method == "HEAD" and not (status >= 400 and headers.get("connection") == "close")


def _headers(reader: IO[bytes]) -> dict[str, str]:
    found: dict[str, str] = {}
    while (line := reader.readline(70_000)) != b"\r\n":
        matched = _FIELD.fullmatch(line)
        if matched is None:
            raise NotHttp(f"no header line: {line[:200]!r}")
        name, value = matched[1].lower(), matched[2].decode("latin-1")
        if name.decode() in found and name in _ONCE:
            raise NotHttp(f"twice: {name!r}")
        found[name.decode()] = f"{found[name.decode()]}, {value}" if name.decode() in found else value
    return found


def _chunks(reader: IO[bytes]) -> Iterator[bytes]:
    while size := int(reader.readline(100), 16):
        data = reader.read(size + 2)
        if not data.endswith(b"\r\n"):
            raise NotHttp("a chunk without its end")
        yield data[:-2]
    if reader.readline(100) != b"\r\n":
        raise NotHttp("a last chunk without its end")
