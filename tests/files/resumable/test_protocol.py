"""Each MUST of the core of tus 1.0.0 and of creation, asked of a real service."""

from collections.abc import Callable

import pytest

from tests.files.resumable.tus import BYTES, Tus, metadata

pytestmark = pytest.mark.server
User = Callable[[], tuple[Tus, int, int]]


def test_every_answer_but_that_to_options_names_the_version(tus: Tus) -> None:
    url = tus.begin(3)
    answers = [
        tus.create(3),
        tus.head(url),
        tus.patch(url, 7, b"x"),
        tus.patch(url, 0, b"abc"),
        tus.ask("GET", url),
        tus.ask("PUT", url),
        tus.ask("GET", "/uploads"),
        tus.head("/uploads/unknown"),
        tus.ask("POST", "/uploads", {"Tus-Resumable": "0.2.2"}),
        tus.ask("DELETE", tus.begin(3)),
    ]

    assert [answer.headers.get("Tus-Resumable") for answer in answers] == ["1.0.0"] * len(answers)
    assert "Tus-Resumable" not in tus.options().headers


@pytest.mark.parametrize("version", ["0.2.2", "2.0.0", "", "1.0.0, 1.0.0"])
def test_another_version_is_refused_and_nothing_is_done(tus: Tus, version: str) -> None:
    url, other = tus.begin(3), {"Tus-Resumable": version}
    refused = [
        tus.ask("POST", "/uploads", {**other, "Upload-Length": "3"}),
        tus.patch(url, 0, b"abc", other),
        tus.ask("DELETE", url, other),
        tus.ask("HEAD", url, other),
    ]

    assert [(answer.status_code, answer.headers["Tus-Version"]) for answer in refused] == [(412, "1.0.0")] * 4
    assert tus.offset(url) == 0


def test_head_always_tells_offset_and_length_and_is_never_stored(tus: Tus) -> None:
    url = tus.begin(4)
    told = [tus.head(url)]
    for offset, data in ((0, b"ab"), (2, b"cd")):
        assert tus.patch(url, offset, data).status_code == 204
        told.append(tus.head(url))

    assert [answer.headers["Upload-Offset"] for answer in told] == ["0", "2", "4"]
    assert {answer.headers["Upload-Length"] for answer in told} == {"4"}
    assert {answer.headers["Cache-Control"] for answer in told} == {"no-store"}


def test_a_patch_at_another_offset_changes_nothing(tus: Tus) -> None:
    url = tus.begin(10)
    tus.patch(url, 0, b"abc")

    refused = [tus.patch(url, offset, b"xyz") for offset in (0, 2, 4, 10, 99)]

    assert [answer.status_code for answer in refused] == [409] * 5
    assert refused[0].json()["code"] == "offset_mismatch"
    assert tus.offset(url) == 3


def test_an_accepted_patch_tells_the_new_offset(tus: Tus) -> None:
    url = tus.begin(10)

    answers = [tus.patch(url, 0, b"abcd"), tus.patch(url, 4, b""), tus.patch(url, 4, b"ef")]

    assert [(answer.status_code, answer.headers["Upload-Offset"]) for answer in answers] == [
        (204, "4"),
        (204, "4"),
        (204, "6"),
    ]


@pytest.mark.parametrize("version", ["1.0.0", "9.9.9"])
def test_options_tells_all_whatever_version_it_is_asked_in(tus: Tus, version: str) -> None:
    for path in ("/uploads", "/uploads/unknown"):
        answer = tus.options(path, {"Tus-Resumable": version})
        assert answer.status_code in (200, 204)
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert set(answer.headers["Tus-Extension"].split(",")) == {
            "creation",
            "creation-with-upload",
            "creation-defer-length",
            "expiration",
            "checksum",
            "termination",
            "concatenation",
        }
        assert answer.headers["Tus-Max-Size"] == "20000000"
        assert set(answer.headers["Tus-Checksum-Algorithm"].split(",")) == {"sha1", "sha256"}


