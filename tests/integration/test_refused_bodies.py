"""The bodies of refused requests: whatever is wrong with them the refusal stands, and nobody asks for them first."""

import socket
from collections.abc import Iterator

import pytest

from harness.servers import Service
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN
from tests.raw import Answer, answers, send

pytestmark = pytest.mark.server
GOOD = f"Authorization: Bearer {ADMIN_TOKEN}\r\n"
WRONG = "Authorization: Bearer fwb_this-one-nobody-was-ever-given\r\n"
JSON = "Content-Type: application/json\r\n"
FORM = "Content-Type: multipart/form-data; boundary=b\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
BLOCKED, LIMITED = "127.0.3.1", "127.0.3.2"
BROKEN = {
    "a size that is no number": b"zz\r\nhello\r\n0\r\n\r\n",
    "a negative size": b"-5\r\nhello\r\n0\r\n\r\n",
    "a signed size": b"+5\r\nhello\r\n0\r\n\r\n",
    "a size with a prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "a size beyond any file": b"f" * 16 + b"\r\nhello",
    "a size of 4,000 digits": b"f" * 4000 + b"\r\nhello",
    "a size line without an end": b"5" * 20_000,
    "a chunk that is longer than it says": b"3\r\nhello\r\n0\r\n\r\n",
    "a chunk that is shorter than it says": b"9\r\nhello\r\n0\r\n\r\n",
    "a chunk without its end": b"5\r\nhello0\r\n\r\n",
    "line feeds alone": b"5\nhello\n0\n\n",
    "an extension without a name": b"5;=\r\nhello\r\n0\r\n\r\n",
    "an extension with a bare return": b"5;a=\rb\r\nhello\r\n0\r\n\r\n",
    "a trailer without a colon": b"5\r\nhello\r\n0\r\nnonsense\r\n\r\n",
    "a trailer with a bad name": b"5\r\nhello\r\n0\r\na b: c\r\n\r\n",
    "a trailer with a zero byte": b"5\r\nhello\r\n0\r\na: \0\r\n\r\n",
    "a trailer that must be no trailer": b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
    "trailers without an end": b"5\r\nhello\r\n0\r\n" + b"a: b\r\n" * 9000,
    "no last chunk": b"5\r\nhello\r\n",
    "nothing": b"",
}
REFUSED = {
    "wrong credentials": ("PUT /upload/a", WRONG, 401),
    "no credentials": ("POST /api/v1/access/users", JSON, 401),
    "no such route": ("PUT /nowhere", "", 404),
    "no such file": ("DELETE /files/unknown", GOOD, 404),
    "another method": ("PATCH /upload", "", 405),
    "a body where none is read": ("POST /files", GOOD, 405),
    "another type": ("POST /upload", JSON, 415),
    "no boundary": ("POST /upload", "Content-Type: multipart/form-data\r\n", 400),
    "misplaced options": ("PUT /upload/a", "X-Visibility: public\r\n", 422),
    "misspelt options": ("PUT /upload/a?visiblity=public", "", 422),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that takes files of up to 1 MiB, blocks one address and limits uploads to one an hour."""
    settings = {
        "MAX_UPLOAD_SIZE": "1MB",
        "ADMIN_TOKEN": ADMIN_TOKEN,
        "MIN_FREE_SPACE": "0",
        "RATELIMIT_UPLOAD": "1/hour",
        "RATELIMIT_AUTH": "",
        "AUTOBLOCK_AUTH": "",
        "TRUSTED_PROXIES": "127.0.0.1/32",  # which is itself never limited
        "ANONYMOUS_ROLE": "user",
    }
    running = Service(tmp_path_factory.mktemp("refused"), settings, workers=1).start()
    yield running
    running.kill()


@pytest.mark.parametrize("refused", REFUSED)
@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_body_changes_nothing_about_a_refusal(server: Service, refused: str, broken: str) -> None:
    line, headers, status = REFUSED[refused]
    head = f"{line} HTTP/1.1\r\nHost: x\r\n{headers}{CHUNKED}\r\n".encode()

    (answer,) = send(server.port, head + BROKEN[broken], half_close=True)

    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize(
    ("line", "headers"),
    [
        ("PUT /upload/a", GOOD),
        ("POST /upload", GOOD + FORM),
        ("POST /api/v1/access/users", GOOD + JSON),
        ("POST /api/v1/alerts", GOOD + JSON),
    ],
)
def test_a_broken_body_that_is_read_is_a_client_error(
    server: Service, broken: str, line: str, headers: str
) -> None:
    head = f"{line} HTTP/1.1\r\nHost: x\r\n{headers}{CHUNKED}\r\n"

    (answer,) = send(server.port, head.encode() + BROKEN[broken], half_close=True)

    assert 400 <= answer.status < 500, answer


def expecting(server: Service, line: str, headers: str, *, source: str = "127.0.0.1") -> list[Answer]:
    """The answers to a request that waits for «100 Continue» before it would send its body, and then does."""
    head = f"{line} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n{headers}\r\n".encode()
    seen = []
    with (
        socket.create_connection(("127.0.0.1", server.port), 60, source_address=(source, 0)) as client,
        client.makefile("rb") as reader,
    ):
        client.sendall(head)
        for answer in answers(reader):
            seen.append(answer)
            if answer.is_interim:
                client.sendall(b"hello")
    return seen


@pytest.mark.parametrize("refused", REFUSED)
@pytest.mark.parametrize("length", ["Content-Length: 5\r\n", CHUNKED], ids=["length", "chunked"])
def test_a_refusal_comes_without_asking_for_the_body(server: Service, refused: str, length: str) -> None:
    line, headers, status = REFUSED[refused]

    seen = expecting(server, line, headers + length)

    assert [answer.status for answer in seen] == [status]


def test_a_body_that_is_too_large_is_refused_by_its_length(server: Service) -> None:
    for line, headers in (
        ("PUT /upload/a", GOOD),
        ("POST /upload", GOOD + FORM),
        ("POST /api/v1/access/users", GOOD + JSON),
    ):
        seen = expecting(server, line, f"{headers}Content-Length: 99999999\r\n")

        assert [answer.status for answer in seen] == [413], line


def test_a_blocked_or_limited_client_is_refused_before_its_body(server: Service) -> None:
    server.cli("blocks", "add", BLOCKED, "--reason", "a test", "--force")
    length = "Content-Length: 5\r\n"

    wait_until(
        lambda: (
            [answer.status for answer in expecting(server, "PUT /upload/a", length, source=BLOCKED)] == [403]
        ),
        what="the block is in force",
    )
    first, second = (expecting(server, "PUT /upload/a", length, source=LIMITED) for _ in range(2))

    assert [answer.status for answer in first] == [100, 201]
    assert [answer.status for answer in second] == [429]


def test_an_old_client_that_expects_is_never_told_to_go_on(server: Service) -> None:
    head = f"PUT /upload/a HTTP/1.0\r\nExpect: 100-continue\r\n{GOOD}"

    seen = send(server.port, f"{head}Content-Length: 5\r\n\r\nhello".encode())

    assert [answer.status for answer in seen] == [201]


def test_a_body_that_comes_with_the_head_is_read_and_asked_for_at_most_once(server: Service) -> None:
    head = f"PUT /upload/a HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\n{GOOD}"

    seen = send(server.port, f"{head}Content-Length: 5\r\n\r\nhello".encode())

    assert [answer.status for answer in seen] in ([100, 201], [201])
