"""Each MUST of the extensions of tus 1.0.0, asked of a real service."""

import base64
import hashlib
import socket
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from harness.servers import Service
from tests.files.resumable.tus import BYTES, KB, Tus, metadata, noise, status_of

pytestmark = pytest.mark.server
User = Callable[[], tuple[Tus, int, int]]


def test_a_length_that_was_put_off_is_told_once(tus: Tus) -> None:
    url = tus.begin(None)
    before = tus.head(url)
    tus.patch(url, 0, b"abc")
    set_once = tus.patch(url, 3, b"d", {"Upload-Length": "6"})
    after = tus.head(url)
    changed = tus.patch(url, 4, b"e", {"Upload-Length": "7"})
    same = tus.patch(url, 4, b"ef", {"Upload-Length": "6"})

    assert (before.headers["Upload-Defer-Length"], before.headers.get("Upload-Length")) == ("1", None)
    assert (set_once.status_code, after.headers["Upload-Length"]) == (204, "6")
    assert "Upload-Defer-Length" not in after.headers
    assert (changed.status_code, same.status_code) == (400, 204)
    assert tus.content(same.headers["X-File-Id"]) == b"abcdef"


def test_a_length_that_comes_with_nothing_else_ends_the_upload(tus: Tus) -> None:
    url = tus.begin(None)
    tus.patch(url, 0, b"abc")

    answer = tus.patch(url, 3, b"", {"Upload-Length": "3"})

    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "3")
    assert tus.content(answer.headers["X-File-Id"]) == b"abc"


def test_a_length_below_what_is_kept_is_refused(tus: Tus) -> None:
    url = tus.begin(None)
    tus.patch(url, 0, b"abc")

    assert tus.patch(url, 3, b"", {"Upload-Length": "2"}).status_code == 400
    assert tus.head(url).headers["Upload-Defer-Length"] == "1"


def test_bytes_beyond_the_length_are_refused(tus: Tus) -> None:
    def chunks() -> Any:
        yield b"abc"
        yield b"defgh"

    url = tus.begin(5)
    assert tus.patch(url, 0, b"abcdef").status_code == 413
    assert tus.ask("PATCH", url, {**BYTES, "Upload-Offset": "0"}, chunks()).status_code == 413
    assert tus.offset(url) == 0
    assert tus.patch(url, 0, b"abcde").status_code == 204


def test_a_body_of_unknown_length_is_taken(tus: Tus) -> None:
    url = tus.begin(6)

    answer = tus.ask("PATCH", url, {**BYTES, "Upload-Offset": "0"}, iter([b"abc", b"def"]))

    assert tus.content(answer.headers["X-File-Id"]) == b"abcdef"


def test_creation_takes_the_first_bytes(tus: Tus) -> None:
    part = tus.ask("POST", "/uploads", {**BYTES, "Upload-Length": "6"}, b"abc")
    whole = tus.ask("POST", "/uploads", {**BYTES, "Upload-Length": "3"}, b"abc")

    assert (part.status_code, part.headers["Upload-Offset"]) == (201, "3")
    assert tus.offset(part.headers["Location"]) == 3
    assert tus.content(whole.headers["X-File-Id"]) == b"abc"


def test_creation_with_bytes_of_another_type_is_refused(tus: Tus) -> None:
    assert tus.ask("POST", "/uploads", {"Upload-Length": "3"}, b"abc").status_code == 415


def test_a_client_that_waits_for_100_hears_it(tus: Tus) -> None:
    url = tus.begin(3)
    head = {"Expect": "100-continue", "Content-Length": "3"}
    client = _ask_first(tus, url, head)
    with client, client.makefile("rb") as reader:
        assert reader.readline().split()[1] == b"100"
        reader.readline()
        client.sendall(b"abc")
        assert reader.readline().split()[1] == b"204"


def _ask_first(tus: Tus, url: str, head: dict[str, str]) -> socket.socket:
    parts = urlsplit(tus.url)
    client = socket.create_connection((parts.hostname, parts.port), 60)
    lines = {"Host": parts.netloc, "Tus-Resumable": "1.0.0", **BYTES, "Upload-Offset": "0", **head}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    client.sendall(f"PATCH {url} HTTP/1.1\r\n{text}\r\n".encode())
    return client