def test_the_override_beats_the_method(tus: Tus) -> None:
    url = tus.begin(6)
    override = "X-HTTP-Method-Override"

    sent = tus.ask("POST", url, {**BYTES, "Upload-Offset": "0", override: "PATCH"}, b"abc")
    told = tus.ask("GET", url, {override: "HEAD"})
    gone = tus.ask("POST", url, {override: "DELETE"})

    assert (sent.status_code, told.headers["Upload-Offset"], gone.status_code) == (204, "3", 204)
    assert tus.ask("GET", "/uploads/unknown", {override: "HEAD"}).content == b""
    assert tus.ask("GET", "/health/live", {override: "DELETE"}).status_code == 200


@pytest.mark.parametrize("number", ["-1", "1.5", "0x10", "", "ten", "9" * 30, "٣"])
def test_lengths_and_offsets_are_whole_numbers(tus: Tus, number: str) -> None:
    url = tus.begin(10)
    value = number.encode().decode("latin-1")

    assert tus.ask("POST", "/uploads", {"Upload-Length": value}).status_code == 400
    assert tus.ask("PATCH", url, {**BYTES, "Upload-Offset": value}, b"x").status_code == 400
    assert tus.offset(url) == 0


def test_a_body_of_another_type_is_refused(tus: Tus) -> None:
    url = tus.begin(3)

    assert tus.patch(url, 0, b"abc", {"Content-Type": "application/octet-stream"}).status_code == 415
    assert tus.patch(url, 0, b"abc", {"Content-Encoding": "gzip"}).status_code == 415
    assert tus.offset(url) == 0


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {"If-Match": '"a"'}, 412),
        ("", {"If-None-Match": "*"}, 412),
        ("", {"Content-Range": "bytes 3-5/6"}, 400),
        ("?offset=3", {}, 422),
    ],
)
def test_a_patch_that_asks_for_more_than_is_done_is_refused(
    tus: Tus, query: str, headers: dict[str, str], status: int
) -> None:
    url = tus.begin(6)

    assert tus.patch(url + query, 0, b"abc", headers).status_code == status
    assert tus.head(f"{url}{query}").status_code == (422 if query else 200)
    assert tus.offset(url) == 0


def test_what_is_unknown_has_no_offset(tus: Tus) -> None:
    answers = [tus.head("/uploads/" + "0" * 32), tus.patch("/uploads/" + "0" * 32, 0, b"x")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert not any("Upload-Offset" in answer.headers for answer in answers)


def test_creation_needs_a_length_or_puts_it_off(tus: Tus) -> None:
    put_off = "Upload-Defer-Length"

    assert tus.ask("POST", "/uploads").status_code == 400
    assert tus.ask("POST", "/uploads", {put_off: "2"}).status_code == 400
    assert tus.ask("POST", "/uploads", {put_off: "1", "Upload-Length": "4"}).status_code == 400
    assert tus.create(None).status_code == 201


def test_an_upload_of_nothing_is_complete_at_once(tus: Tus) -> None:
    answer = tus.create(0, filename="empty.txt")

    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "0")
    assert tus.content(answer.headers["X-File-Id"]) == b""
    assert tus.head(answer.headers["Location"]).headers["Upload-Length"] == "0"


def test_metadata_come_back_unchanged(tus: Tus) -> None:
    raw = f"{metadata(filename='파일.bin', filetype='image/png')},relativePath,type eA==,bytes /wA="
    answer = tus.create(9, {"Upload-Metadata": raw})

    assert tus.head(answer.headers["Location"]).headers["Upload-Metadata"] == raw


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("filename !!!", 400),
        ("filename YQ==,filename Yg==", 400),
        (",", 400),
        ("k\xe9y YQ==", 400),
        ("filename /w==", 422),
        (metadata(visibility="secret"), 422),
        (metadata(expires_in="soon"), 422),
        (metadata(sha256="abc"), 422),
        (metadata(visiblity="public"), 422),
        (metadata(visibility="private"), 422),  # of nobody
    ],
)
def test_metadata_are_held_to_the_rules_of_other_uploads(tus: Tus, raw: str, status: int) -> None:
    assert tus.create(9, {"Upload-Metadata": raw}).status_code == status


def test_an_upload_above_the_limit_is_refused(tus: Tus) -> None:
    refused = tus.create(20_000_001)

    assert (refused.status_code, refused.json()["code"]) == (413, "file_too_large")
    assert tus.create(20_000_000).status_code == 201


def test_location_is_a_path_where_no_public_url_is_set(tus: Tus) -> None:
    assert tus.create(1).headers["Location"].startswith("/uploads/")
