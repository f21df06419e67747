"""Raw requests as honest clients send them, and as a seeded generator spoils them."""

import random
from collections.abc import Callable, Sequence

from tests.conftest import ADMIN_TOKEN

_FORM = (
    b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n'
    b'words\r\n--cut\r\nContent-Disposition: form-data; name="visibility"\r\n\r\nunlisted\r\n--cut--\r\n'
)
_JSON = b'{"username": "somebody", "role": "user"}'
_CHUNKS = b"5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n"
_AUTHORIZATION = b"Authorization: Bearer " + ADMIN_TOKEN.encode() + b"\r\n"
_NUMBERS = (
    b"0",
    b"-1",
    b"+1",
    b"1e3",
    b"0x10",
    b"9" * 20,
    b"9" * 5000,
    b"",
    b" ",
    b"NaN",
    b"\xd9\xa3",
    b"1_0",
    b"1.5",
)
_PIECES = (
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b" ",
        b"\t",
        b":",
        b";",
        b",",
        b"=",
        b"-",
        b"%",
        b"%00",
        b"%ff",
        b"%2f",
        b'"',
        b"\\",
    ),
    *(
        b"\xff",
        b"\xc3\x28",
        b"\xed\xa0\x80",
        "\u202e".encode(),
        b"//",
        b"/..",
        b"?",
        b"&",
        b"#",
        b"\x7f",
        b"{",
        b"[",
        b"a" * 300,
    ),
    *(
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"Host: y\r\n",
        b"\r\n\r\n",
    ),
)
_HEADERS = (
    b"Content-Type Content-Length Transfer-Encoding Expect Connection Upgrade Range If-Range If-Match If- "
    b"None-Match If-Modified-Since If-Unmodified-Since Accept Accept-Encoding Cookie Authorization Origin "
    b"Access-Control-Request-Method X-Request-ID X-Forwarded-For Forwarded X-Delete-Token Repr-Digest "
    b"Content-Digest User-Agent TE Trailer Date Max-Forwards"
).split()
_VALUES = (
    *(
        b"",
        b"*",
        b"bytes=-0",
        b"bytes=5-2,0-1",
        b'"x"',
        b"W/",
        b"sha-256=:AA==:",
        b"chunked",
        b"gzip, chunked",
        b"identity",
    ),
    *(
        b"keep-alive",
        b"close",
        b"h2c",
        b"100-continue",
        b"application/json; charset=\xff",
        b"multipart/form-data",
    ),
    *(
        b"multipart/form-data; boundary=",
        b"text/html;q=9",
        b"Basic \xff",
        b"Bearer",
        b"Mon, 01 Jan 99999 00:00:00 GMT",
    ),
    *(b'for="[::1"', b"127.0.0.1:99999999", b"null", b"a" * 9000),
)
_METHODS = (b"GET HEAD POST PUT DELETE PATCH OPTIONS TRACE CONNECT FOO get PRI").split()
_TARGETS = (
    *(
        b"/",
        b"/files?page=%s",
        b"/files?cursor=%%00",
        b"/upload/%%ff",
        b"/upload/a?expires_in=%s",
        b"/download/../../etc",
    ),
    *(
        b"*",
        b"http://x/files",
        b"//files",
        b"/files/" + b"x" * 3000,
        b"/api/v1/access/users/%s",
        b"/health/ready",
        b"/metrics",
    ),
    *(
        b"/docs/swagger-ui/..%%2f..",
        b"/thumbnail/x?size=%s",
        b"/api/v1/audit/logs?size=%s",
        b"/openapi.json",
        b"x",
        b"",
    ),
)