def test_an_unfinished_upload_tells_when_it_expires(tus: Tus) -> None:
    created = tus.create(6, filename="a")
    url = created.headers["Location"]
    told = [created, tus.patch(url, 0, b"abc"), tus.head(url)]

    moments = [parsedate_to_datetime(answer.headers["Upload-Expires"]) for answer in told]

    assert all(moment.tzinfo is not None for moment in moments)
    assert "Upload-Expires" not in tus.patch(url, 3, b"def").headers


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_bytes_with_the_right_checksum_are_kept_and_others_dropped(tus: Tus, algorithm: str) -> None:
    def checksum(data: bytes) -> dict[str, str]:
        digest = hashlib.new(algorithm, data).digest()
        return {"Upload-Checksum": f"{algorithm} {base64.b64encode(digest).decode()}"}

    url = tus.begin(6)
    right = tus.patch(url, 0, b"abc", checksum(b"abc"))
    wrong = tus.patch(url, 3, b"dex", checksum(b"def"))
    offset = tus.offset(url)
    last = tus.patch(url, 3, b"def", checksum(b"def"))

    assert (right.status_code, wrong.status_code, offset) == (204, 460, 3)
    assert wrong.json()["code"] == "checksum_mismatch"
    assert tus.content(last.headers["X-File-Id"]) == b"abcdef"


@pytest.mark.parametrize("value", ["md5 AAAA", "sha1 !!", "sha1 AAAA", "sha1", ""])
def test_a_checksum_that_cannot_be_checked_is_refused(tus: Tus, value: str) -> None:
    url = tus.begin(3)

    assert tus.patch(url, 0, b"abc", {"Upload-Checksum": value}).status_code == 400
    assert tus.offset(url) == 0


def test_an_upload_that_was_given_up_is_gone(tus: Tus) -> None:
    url = tus.begin(6)
    tus.patch(url, 0, b"abc")

    assert tus.ask("DELETE", url).status_code == 204
    assert [tus.head(url).status_code, tus.patch(url, 3, b"def").status_code] == [410, 410]
    assert tus.ask("DELETE", url).status_code == 410
    assert "Upload-Offset" not in tus.head(url).headers


def test_a_finished_upload_is_not_given_up(tus: Tus) -> None:
    url = tus.begin(3)
    file_id = tus.patch(url, 0, b"abc").headers["X-File-Id"]

    assert tus.ask("DELETE", url).status_code == 409
    assert tus.content(file_id) == b"abc"


def test_parts_become_one_file_and_any_may_be_used_twice(tus: Tus) -> None:
    urls = []
    for data in (b"abc", b"defg"):
        url = tus.begin(len(data), {"Upload-Concat": "partial"}, filename="part")
        assert tus.patch(url, 0, data).status_code == 204
        assert tus.head(url).headers["Upload-Concat"] == "partial"
        urls.append(url)
    concat = f"final;{urls[0]} {tus.url}{urls[1]} {urls[0]}"

    made = tus.ask("POST", "/uploads", {"Upload-Concat": concat, "Upload-Metadata": metadata(filename="w")})
    told = tus.head(made.headers["Location"])

    assert made.status_code == 201
    assert tus.content(made.headers["X-File-Id"]) == b"abcdefgabc"
    assert told.headers["Upload-Concat"] == concat
    assert (told.headers["Upload-Offset"], told.headers["Upload-Length"]) == ("10", "10")
    assert told.headers["Upload-Metadata"] == metadata(filename="w")
    assert tus.ask("GET", f"/files/{made.headers['X-File-Id']}").json()["filename"] == "w"


def test_a_concatenation_that_is_asked_for_again_is_the_same_file(tus: Tus) -> None:
    url = tus.begin(3, {"Upload-Concat": "partial"})
    tus.patch(url, 0, b"abc")
    wanted = {"Upload-Concat": f"final;{url}", "Upload-Metadata": metadata(filename="w")}

    first, again = tus.ask("POST", "/uploads", wanted), tus.ask("POST", "/uploads", wanted)
    other = tus.ask("POST", "/uploads", {**wanted, "Upload-Metadata": metadata(filename="v")})

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.headers["Location"] == again.headers["Location"] != other.headers["Location"]
    assert first.headers["X-File-Id"] == again.headers["X-File-Id"] != other.headers["X-File-Id"]


