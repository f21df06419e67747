"""The short way for requests as nginx passes them on: llhttp reads the head, and the answer leaves in one piece.

Gunicorn's own parser and writer are made for anything that may come from anywhere; behind nginx they cost as much as
the service itself. A request that is in any way unusual still goes to them.
"""

import re
import socket
from functools import lru_cache
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from gunicorn.http.body import Body
from gunicorn.http.wsgi import FileWrapper, Response, WSGIErrorsWrapper
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

_STEP_BYTES = 1024 * 1024
"""The most that is read at once."""
_HEAD_BYTES, _FIELDS = 4_000, 100
"""Larger heads go to gunicorn, which has limits for each part."""
# Deleting the bytes that may be there is ten times as fast as an expression that looks for others.
_PLAIN_HEAD = bytes((*b"\t\r\n", *range(0x20, 0x7F)))
_PLAIN_FIELDS = bytes((*_PLAIN_HEAD, *range(0x80, 0x100)))
_TARGET = re.compile(r"/(?!/)[^#]*")
_UNUSUAL = frozenset({"TRANSFER-ENCODING", "EXPECT", "UPGRADE"})
_HOP_BY_HOP = frozenset(
    (
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization"),
        *("te", "trailers", "transfer-encoding", "upgrade"),
    )
)


class OrdinaryRequest:
    """A request with an ordinary head, as far as gunicorn's `Response` and its error handling look at it."""

    version = (1, 1)

    def __init__(self, method: str, head: "_Head", rest: bytes, client: socket.socket) -> None:
        self.method = method
        self.uri = head.target
        self.path, _, self.query = head.target.partition("?")
        self.fields = head.fields
        self.body = _Body(_Content(client, rest, int(head.fields.get("CONTENT-LENGTH", 0))))
        self._client = client

    def should_close(self) -> bool:
        """True: a connection is for one request."""
        return True

    @property
    def is_read(self) -> bool:
        """True if nothing of the body is left unread."""
        return not self.body.reader.length

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Names in capitals with their values, as gunicorn's log of requests reads them."""
        return list(self.fields.items())

    def environ(self, base: dict[str, Any]) -> dict[str, Any]:
        """The WSGI environment (PEP 3333) with gunicorn's keys, on top of what is the same for all requests."""
        path = self.path
        environ = base | {
            "wsgi.input": self.body,
            "gunicorn.socket": self._client,
            "REQUEST_METHOD": self.method,
            "QUERY_STRING": self.query,
            "RAW_URI": self.uri,
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1") if "%" in path else path,
        }
        for name, value in self.fields.items():
            environ["HTTP_" + name.replace("-", "_")] = value
        for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if "HTTP_" + key in environ:
                environ[key] = environ.pop("HTTP_" + key)
        environ["SERVER_NAME"], *port = self.fields["HOST"].split(
            ":"
        )  # nobody reads these where there is a Host
        environ["SERVER_PORT"] = port[0] if port else "80"
        return environ


class _Body(Body):
    """Gunicorn's, without its buffer where nothing is in it: the bytes are copied once at most."""

    def read(self, size: int | None = None) -> bytes:
        """So many of the next bytes, or all there are. What came before a failure is for who reads again."""
        if self.buf.tell():
            return cast(bytes, super().read(size))
        wanted, pieces = self.getsize(size), []
        try:
            while wanted > 0 and (data := self._read_reader(min(wanted, _STEP_BYTES))):
                pieces.append(data)
                wanted -= len(data)
        except BaseException:
            self.buf.write(b"".join(pieces))
            raise
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class _Content:
    """What gunicorn's `Body` reads from: first what came with the head, then the socket, without copies in between."""

    def __init__(self, client: socket.socket, rest: bytes, length: int) -> None:
        self.length = length
        self._client = client
        self._rest = rest

    def read(self, size: int) -> bytes:
        """At most so many of the next bytes; none at the end, or where the client went away before."""
        size = min(size, self.length)
        if not size:
            return b""
        if self._rest:
            data, self._rest = self._rest[:size], self._rest[size:]
        else:
            data = self._client.recv(size)
        self.length -= len(data)
        return data