def honest(file_id: str) -> list[bytes]:
    """The requests to spoil, each as it should be; `file_id` is a file that exists."""

    def request(line: str, headers: bytes = b"", body: bytes | None = None) -> bytes:
        length = b"" if body is None or b"chunked" in headers else b"Content-Length: %d\r\n" % len(body)
        head = line.encode() + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        return head + headers + length + b"\r\n" + (body or b"")

    form, as_json = (
        b"Content-Type: multipart/form-data; boundary=cut\r\n",
        b"Content-Type: application/json\r\n",
    )
    chunked = b"Transfer-Encoding: chunked\r\n"
    return [
        request("GET /files?page=1&size=5&name=a", _AUTHORIZATION),
        request(f"GET /download/{file_id}", b"Range: bytes=0-4\r\n"),
        request(f"GET /view/{file_id}", b'Range: bytes=1-\r\nIf-Range: "x"\r\n'),
        request(f"HEAD /download/{file_id}", b'If-None-Match: "x"\r\n'),
        request("PUT /upload/a.txt?visibility=public", b"Content-Type: text/plain\r\n", b"words"),
        request("PUT /upload/b.txt", chunked, _CHUNKS),
        request("POST /upload", form, _FORM),
        request("POST /upload", form + chunked, b"%x\r\n%s\r\n0\r\n\r\n" % (len(_FORM), _FORM)),
        request("POST /api/v1/access/users", _AUTHORIZATION + as_json, _JSON),
        request(
            "POST /api/v1/access/users",
            _AUTHORIZATION + as_json + chunked,
            b"%x\r\n%s\r\n0\r\n\r\n" % (len(_JSON), _JSON),
        ),
        request(
            "PUT /api/v1/access/quotas/users/1", _AUTHORIZATION + as_json, b'{"limit_bytes": 100000000000}'
        ),
        request("GET /api/v1/audit/logs?size=3&date_from=2026-01-01", _AUTHORIZATION),
        request("DELETE /files/unknown", b"X-Delete-Token: x\r\n"),
        request("OPTIONS /upload", b"Origin: http://x\r\nAccess-Control-Request-Method: POST\r\n"),
        request("PUT /upload/c.txt", b"Expect: 100-continue\r\nContent-Digest: sha-256=:AA==:\r\n", b"words"),
    ]


def spoiled(made: random.Random, requests: Sequence[bytes]) -> bytes:
    """One request, or several on one connection, with one to four mutations."""
    data = made.choice(requests)
    for _ in range(made.choice((1, 1, 2, 4))):
        data = made.choice(_MUTATIONS)(made, data)
    if made.random() < 0.15 and b"HEAD" not in data:
        following = [request for request in requests if not request.startswith(b"HEAD")]
        data = data.replace(b"Connection: close\r\n", b"") + made.choice(following)
    return data


def _insert(made: random.Random, data: bytes) -> bytes:
    place = made.randrange(len(data) + 1)
    return data[:place] + made.choice(_PIECES) + data[place:]


def _overwrite(made: random.Random, data: bytes) -> bytes:
    place = made.randrange(len(data) + 1)
    return data[:place] + bytes([made.randrange(256)]) + data[place + 1 :]


def _cut(made: random.Random, data: bytes) -> bytes:
    start = made.randrange(len(data) + 1)
    return data[:start] + data[start + made.randrange(1, 40) :]


def _end_early(made: random.Random, data: bytes) -> bytes:
    return data[: made.randrange(len(data) + 1)]


def _repeat(made: random.Random, data: bytes) -> bytes:
    start = made.randrange(len(data) + 1)
    piece = data[start : start + made.randrange(1, 60)]
    return data[:start] + piece * made.choice((2, 3, 50)) + data[start + len(piece) :]


def _number(made: random.Random, data: bytes) -> bytes:
    places = [place for place, byte in enumerate(data) if 0x30 <= byte <= 0x39]
    if not places:
        return data
    place = made.choice(places)
    return data[:place] + made.choice(_NUMBERS) + data[place + 1 :]


def _header(made: random.Random, data: bytes) -> bytes:
    line, end, rest = data.partition(b"\r\n")
    value = made.choice(_VALUES) if made.random() < 0.8 else made.choice(_NUMBERS)
    return line + end + made.choice(_HEADERS) + b": " + value + b"\r\n" + rest


def _request_line(made: random.Random, data: bytes) -> bytes:
    method, _, rest = data.partition(b" ")
    target, _, rest = rest.partition(b" ")
    version, end, rest = rest.partition(b"\r\n")
    which = made.randrange(3)
    if which == 0:
        method = made.choice(_METHODS)
    elif which == 1:
        wanted = made.choice(_TARGETS)
        target = wanted % made.choice(_NUMBERS) if b"%s" in wanted else wanted.replace(b"%%", b"%")
    else:
        version = made.choice(
            (b"HTTP/1.0", b"HTTP/1.1", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/9", b"http/1.1", b"")
        )
    return b" ".join((method, target, version)) + end + rest


_MUTATIONS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    *(
        _insert,
        _insert,
        _overwrite,
        _cut,
        _end_early,
        _repeat,
        _number,
        _number,
        _header,
        _header,
        _request_line,
    ),
)
