"""Errors name the fields that a client sent, whatever it called them."""

import pytest

from tests.access.people import Build, client_of
from tests.conftest import ADMIN_TOKEN


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Disposition: form-data",
        'Content-Disposition: form-data; name="\x1b[31m"',
        'Content-Disposition: form-data; name=""',
    ],
)
def test_a_form_field_without_a_proper_name_is_a_client_error(build: Build, headers: str) -> None:
    body = (
        f'--b\r\n{headers}\r\n\r\nvalue\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a"'
        "\r\n\r\nwords\r\n--b--\r\n"
    )

    answer = (
        build()
        .test_client()
        .post("/upload", data=body.encode(), content_type="multipart/form-data; boundary=b")
    )

    assert answer.status_code in (400, 422), answer.text
    assert "\x1b" not in answer.text


@pytest.mark.parametrize("key", [r"\ud800", r"\u0000", r"\u202e", "x" * 100_000])
def test_a_field_with_an_impossible_name_is_a_client_error(build: Build, key: str) -> None:
    admin = client_of(build(), ADMIN_TOKEN)

    answer = admin.post(
        "/api/v1/access/users", data=f'{{"{key}": 1}}'.encode(), content_type="application/json"
    )

    assert answer.status_code == 422
    assert len(answer.data) < 2000
