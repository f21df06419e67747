"""The error catalogue and its one renderer."""

import errno
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import ClientDisconnected, MethodNotAllowed

from filewallball import errors
from filewallball.errors.fields import by_field
from filewallball.errors.translation import translate
from filewallball.web.details import ADVICE
from filewallball.web.request_body import SMALL_BYTES


def test_codes_are_unique_titled_and_say_what_to_do() -> None:
    kinds = list(errors.catalogue())

    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(kind.title and 400 <= kind.status < 600 for kind in kinds)
    assert {kind.code for kind in kinds} == set(ADVICE)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.FileTooLarge(), "file_too_large"),
        (ClientDisconnected(), "network_error"),
        (ConnectionResetError(), "network_error"),
        (MethodNotAllowed(["GET"]), "method_not_allowed"),
        (OperationalError("SELECT 1", {}, Exception("gone")), "unavailable"),
        (OSError(errno.ENOSPC, "full"), "storage_full"),
        (KeyError("surprise"), "internal_error"),
    ],
)
def test_any_exception_has_one_code(error: Exception, code: str) -> None:
    assert translate(error).code == code


def test_a_problem_says_type_title_status_detail_code_and_request_id(client: FlaskClient) -> None:
    answer = client.get("/files/unknown")

    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert answer.json is not None
    assert set(answer.json) == {"type", "title", "status", "detail", "code", "request_id"}
    assert answer.json["code"] == "not_found"
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]
    assert client.get(answer.json["type"].partition("#")[0]).status_code == 200


def test_a_wrong_method_keeps_its_allow_header(client: FlaskClient) -> None:
    answer = client.post("/files")

    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert answer.json is not None
    assert answer.json["code"] == "method_not_allowed"
    assert "GET" in answer.json["detail"]


def test_answers_of_json_end_their_line(client: FlaskClient) -> None:
    answers = [client.put("/upload/a.txt", data=b"text"), client.get("/files"), client.get("/nothing")]

    assert [answer.status_code for answer in answers] == [201, 200, 404]
    assert all(answer.data.endswith(b"}\n") for answer in answers)
    assert all(answer.headers["Content-Length"] == str(len(answer.data)) for answer in answers)


def test_an_upload_by_put_without_a_name_is_told_where_the_name_goes(client: FlaskClient) -> None:
    answer = client.put("/upload", data=b"bytes")

    assert answer.status_code == 405
    assert answer.json is not None
    assert "/upload/{filename}" in answer.json["detail"]
    assert client.put("/files", data=b"").json["detail"].startswith("Allowed here: ")  # type: ignore[index]


def test_a_bad_field_is_named(client: FlaskClient) -> None:
    answer = client.get("/files?size=5000")

    assert answer.status_code == 422
    assert answer.json is not None
    wrong = "Must be greater than or equal to 1 and less than or equal to 500."
    assert answer.json["errors"] == {"size": [wrong]}
    assert answer.json["detail"] == f"size: {wrong}"


@pytest.mark.parametrize(
    ("messages", "shown"),
    [
        ({"json": ["Invalid JSON body."]}, {"_schema": ["Invalid JSON body."]}),
        ({"query": {"page": ["Not a number.", "Too long."]}}, {"page": ["Not a number.", "Too long."]}),
        ({"json": {"rules": {0: {"name": ["Missing."]}}}}, {"rules.0.name": ["Missing."]}),
        ({"file": "A part named `file` is required."}, {"file": ["A part named `file` is required."]}),
    ],
)
def test_field_errors_have_one_shape_whoever_found_them(messages: Any, shown: Any) -> None:
    assert by_field(messages) == shown


def test_a_json_body_beyond_the_limit_is_refused_before_it_is_read(admin: FlaskClient) -> None:
    codes = [
        admin.post("/api/v1/access/users", data=b"[" * length, content_type="application/json").get_json()[
            "code"
        ]
        for length in (SMALL_BYTES, SMALL_BYTES + 1)
    ]

    assert codes[0] in ("bad_request", "validation_error")
    assert codes[1] == "request_too_large"


def test_an_unforeseen_error_is_a_problem_without_details(app: Flask) -> None:
    def explode() -> str:
        raise RuntimeError("secret path /etc/passwd")

    app.add_url_rule("/explode", view_func=explode)

    answer = app.test_client().get("/explode")

    assert answer.status_code == 500
    assert answer.json is not None
    assert answer.json["code"] == "internal_error"
    assert b"passwd" not in answer.data
