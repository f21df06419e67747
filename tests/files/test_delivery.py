"""Stored files as answers: right bytes, one set of safe headers, and exactly one word of how it ended."""

import hashlib
import os
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.http import http_date, parse_options_header
from werkzeug.test import EnvironBuilder, TestResponse

from filewallball.files.delivery import INLINE_TYPES, Delivery
from tests.files.delivery_app import FILES, LARGE, MODIFIED, create_app, deliveries

CHECK = Delivery("check", 0, 0, "app")
SMALL = FILES["small.bin"][0]
SMALL_TAG = f'"{hashlib.sha256(SMALL).hexdigest()}"'
KOREAN = '보고서 "최종"\n.txt'


class Client:
    """Asks an application that only delivers, reads every answer to its end, and sees what was noted of it."""

    def __init__(self, folder: Path) -> None:
        self.app = create_app(folder)
        self._folder = folder

    def ask(self, method: str, path: str, **headers: str) -> TestResponse:
        return self.app.test_client().open(
            quote(path, safe="/?"),
            method=method,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            buffered=True,
        )

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.ask("GET", path, **headers)

    def head(self, path: str, **headers: str) -> TestResponse:
        return self.ask("HEAD", path, **headers)

    def deliveries(self) -> list[Delivery]:
        return deliveries(self._folder)

    def blob(self, name: str) -> Path:
        return Path(self.app.config["STORE"].blobs_root, self.app.config["CONTENTS"][name].path)


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_a_download_is_the_file_with_one_of_each_safe_header(client: Client, name: str) -> None:
    content, media_type = FILES[name]

    answer = client.get("/attachment/" + name)

    assert (answer.status_code, answer.data) == (200, content)
    headers = answer.headers
    assert len(headers) == len({key.lower() for key, _ in headers})
    assert headers["Content-Type"].partition(";")[0] == media_type
    assert headers["Content-Length"] == str(len(content))
    assert headers["ETag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    assert headers["Last-Modified"] == http_date(MODIFIED)
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "private, no-cache"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert parse_options_header(headers["Content-Disposition"])[0] == "attachment"
    assert client.deliveries() == [Delivery("full", len(content), len(content), "app")]


def test_the_name_arrives_whole_but_harmless(client: Client) -> None:
    disposition = client.get(f"/attachment/{KOREAN}").headers["Content-Disposition"]

    assert parse_options_header(disposition)[1] == {"filename": '보고서 "최종"_.txt'}


@pytest.mark.parametrize("name", FILES)
def test_only_raster_images_plain_text_and_pdf_are_shown_inline(client: Client, name: str) -> None:
    headers = client.get("/inline/" + name).headers

    inline = FILES[name][1] in INLINE_TYPES
    assert parse_options_header(headers["Content-Disposition"])[0] == ("inline" if inline else "attachment")
    assert "sandbox" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_no_markup_is_ever_inline() -> None:
    assert INLINE_TYPES.isdisjoint({"image/svg+xml", "text/html", "text/xml", "application/xhtml+xml"})


def test_text_is_sent_as_utf_8(client: Client) -> None:
    assert client.get("/inline/note.txt").headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(("query", "headers"), [("", {}), ("", {"Range": "bytes=0-2"}), ("?x_accel", {})])
def test_every_answer_declares_the_charset_of_the_whole_text(
    client: Client, query: str, headers: dict[str, str]
) -> None:
    answers = [client.ask(method, "/inline/korean.txt" + query, **headers) for method in ("GET", "HEAD")]

    assert {answer.headers["Content-Type"] for answer in answers} == {"text/plain; charset=euc-kr"}
    assert len({answer.headers["ETag"] for answer in answers}) == 1


@pytest.mark.parametrize("name", ["small.bin", "empty.bin", "large.bin", "korean.txt"])
def test_head_has_the_headers_of_get_and_is_only_a_check(client: Client, name: str) -> None:
    head = client.head("/attachment/" + name)

    assert (head.status_code, head.data) == (200, b"")
    assert client.deliveries() == [CHECK]
    got = client.get("/attachment/" + name)
    for name in ("X-Request-ID", "traceresponse"):  # each request has its own
        head.headers.remove(name)
        got.headers.remove(name)
    assert sorted(head.headers) == sorted(got.headers)


def test_head_knows_no_ranges(client: Client) -> None:
    answer = client.head("/attachment/small.bin", Range="bytes=2-3")

    assert (answer.status_code, answer.headers["Content-Length"]) == (200, "10")


def test_a_range_is_that_part(client: Client) -> None:
    answer = client.get("/attachment/small.bin", Range="bytes=2-5")

    assert (answer.status_code, answer.data) == (206, b"2345")
    assert answer.headers["Content-Range"] == "bytes 2-5/10"
    assert answer.headers["Content-Length"] == "4"
    assert answer.headers["ETag"] == SMALL_TAG
    assert client.deliveries() == [Delivery("partial", 4, 4, "app")]


@given(start=st.integers(0, len(LARGE) - 1), length=st.integers(1, 300_000))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_range_of_a_large_file_is_the_same_slice(client: Client, start: int, length: int) -> None:
    answer = client.get("/attachment/large.bin", Range=f"bytes={start}-{start + length - 1}")

    assert answer.status_code == 206
    assert answer.data == LARGE[start : start + length]


def test_a_range_behind_the_end_is_416_with_the_length_and_a_check(client: Client) -> None:
    answer = client.get("/attachment/small.bin", Range="bytes=10-")

    assert (answer.status_code, answer.data) == (416, b"range_not_satisfiable")
    assert answer.headers["Content-Range"] == "bytes */10"
    assert client.deliveries() == [CHECK]


def test_several_ranges_are_answered_with_the_whole_file(client: Client) -> None:
    answer = client.get("/attachment/small.bin", Range="bytes=" + "0-0," * 10_000 + "1-1")

    assert (answer.status_code, answer.data) == (200, SMALL)


def test_a_range_of_another_version_is_answered_with_the_whole_file(client: Client) -> None:
    answer = client.get("/attachment/small.bin", Range="bytes=2-5", If_Range='"other"')

    assert (answer.status_code, answer.data) == (200, SMALL)


def test_what_the_client_has_is_304_without_a_body_and_a_check(client: Client) -> None:
    for headers in ({"If_None_Match": SMALL_TAG}, {"If_Modified_Since": http_date(MODIFIED)}):
        answer = client.get("/attachment/small.bin", Range="bytes=2-5", **headers)

        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["ETag"] == SMALL_TAG
        assert "Content-Length" not in answer.headers
        assert answer.headers["Cache-Control"] == "private, no-cache"
    assert client.deliveries() == [CHECK, CHECK]


def test_another_version_than_the_one_asked_for_is_412_and_a_check(client: Client) -> None:
    answer = client.get("/attachment/small.bin", If_Match='"other"')

    assert (answer.status_code, answer.data) == (412, b"precondition_failed")
    assert client.deliveries() == [CHECK]


def test_an_answer_that_fails_after_it_was_made_sent_nothing(client: Client) -> None:
    answer = client.get("/attachment/small.bin?fail")

    assert (answer.status_code, len(answer.data)) == (500, 1000)
    assert client.deliveries() == [Delivery("full", 0, 10, "app")]
    assert [file for file in psutil.Process().open_files() if "blobs" in file.path] == []


def test_a_client_that_stops_reading_is_told_apart(client: Client) -> None:
    environ = EnvironBuilder("/attachment/large.bin").get_environ()
    body = client.app.wsgi_app(environ, lambda *_: lambda _: None)
    chunks = iter(body)
    first = next(chunks)
    next(chunks)
    body.close()  # type: ignore[attr-defined]

    assert client.deliveries() == [Delivery("full", len(first), len(LARGE), "app")]


def test_a_file_of_another_length_is_never_begun(client: Client) -> None:
    os.truncate(client.blob("small.bin"), 5)

    answer = client.get("/attachment/small.bin")

    assert (answer.status_code, answer.data) == (503, b"storage_failed")
    assert client.deliveries() == []


def test_a_file_that_is_gone_is_an_error_and_no_delivery(client: Client) -> None:
    client.blob("small.bin").unlink()

    assert client.get("/attachment/small.bin").status_code == 503
    assert client.deliveries() == []


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({}, Delivery("full", 10, 10, "nginx")), ({"Range": "bytes=2-5"}, Delivery("partial", 4, 4, "nginx"))],
)
def test_nginx_is_told_what_to_send_and_how(
    client: Client, headers: dict[str, str], expected: Delivery
) -> None:
    answer = client.get("/attachment/small.bin?x_accel", **headers)

    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["X-Accel-Redirect"] == "/_blobs/" + client.app.config["CONTENTS"]["small.bin"].path
    assert answer.headers["Content-Length"] == "0"
    assert answer.headers["ETag"] == SMALL_TAG
    assert answer.headers["Content-Disposition"] == 'attachment; filename="small.bin"'
    assert client.deliveries() == [expected]


@pytest.mark.parametrize(
    ("headers", "status"), [({"If_None_Match": SMALL_TAG}, 304), ({"Range": "bytes=99-"}, 416)]
)
def test_nginx_is_not_asked_where_the_answer_is_known(
    client: Client, headers: dict[str, str], status: int
) -> None:
    answer = client.get("/attachment/small.bin?x_accel", **headers)

    assert answer.status_code == status
    assert "X-Accel-Redirect" not in answer.headers
    assert client.head("/attachment/small.bin?x_accel").headers["Content-Length"] == "10"
    assert client.deliveries() == [CHECK, CHECK]


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=oops"},
        {"Range": "bytes=0-1,3-4"},
        {"Range": "bytes=1-2", "If_Range": '"other"'},
        {"If_Match": SMALL_TAG},
        {"If_Unmodified_Since": http_date(MODIFIED)},
    ],
)
def test_nginx_is_not_asked_where_it_would_decide_otherwise(client: Client, headers: dict[str, str]) -> None:
    answer = client.get("/attachment/small.bin?x_accel", **headers)

    assert (answer.status_code, answer.data) == (200, SMALL)
    assert client.deliveries() == [Delivery("full", 10, 10, "app")]