def base_environ(cfg: Any) -> dict[str, Any]:
    """The part of the environment that all ordinary requests share."""
    return {
        "wsgi.errors": WSGIErrorsWrapper(cfg),
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        "wsgi.input_terminated": True,
        "wsgi.url_scheme": "http",
        "SERVER_SOFTWARE": "gunicorn",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SCRIPT_NAME": "",
        "REMOTE_ADDR": "",
    }


def parse(data: bytes, client: socket.socket) -> OrdinaryRequest | None:
    """The request that begins with `data`; None if its head is not all there, or is not ordinary."""
    end = data.find(b"\r\n\r\n", 0, _HEAD_BYTES) + 4
    raw = data[:end]
    if (
        end < 4 or raw.translate(None, _PLAIN_HEAD) or raw.count(b" ", 0, raw.find(b"\r\n")) != 2
    ):  # llhttp takes more spaces
        return None
    head = _Head()
    parser = HttpRequestParser(head)
    try:
        parser.feed_data(raw)
    except (HttpParserError, HttpParserUpgrade):  # gunicorn says what is wrong
        return None
    if parser.get_http_version() != "1.1" or not head.is_ordinary():
        return None
    return OrdinaryRequest(parser.get_method().decode(), head, data[end:], client)


@lru_cache(512)
def _capitals(name: bytes) -> str:
    return name.decode().upper()


class _Head:
    """The parts of a head, as llhttp finds them."""

    def __init__(self) -> None:
        self.target = ""
        self.fields: dict[str, str] = {}
        self._count = 0

    def on_url(self, target: bytes) -> None:
        self.target = target.decode()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count += 1
        self.fields[_capitals(name)] = value.decode().strip(" \t")

    def is_ordinary(self) -> bool:
        """True if each field comes once and means nothing to the connection, and all have names that WSGI keeps."""
        fields = self.fields
        return (
            len(fields) == self._count <= _FIELDS
            and "HOST" in fields
            and fields.keys().isdisjoint(_UNUSUAL)
            and "_" not in "".join(fields)
            and _TARGET.fullmatch(self.target) is not None
        )


class OrdinaryAnswer(Response):
    """An answer to nginx, which adds Server and Date itself; an answer that is whole leaves in one piece."""

    headers_sent: bool
    _own: list[tuple[str, str]] | None = None
    """The headers whose fields are `_fields`."""
    _fields = b""

    def process_headers(self, headers: list[tuple[str, str]]) -> None:
        """Take the headers over where they are ordinary; gunicorn's own way drops or refuses the rest."""
        fields = _plain_fields(headers)
        names = [name.lower() for name, _ in headers]
        if fields is None or not _HOP_BY_HOP.isdisjoint(names):
            super().process_headers(headers)
            return
        self.headers = self._own = headers
        self._fields = fields
        if "content-length" in names:
            self.response_length = int(headers[names.index("content-length")][1])

    def default_headers(self) -> list[str]:
        """The status line and what belongs to the connection."""
        coding = "Transfer-Encoding: chunked\r\n" if self.chunked else ""
        return [f"HTTP/1.1 {self.status}\r\nConnection: close\r\n{coding}"]

    def write(self, arg: bytes) -> None:
        """Send a piece of the body, with the head if it is all of it."""
        if self.headers_sent or self.response_length != len(arg) or self._omits_body:
            super().write(arg)
            return
        head = self._head()
        self.headers_sent, self.sent = True, len(arg)
        self.sock.sendall(head + arg)

    def send_headers(self) -> None:
        """Send the head, unless that was done."""
        if not self.headers_sent:
            self.sock.sendall(self._head())
            self.headers_sent = True

    def _head(self) -> bytes:
        fields = self._fields
        if self.headers is not self._own:  # gunicorn changed them
            fields = "".join([f"{name}: {value}\r\n" for name, value in self.headers]).encode("latin-1")
        return b"%b%b\r\n" % ("".join(self.default_headers()).encode("latin-1"), fields)


def _plain_fields(headers: list[tuple[str, str]]) -> bytes | None:
    """The headers as lines; None where one holds what no line may hold."""
    try:
        fields = "".join([f"{name}: {value}\r\n" for name, value in headers]).encode("latin-1")
    except UnicodeEncodeError:
        return None
    is_plain = fields.count(b"\r") == fields.count(b"\n") == len(headers)
    return fields if is_plain and not fields.translate(None, _PLAIN_FIELDS) else None
