"""Headers that change what a request means: done, or refused by name; those that clients send anyway are neither."""

import base64
import gzip
import hashlib
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from harness.parts import Parts
from tests.conftest import ADMIN_TOKEN
from tests.files.client_forms import CONTENT_TYPE, FILE, form

CONTENT = b"0123456789"
AS_ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
_NEW_USER = {"username": "jo", "role": "user"}
FRAGMENT, ENCODED = (400, "bad_request"), (415, "unsupported_media_type")
CONDITION, FIELD, DIGEST = (412, "precondition_failed"), (422, "validation_error"), (422, "digest_mismatch")


def base64_of(algorithm: str, content: bytes = CONTENT) -> str:
    return base64.b64encode(hashlib.new(algorithm, content).digest()).decode()


def send(client: FlaskClient, how: str, headers: dict[str, str]) -> Any:
    """One request with a body: a file as it is, in a form, or JSON."""
    if how == "put":
        return client.put("/upload/a.txt", data=CONTENT, headers={**AS_ADMIN, **headers})
    if how == "post":
        return client.post(
            "/upload", data=form(FILE), content_type=CONTENT_TYPE, headers={**AS_ADMIN, **headers}
        )
    return client.post("/api/v1/access/users", json=_NEW_USER, headers={**AS_ADMIN, **headers})


def left(app: Flask) -> list[Any]:
    store = Parts(app).store
    return [*store.blobs(), *store.staging.iterdir()]


REFUSED = [
    ({"Content-Range": "bytes 3-7/8"}, FRAGMENT),
    ({"Content-Range": "bytes 0-9/20"}, FRAGMENT),
    ({"Content-Range": "bytes 0-9/*"}, FRAGMENT),
    ({"Content-Range": "bytes */10"}, FRAGMENT),
    ({"Content-Range": "bytes 0-4/5"}, FRAGMENT),
    ({"Content-Range": "bytes 0-" + "9" * 5000}, FRAGMENT),
    ({"Content-Range": "items 0-9/10"}, FRAGMENT),
    ({"Content-Range": "junk"}, FRAGMENT),
    ({"Upload-Complete": "?0"}, FRAGMENT),
    ({"Upload-Incomplete": "?1"}, FRAGMENT),
    ({"Upload-Offset": "100"}, FRAGMENT),
    ({"X-HTTP-Method-Override": "PATCH"}, FRAGMENT),
    ({"X-HTTP-Method": "delete"}, FRAGMENT),
    ({"X-Method-Override": "GET"}, FRAGMENT),
    ({"Content-Encoding": "gzip"}, ENCODED),
    ({"Content-Encoding": "GZIP"}, ENCODED),
    ({"Content-Encoding": "identity, br"}, ENCODED),
    ({"Content-Encoding": "aws-chunked"}, ENCODED),
    ({"Content-Transfer-Encoding": "base64"}, ENCODED),
    ({"Content-Transfer-Encoding": "quoted-printable"}, ENCODED),
    ({"Transfer-Encoding": "gzip, chunked"}, ENCODED),
    ({"X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, ENCODED),
    ({"If-Match": '"x"'}, CONDITION),
    ({"If-Match": "*"}, CONDITION),
    ({"If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, CONDITION),
]


@pytest.mark.parametrize("how", ["put", "post", "json"])
def test_a_header_that_asks_for_something_else_is_refused(app: Flask, client: FlaskClient, how: str) -> None:
    for headers, (status, code) in REFUSED:
        answer = send(client, how, headers)

        assert (answer.status_code, answer.get_json()["code"]) == (status, code), headers
        assert answer.get_json()["detail"], headers
        assert (answer.headers.get("Accept-Encoding") == "identity") == (
            (status, code) == ENCODED and "X-Amz-Content-Sha256" not in headers
        ), headers
        assert left(app) == [], headers
    assert send(client, how, {}).status_code == 201


def test_a_compressed_body_is_refused_before_it_is_read_as_json(client: FlaskClient) -> None:
    answer = client.post(
        "/api/v1/access/users",
        data=gzip.compress(b'{"username": "jo"}'),
        content_type="application/json",
        headers={**AS_ADMIN, "Content-Encoding": "gzip"},
    )

    assert (answer.status_code, answer.get_json()["code"]) == ENCODED


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_a_condition_that_is_not_compared_changes_nothing(client: FlaskClient, header: str) -> None:
    file = client.put("/upload/a.txt", data=CONTENT, headers=AS_ADMIN).get_json()

    answer = client.delete(f"/files/{file['file_id']}", headers={**AS_ADMIN, header: '"x"'})

    assert (answer.status_code, answer.get_json()["code"]) == CONDITION
    assert client.get(file["download_url"]).status_code == 200


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"Content-Digest": f"sha-512=:{base64_of('sha512')}:"}, None),
        ({"Repr-Digest": f"sha-512=:{base64_of('sha512')}:, sha-256=:{base64_of('sha256')}:"}, None),
        ({"Content-Digest": f"unixsum=1, sha=:{base64_of('sha1')}:"}, None),
        ({"Digest": f"SHA-512={base64_of('sha512')}"}, None),
        ({"Digest": f"id-sha-256={base64_of('sha256')}, SHA={base64_of('sha1')}"}, None),
        ({"Content-MD5": base64_of("md5")}, None),
        ({"Content-Digest": f"sha-512=:{base64_of('sha512', b'other')}:"}, DIGEST),
        ({"Content-Digest": f"sha-256=:{base64_of('sha256')}:, md5=:{base64_of('md5', b'other')}:"}, DIGEST),
        ({"Digest": f"SHA-256={base64_of('sha256', b'other')}"}, DIGEST),
        ({"Content-MD5": base64_of("md5", b"other")}, DIGEST),
        ({"Content-MD5": "junk"}, FIELD),
        ({"Content-MD5": base64_of("sha1")}, FIELD),
        ({"Digest": "crc32c=AAAA"}, FIELD),
        ({"Digest": "sha-256"}, FIELD),
        ({"Content-Digest": "crc32c=:AAAA:"}, FIELD),
        ({"Content-Digest": f"sha-512=:{base64_of('sha256')}:"}, FIELD),
        ({"Digest": "sha-256=" + "A" * 5000}, FIELD),
        ({"Trailer": "Expires, Content-Digest"}, FIELD),
    ],
)
def test_a_digest_is_compared_whatever_header_it_stands_in(
    app: Flask, client: FlaskClient, headers: dict[str, str], refused: tuple[int, str] | None
) -> None:
    answer = send(client, "put", headers)

    assert (answer.status_code, answer.get_json().get("code", "")) == (refused or (201, ""))
    assert bool(left(app)) == (refused is None)
    assert send(client, "post", headers).status_code == 422  # that of a form belongs in its part


