"""The short way for requests from nginx reads and answers as gunicorn does, and leaves to gunicorn what is unusual."""

import socket
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPResponse
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http import get_parser
from gunicorn.http.wsgi import Response, create
from hypothesis import given
from hypothesis import strategies as st

from filewallball.serving import ordinary

CONFIG = Config()
CONFIG.set("forwarded_allow_ips", "")
CONFIG.set("forwarder_headers", "")
CONFIG.set("secure_scheme_headers", {})
_OWN = (
    "gunicorn.socket",
    "wsgi.errors",
    "wsgi.input",
    "wsgi.early_hints",
    "SERVER_SOFTWARE",
    "wsgi.multiprocess",
)
_BODY = b"0123456789"
HEAD = "Host: files.example\r\nX-Forwarded-For: 192.0.2.1\r\nX-Request-ID: req_1\r\n"
ORDINARY = [
    f"GET / HTTP/1.1\r\n{HEAD}\r\n",
    f'GET /download/a%20b%C3%A4?x=%31&y HTTP/1.1\r\n{HEAD}Range: bytes=0-1\r\nIf-None-Match: \t"a" \r\n\r\n',
    f"HEAD /a/b;c=d HTTP/1.1\r\n{HEAD}\r\n",
    f"DELETE /files/x HTTP/1.1\r\n{HEAD}X-Empty:\r\nContent-Length: 0\r\n\r\n",
    f"PUT /upload/x HTTP/1.1\r\n{HEAD}Content-Type: text/plain\r\nContent-Length: 10\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: [::1]:8000\r\naccept: */*\r\n\r\n",
]
UNUSUAL = [
    f"GET / HTTP/1.0\r\n{HEAD}\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    f"GET / HTTP/1.1\r\n{HEAD}",
    f"GET  / HTTP/1.1\r\n{HEAD}\r\n",
    f"GET http://files.example/ HTTP/1.1\r\n{HEAD}\r\n",
    f"GET //a HTTP/1.1\r\n{HEAD}\r\n",
    f"GET /a#b HTTP/1.1\r\n{HEAD}\r\n",
    f"OPTIONS * HTTP/1.1\r\n{HEAD}\r\n",
    f"GET /\x7f HTTP/1.1\r\n{HEAD}\r\n",
    f"GET / HTTP/1.1\r\n{HEAD}{HEAD}\r\n",
    f"GET / HTTP/1.1\r\n{HEAD}X_Forwarded_For: 10.0.0.1\r\n\r\n",
    f"GET / HTTP/1.1\r\n{HEAD}X-A: b\r\n c\r\n\r\n",
    f"GET / HTTP/1.1\r\n{HEAD}X-A : b\r\n\r\n",
    f"GET / HTTP/1.1\r\n{HEAD}X-A: \x00\r\n\r\n",
    f"GET / HTTP/1.1\r\n{HEAD}X-A: \xe4\r\n\r\n",
    f"GET / HTTP/1.1\n{HEAD}\n\r\n\r\n",
    f"GET / HTTP/1.1\r\n{HEAD}X-Long: {'a' * 4_000}\r\n\r\n",
    f"GET / HTTP/1.1\r\n{HEAD}{''.join(f'X-{n}: 1{chr(13)}{chr(10)}' for n in range(100))}\r\n",
    f"PUT /upload/x HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n",
    f"PUT /upload/x HTTP/1.1\r\n{HEAD}Content-Length: 10\r\nContent-Length: 11\r\n\r\n",
    f"PUT /upload/x HTTP/1.1\r\n{HEAD}Content-Length: +10\r\n\r\n",
    f"PUT /upload/x HTTP/1.1\r\n{HEAD}Expect: 100-continue\r\nContent-Length: 10\r\n\r\n",
    f"GET / HTTP/1.1\r\n{HEAD}Connection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    f"PRI / HTTP/1.1\r\n{HEAD}\r\n" * 40,
]


@contextmanager
def _connected() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        theirs.settimeout(30)
        yield ours, theirs


def _of_gunicorn(raw: bytes) -> dict[str, Any]:
    with _connected() as (ours, theirs):
        theirs.sendall(raw)
        theirs.shutdown(socket.SHUT_WR)
        request = next(get_parser(CONFIG, ours, ""))
        _, environ = create(request, ours, "", "/run/sync.sock", CONFIG)
        return {**environ, "body": environ["wsgi.input"].read()}


