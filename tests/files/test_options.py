"""Options of an upload, wherever a client puts them: honoured or refused by name, never silently ignored."""

import hashlib
import io
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from harness.parts import Parts
from tests.conftest import ADMIN_TOKEN

CONTENT = b"content"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
AS_ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
Upload = Callable[..., TestResponse]


def post(
    client: FlaskClient,
    query: str = "",
    headers: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
) -> TestResponse:
    data = {"file": (io.BytesIO(CONTENT), "a.txt"), **(form or {})}
    return client.post(f"/upload?{query}", data=data, headers={**AS_ADMIN, **(headers or {})})


def put(client: FlaskClient, query: str = "", headers: dict[str, str] | None = None) -> TestResponse:
    return client.put(f"/upload/a.txt?{query}", data=CONTENT, headers={**AS_ADMIN, **(headers or {})})


def left(app: Flask) -> list[Any]:
    store = Parts(app).store
    return [*store.blobs(), *store.staging.iterdir()]


@pytest.mark.parametrize("upload", [post, put])
def test_options_in_the_query_are_honoured(client: FlaskClient, upload: Upload) -> None:
    query = urlencode(
        {"visibility": "private", "expires_in": "1h", "description": "of the sea", "sha256": DIGEST.upper()}
    )

    answer = upload(client, query)

    file = answer.get_json()
    assert answer.status_code == 201
    assert (file["visibility"], file["description"]) == ("private", "of the sea")
    assert file["expires_at"] is not None
    assert client.get(file["download_url"]).status_code == 404  # private, without a token


@pytest.mark.parametrize("upload", [post, put])
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("visiblity=private", ["visiblity"]),
        ("Visibility=private", ["Visibility"]),
        ("visibility=PRIVATE", ["visibility"]),
        ("visibility=", ["visibility"]),
        ("visibility[]=private", ["visibility[]"]),
        ("visibility=private&visibility=public", ["visibility"]),
        ("visibility=private&visibility=private", ["visibility"]),
        ("expire=1h", ["expire"]),
        ("expires_in=soon", ["expires_in"]),
        ("expires_in=", ["expires_in"]),
        ("sha256=", ["sha256"]),
        ("sha256=abc", ["sha256"]),
        ("bogus=1", ["bogus"]),
        ("visiblity=private&expire=1h", ["expire", "visiblity"]),
    ],
)
def test_what_cannot_be_honoured_in_the_query_is_refused_by_name(
    app: Flask, client: FlaskClient, upload: Upload, query: str, names: list[str]
) -> None:
    answer = upload(client, query)

    assert answer.status_code == 422
    assert answer.get_json()["code"] == "validation_error"
    assert sorted(answer.get_json()["errors"]) == names
    assert left(app) == []


@pytest.mark.parametrize("upload", [post, put])
def test_a_wrong_digest_in_the_query_stores_nothing(app: Flask, client: FlaskClient, upload: Upload) -> None:
    answer = upload(client, f"sha256={'0' * 64}")

    assert (answer.status_code, answer.get_json()["code"]) == (422, "digest_mismatch")
    assert left(app) == []


@pytest.mark.parametrize(
    ("query", "form"),
    [
        ("visibility=private", {"visibility": "private"}),
        ("visibility=private", {"expires_in": "1h"}),
        ("expires_in=3600", {"expires_in": "1h", "visibility": "private"}),
        (f"sha256={DIGEST}", {"sha256": DIGEST.upper(), "visibility": "private"}),
        (f"sha256={DIGEST}&visibility=private", {"sha256": ""}),
    ],
)
def test_query_and_form_may_say_the_same(client: FlaskClient, query: str, form: dict[str, str]) -> None:
    answer = post(client, query, form=form)

    assert answer.status_code == 201
    assert answer.get_json()["visibility"] == "private"
    assert (answer.get_json()["expires_at"] is not None) == ("expires_in" in query or "expires_in" in form)


@pytest.mark.parametrize(
    ("query", "form", "name"),
    [
        ("visibility=private", {"visibility": "public"}, "visibility"),
        ("visibility=unlisted", {"visibility": "private"}, "visibility"),
        ("expires_in=1h", {"expires_in": "2h"}, "expires_in"),
        (f"sha256={DIGEST}", {"sha256": "0" * 64}, "sha256"),
        ("description=one", {"description": "other"}, "description"),
    ],
)
def test_query_and_form_that_differ_are_refused_by_name(
    app: Flask, client: FlaskClient, query: str, form: dict[str, str], name: str
) -> None:
    answer = post(client, query, form=form)

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [name]
    assert left(app) == []


@pytest.mark.parametrize("upload", [post, put])
@pytest.mark.parametrize(
    "name", ["Visibility", "X-Visibility", "expires-in", "X-EXPIRES-IN", "X-Sha256", "X-Description"]
)
def test_an_option_among_the_headers_is_refused(
    app: Flask, client: FlaskClient, upload: Upload, name: str
) -> None:
    answer = upload(client, headers={name: "private"})

    assert answer.status_code == 422
    assert [each.lower() for each in answer.get_json()["errors"]] == [name.lower()]
    assert left(app) == []


@pytest.mark.parametrize("size", [1, 2_000_000])
@pytest.mark.parametrize("start", [b"\n", b"\r", b" ", b"preamble\n", b"\xef\xbb\xbf"])
def test_a_field_in_front_of_the_first_delimiter_is_not_passed_over(
    app: Flask, client: FlaskClient, start: bytes, size: int
) -> None:
    lost = start + b'--B\r\nContent-Disposition: form-data; name="visibility"\r\n\r\nprivate\r\n'
    file = b'--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + b"x" * size
    body = lost + file + b"\r\n--B--\r\n"

    answer = client.post(
        "/upload", data=body, content_type="multipart/form-data; boundary=B", headers=AS_ADMIN
    )

    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_request")
    assert left(app) == []


def test_a_form_is_not_the_bytes_of_a_file(app: Flask, client: FlaskClient) -> None:
    form = {"file": (io.BytesIO(CONTENT), "a.txt"), "visibility": "private"}

    answer = client.put("/upload/a.txt", data=form, content_type="multipart/form-data", headers=AS_ADMIN)

    assert (answer.status_code, answer.get_json()["code"]) == (415, "unsupported_media_type")
    assert left(app) == []


@pytest.mark.parametrize(
    "query",
    [
        "utm_source=x&utm_medium=email",
        "fbclid=IwAR0",
        "gclid=1&gbraid=2&msclkid=3",
        "_=1700000000",
        "UTM_Source=x&utm_id2=1&mtm_campaign=2&pk_kwd=3",
        "ysclid=1&epik=2&mibextid=3&FBCLID=4&__cf_chl_tk=5&__cf_chl_rt_tk=6",
        "fbclid=1&fbclid=2",
    ],
)
def test_what_others_append_to_links_means_nothing(client: FlaskClient, query: str) -> None:
    for upload in (post, put):
        assert upload(client, query).status_code == 201
    file = put(client, f"visibility=private&{query}&expires_in=1h").get_json()

    assert (file["visibility"], file["expires_at"] > file["upload_time"]) == ("private", True)
    for path in (file["download_url"], file["view_url"], f"/files/{file['file_id']}", "/files"):
        assert client.get(f"{path}?{query}", headers=AS_ADMIN).status_code == 200
    assert client.delete(f"/files/{file['file_id']}?{query}", headers=AS_ADMIN).status_code == 204