# A browser's, curl's, requests', an S3 client's and a resumable one's that sends all at once.
ORDINARY = [
    {},
    {
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate, br, zstd",
        "Accept-Language": "ko-KR,ko;q=0.9",
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Cookie": "a=b",
        "DNT": "1",
        "Origin": "http://localhost",
        "Referer": "http://localhost/",
        "Priority": "u=1, i",
        "Sec-CH-UA": '"Chromium";v="130"',
        "Sec-Fetch-Dest": "empty",
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Site": "same-origin",
        "TE": "trailers",
        "Upgrade-Insecure-Requests": "1",
        "X-Requested-With": "XMLHttpRequest",
    },
    {"Expect": "100-continue", "User-Agent": "curl/8.5.0"},
    {"Content-Encoding": "identity", "MIME-Version": "1.0", "Content-Transfer-Encoding": "binary"},
    {"Content-Encoding": "", "Transfer-Encoding": ""},
    {"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD", "X-Amz-Date": "20260101T000000Z"},
    {"Want-Content-Digest": "sha-256=1", "Want-Repr-Digest": "sha-256=1", "Prefer": "return=minimal"},
    {"Upload-Complete": "?1", "Upload-Draft-Interop-Version": "6", "Upload-Offset": "0"},
    {"If-None-Match": "*"},
    {"Content-Language": "ko", "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"},
    {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Via": "1.1 proxy"},
]


@pytest.mark.parametrize("how", ["put", "post"])
def test_headers_that_clients_send_anyway_are_no_obstacle(client: FlaskClient, how: str) -> None:
    for headers in ORDINARY:
        answer = send(client, how, headers)

        assert answer.status_code == 201, (headers, answer.get_json())


def test_a_range_that_is_the_whole_file_is_a_whole_file(client: FlaskClient) -> None:
    assert send(client, "put", {"Content-Range": "bytes 0-9/10"}).status_code == 201