def test_no_bytes_go_to_a_concatenation(tus: Tus) -> None:
    url = tus.begin(3, {"Upload-Concat": "partial"})
    tus.patch(url, 0, b"abc")
    wanted = {**BYTES, "Upload-Concat": f"final;{url}"}
    brings_more = tus.ask("POST", "/uploads", wanted, b"def")
    puts_off = tus.ask("POST", "/uploads", {**wanted, "Upload-Defer-Length": "1"})

    made = tus.ask("POST", "/uploads", {"Upload-Concat": f"final;{url}"})

    assert (brings_more.status_code, puts_off.status_code) == (400, 400)
    for offset, data in ((0, b"x"), (3, b"x"), (3, b"")):
        assert tus.patch(made.headers["Location"], offset, data).status_code == 403


def test_a_length_that_is_told_late_is_held_to_the_limit(tus: Tus) -> None:
    url = tus.begin(None)

    refused = tus.patch(url, 0, b"abc", {"Upload-Length": "20000001"})

    assert (refused.status_code, refused.json()["code"]) == (413, "file_too_large")
    assert tus.offset(url) == 0
    assert tus.patch(url, 0, b"abc", {"Upload-Length": "3"}).headers["X-File-Id"]


def test_nothing_is_added_to_a_complete_upload(tus: Tus) -> None:
    url = tus.begin(3)
    last = tus.patch(url, 0, b"abc")

    again = tus.patch(url, 3, b"")
    more = [tus.patch(url, 3, b"def"), tus.patch(url, 3, iter([b"d", b"ef"]))]  # type: ignore[arg-type]
    longer = tus.patch(url, 3, b"", {"Upload-Length": "6"})

    assert (again.status_code, again.headers["X-File-Id"]) == (204, last.headers["X-File-Id"])
    assert [answer.status_code for answer in more] == [413, 413]
    assert longer.status_code == 400
    assert tus.content(last.headers["X-File-Id"]) == b"abc"


def test_a_concatenation_needs_complete_parts_of_its_own_sender(tus: Tus, new_user: User) -> None:
    unfinished = tus.begin(3, {"Upload-Concat": "partial"})
    whole_file = tus.begin(3)
    tus.patch(whole_file, 0, b"abc")
    user, _, _ = new_user()
    foreign = user.begin(3, {"Upload-Concat": "partial"})
    user.patch(foreign, 0, b"abc")

    def asked(concat: str) -> int:
        return tus.ask("POST", "/uploads", {"Upload-Concat": concat}).status_code

    assert [asked(f"final;{url}") for url in (unfinished, whole_file, foreign)] == [409, 409, 404]
    assert asked("final;") == asked("final;/files/x") == asked("partial;") == asked("some") == 400
    assert (
        tus.ask(
            "POST", "/uploads", {"Upload-Concat": f"final;{unfinished}", "Upload-Length": "3"}
        ).status_code
        == 400
    )


def test_pages_of_an_allowed_origin_may_speak_tus(tus: Tus) -> None:
    origin = {"Origin": "https://app.example"}
    url = tus.begin(3)
    preflight = tus.options(
        url,
        {
            **origin,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "upload-offset,tus-resumable",
        },
    )
    answer = tus.ask("HEAD", url, origin)

    allowed = {name.strip().lower() for name in preflight.headers["Access-Control-Allow-Headers"].split(",")}
    exposed = {name.strip().lower() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
    methods = {name.strip() for name in preflight.headers["Access-Control-Allow-Methods"].split(",")}
    assert {"POST", "HEAD", "PATCH", "OPTIONS", "GET", "DELETE"} <= methods
    assert allowed >= {
        *("tus-resumable", "upload-length", "upload-offset", "upload-metadata", "upload-defer-length"),
        *("upload-concat", "upload-checksum", "x-http-method-override", "x-request-id"),
        *("x-requested-with", "content-type", "authorization"),
    }
    assert exposed >= {
        *("upload-offset", "location", "upload-length", "tus-version", "tus-resumable", "tus-max-size"),
        *("tus-extension", "upload-metadata", "upload-defer-length", "upload-concat", "upload-expires"),
        *("tus-checksum-algorithm", "x-file-id", "x-file-url", "x-delete-token"),
    }


def test_a_refusal_before_the_body_reaches_a_client_that_still_sends(shared_server: Service) -> None:
    tus = Tus(shared_server.url)
    url = tus.begin(4096 * KB)
    with tus.begin_to_send(url, 7, 2048 * KB, noise(1024 * KB)) as client:
        client.sendall(noise(1024 * KB))
        assert status_of(client) == 409