def _of_ours(raw: bytes) -> dict[str, Any] | None:
    with _connected() as (ours, theirs):
        first, rest = raw[: len(raw) - 4], raw[len(raw) - 4 :]
        if b"\r\n\r\n" not in first:
            first, rest = raw, b""
        theirs.sendall(rest)
        theirs.shutdown(socket.SHUT_WR)
        request = ordinary.parse(first, ours)
        if request is None:
            return None
        environ = request.environ(ordinary.base_environ(CONFIG))
        return {**environ, "body": environ["wsgi.input"].read()}


def _told(environ: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in environ.items() if name not in _OWN}


@pytest.mark.parametrize("head", ORDINARY)
def test_an_ordinary_request_is_read_as_gunicorn_reads_it(head: str) -> None:
    raw = head.encode("latin-1") + (_BODY if "Content-Length: 10" in head else b"")

    ours = _of_ours(raw)

    assert ours is not None
    assert _told(ours) == _told(_of_gunicorn(raw))


@pytest.mark.parametrize("head", UNUSUAL)
def test_an_unusual_request_is_left_to_gunicorn(head: str) -> None:
    assert _of_ours(head.encode("latin-1")) is None


_text = st.text(st.characters(min_codepoint=0, max_codepoint=255), max_size=12)
_pieces = st.sampled_from(
    [
        "GET",
        "POST",
        " ",
        "/",
        "/a?b",
        " HTTP/1.1",
        "\r\n",
        "\n",
        "Host: a",
        "A-b: c",
        "A_b: d",
        ":",
        "#",
        "%41",
        "\t",
    ]
)


@given(st.lists(st.one_of(_pieces, _text), max_size=14).map("".join))
def test_whatever_is_taken_for_ordinary_means_the_same_to_gunicorn(middle: str) -> None:
    for raw in (f"GET /{middle} HTTP/1.1\r\n{HEAD}\r\n", f"GET / HTTP/1.1\r\n{HEAD}{middle}\r\n\r\n", middle):
        data = raw.encode("latin-1")
        ours = _of_ours(data)
        if ours is not None:
            assert _told(ours) == _told(_of_gunicorn(data))


ANSWERS: list[tuple[str, str, list[tuple[str, str]], list[bytes]]] = [
    ("GET", "200 OK", [("Content-Length", "2"), ("X-A", "ä")], [b"ok"]),
    ("GET", "200 OK", [("Content-Length", "4")], [b"in", b"two"]),
    ("GET", "200 OK", [("X-A", " padded ")], [b"of ", b"", b"unknown length"]),
    ("GET", "200 OK", [("Content-Length", "0"), ("X-Accel-Redirect", "/_blobs/a")], []),
    ("HEAD", "200 OK", [("Content-Length", "5")], []),
    ("GET", "204 NO CONTENT", [], []),
    ("GET", "204 NO CONTENT", [("Content-Length", "0"), ("X-A", "b")], []),
    ("GET", "304 NOT MODIFIED", [("ETag", '"a"')], []),
    ("GET", "200 OK", [("Keep-Alive", "5"), ("Content-Length", "1")], [b"x"]),
]


def _answered(
    kind: type[Response], method: str, status: str, headers: list[tuple[str, str]], body: Iterable[bytes]
) -> tuple[int, list[tuple[str, str]], bytes]:
    with _connected() as (ours, theirs):
        raw = f"{method} / HTTP/1.1\r\n{HEAD}\r\n".encode()
        request = ordinary.parse(raw, ours)
        answer = kind(request, ours, CONFIG)
        answer.force_close()
        answer.start_response(status, headers)
        for piece in body:
            answer.write(piece)
        answer.close()
        ours.shutdown(socket.SHUT_WR)
        received = HTTPResponse(theirs, method=method)
        received.begin()
        names = [pair for pair in received.getheaders() if pair[0] not in ("Server", "Date")]
        return received.status, [(name, value.strip()) for name, value in names], received.read()


@pytest.mark.parametrize(("method", "status", "headers", "body"), ANSWERS)
def test_an_answer_is_the_one_that_gunicorn_sends(
    method: str, status: str, headers: list[tuple[str, str]], body: list[bytes]
) -> None:
    ours = _answered(ordinary.OrdinaryAnswer, method, status, headers, body)

    assert ours == _answered(Response, method, status, headers, body)


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\x00b"])
def test_a_header_that_would_begin_another_is_refused(value: str) -> None:
    refusals = []
    for kind in (ordinary.OrdinaryAnswer, Response):
        with pytest.raises(Exception, match="X-A") as caught:
            _answered(kind, "GET", "200 OK", [("X-A", value)], [])
        refusals.append(type(caught.value))

    assert refusals[0] is refusals[1]
