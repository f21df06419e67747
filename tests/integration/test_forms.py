"""Forms through a real server: what is stored is what was sent, wherever in a delimiter a read of the body ends."""

import base64
import hashlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
import requests

from harness.forms import random_form
from harness.servers import Service

pytestmark = pytest.mark.server
MEBIBYTE = 1024 * 1024
FILE = b'Content-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
FIELD = b'Content-Disposition: form-data; name="visibility"\r\n\r\npublic\r\n'
OPTIONS = [("visibility", b"public"), ("description", b"-- B")]
LAST_BYTES = (b"A", b"\r", b"\r\n", b"\r\n-", b"\r\n--", b"\n", b"\0")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that lets one client upload as often as it likes."""
    limits = dict.fromkeys(("RATELIMIT_UPLOAD", "RATELIMIT_DOWNLOAD", "RATELIMIT_API"), "off")
    running = Service(tmp_path_factory.mktemp("service"), {"MIN_FREE_SPACE": "0", **limits}).start()
    yield running
    running.kill()


def post(server: Service, body: bytes, boundary: bytes) -> requests.Response:
    kind = b'multipart/form-data; boundary="%s"' % boundary
    return server.request("POST", "/upload", data=body, headers={"Content-Type": kind})


def stored(server: Service, answer: requests.Response) -> bytes:
    assert answer.status_code == 201, answer.text
    file = answer.json()
    content = server.request("GET", file["download_url"]).content
    assert file["file_hash"] == hashlib.sha256(content).hexdigest()
    assert file["file_size"] == len(content)
    return content


def test_a_read_may_end_anywhere_in_a_delimiter(server: Service, rounds: Callable[[int, int], int]) -> None:
    chance = Random(3065)
    for number in range(rounds(150, 5000)):
        boundary = bytes(chance.choices(b"abcXYZ019-_", k=chance.choice((1, 3, 16, 40, 70))))
        delimiter = b"\r\n--" + boundary
        head = delimiter[2:] + b"\r\n" + FILE
        tail = delimiter + (b"--\r\n" if number % 2 else b"\r\n" + FIELD + delimiter[2:] + b"--\r\n")
        last = chance.choice(LAST_BYTES)
        past = chance.randint(-6, len(delimiter) + 6)  # how far behind the content a read ends
        size = MEBIBYTE * chance.choice((1, 1, 1, 2)) - len(head) - past
        content = b"A" * (size - len(last)) + last

        answer = post(server, head + content + tail, boundary)

        assert stored(server, answer) == content, (boundary, past, last)


def test_any_form_is_stored_as_it_was_sent(server: Service, rounds: Callable[[int, int], int]) -> None:
    chance = Random(7578)
    for _ in range(rounds(200, 2000)):
        form = random_form(chance, chance.sample(OPTIONS, chance.randrange(3)))

        assert stored(server, post(server, form.body, form.boundary)) == form.file, form


def test_the_smallest_file_that_curl_could_not_send_right_arrives(server: Service, tmp_path: Path) -> None:
    file = tmp_path / "f"
    for size in range(1_048_376, 1_048_392):
        file.write_bytes(b"A" * size)
        command = [
            "curl",
            "-s",
            "--noproxy",
            "*",
            "-H",
            "Expect:",
            "-F",
            f"file=@{file}",
            f"{server.url}/upload",
        ]

        answer = subprocess.run(command, capture_output=True, check=True)

        assert hashlib.sha256(b"A" * size).hexdigest().encode() in answer.stdout


def test_headers_of_a_part_and_digests_have_their_limits(server: Service) -> None:
    digest = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    right, long = f"sha-256=:{digest}:", ",".join(["a"] * 513)
    other = f"sha-256=:{base64.b64encode(bytes(32)).decode()}:"

    def form(*headers: str) -> requests.Response:
        lines = "".join(f"{header}\r\n" for header in headers).encode()
        return post(server, b"--B\r\n" + lines + FILE + b"x\r\n--B--\r\n", b"B")

    answers = {
        "right": form(f"Content-Digest: {right}"),
        "beside others": form("Content-Digest: a=1", f"content-digest: {right}"),
        "wrong in the second line": form(f"Content-Digest: {right}", f"Content-Digest: {other}"),
        "long": form(f"Content-Digest: {long}"),
        "long in all": form(*[f"Repr-Digest: {'a' * 500}"] * 3),
        "megabyte": form("Content-Digest: " + "a," * (MEBIBYTE // 2)),
        "long in a PUT": server.request("PUT", "/upload/x", data=b"x", headers={"Content-Digest": long}),
    }

    assert {
        name: (answer.status_code, answer.json().get("code", "")) for name, answer in answers.items()
    } == {
        "right": (201, ""),
        "beside others": (201, ""),
        "wrong in the second line": (422, "digest_mismatch"),
        "long": (422, "validation_error"),
        "long in all": (422, "validation_error"),
        "megabyte": (431, "headers_too_large"),
        "long in a PUT": (422, "validation_error"),
    }


@pytest.mark.parametrize("boundary", [b"", b"\xc3\xa9", b"a b", b"-" * 70, b"x" * 4000])
def test_a_boundary_may_be_any_text(server: Service, boundary: bytes) -> None:
    answer = post(server, b"--" + boundary + b"\r\n" + FILE + b"x\r\n--" + boundary + b"--\r\n", boundary)

    if boundary:
        assert stored(server, answer) == b"x"
    else:
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def test_what_surrounds_the_file_is_limited(server: Service) -> None:
    field = b'--B\r\nContent-Disposition: form-data; name="note"\r\n\r\n%s\r\n'
    end, much = b"--B\r\n" + FILE + b"x\r\n--B--\r\n", b"x" * 3 * MEBIBYTE
    bodies = [much + b"\r\n" + end, end + much, field % much + end, field % b"" * 20 + end]
    bodies += [field % (b"x" * 200_000) * 15 + end]

    answers = [post(server, body, b"B") for body in bodies]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (413, "request_too_large")
    ] * 5
