"""Every answer carries the security headers, none a cookie, and other origins are let in only where configured."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.access.people import Build

ALWAYS = (
    "Content-Security-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
    "Cache-Control",
    "X-Request-ID",
)
ORIGIN = "https://app.example.org"


@pytest.fixture
def some(build: Build) -> FlaskClient:
    """A client of an app under default settings."""
    return build().test_client()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/files", 200),
        ("GET", "/health/live", 200),
        ("GET", "/metrics", 200),
        ("GET", "/docs", 200),
        ("GET", "/docs/errors", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/nowhere", 404),
        ("GET", "/files/unknown", 404),
        ("GET", "/api/v1/access/users", 401),
        ("DELETE", "/files", 405),
        ("POST", "/upload", 415),
        ("OPTIONS", "/files", 200),
        ("HEAD", "/files", 200),
    ],
)
def test_every_answer_carries_the_security_headers(
    some: FlaskClient, method: str, path: str, status: int
) -> None:
    answer = some.open(path, method=method, follow_redirects=True)

    assert answer.status_code == status
    for name in ALWAYS:
        assert len(answer.headers.getlist(name)) == 1, name
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors" in answer.headers["Content-Security-Policy"] or path == "/docs"
    assert "Set-Cookie" not in answer.headers
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_delivered_file_keeps_the_headers_of_its_delivery(some: FlaskClient) -> None:
    file_id = some.put("/upload/a.html", data=b"<script>alert(1)</script>").get_json()["file_id"]

    for route in ("/download/", "/view/"):
        answer = some.get(route + file_id)
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        for name in ALWAYS:
            assert len(answer.headers.getlist(name)) == 1, name


def test_strict_transport_security_is_sent_where_the_public_url_is_https(build: Build) -> None:
    secure = build(PUBLIC_URL="https://files.example.org").test_client().get("/files")
    plain = build().test_client().get("/files")

    assert "max-age=31536000" in secure.headers["Strict-Transport-Security"]
    assert "Strict-Transport-Security" not in plain.headers


def test_no_other_origin_is_allowed_by_default(some: FlaskClient) -> None:
    answer = some.options("/files", headers={"Origin": ORIGIN, "Access-Control-Request-Method": "GET"})

    assert not [name for name in answer.headers if name[0].startswith("Access-Control")]


@pytest.mark.parametrize("path", ["/files", "/files/unknown", "/api/v1/access/users"])
def test_a_configured_origin_may_read_answers_and_errors(build: Build, path: str) -> None:
    client = build(CORS_ORIGINS=f"{ORIGIN}, https://other.example.org").test_client()

    answer = client.get(path, headers={"Origin": ORIGIN})

    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Origin" in answer.headers["Vary"]
    assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", f"{ORIGIN}.evil.example", "http://app.example.org"]
)
def test_an_origin_that_is_not_configured_may_not(build: Build, origin: str) -> None:
    client = build(CORS_ORIGINS=ORIGIN).test_client()

    answer = client.get("/files", headers={"Origin": origin})

    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


def test_a_preflight_names_methods_and_headers(build: Build) -> None:
    client = build(CORS_ORIGINS="*").test_client()

    answer = client.options(
        "/upload/a.txt", headers={"Origin": ORIGIN, "Access-Control-Request-Method": "PUT"}
    )

    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


def test_the_app_has_no_session_to_put_into_a_cookie(build: Build) -> None:
    app: Flask = build()

    assert app.secret_key is None
