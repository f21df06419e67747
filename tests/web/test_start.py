"""The root leads on, and what gunicorn alone refuses looks like every other refusal."""

from collections.abc import Callable
from urllib.parse import urljoin

import pytest

from harness.servers import Service
from tests.access.people import Build


def test_the_root_leads_to_everything_else(build: Build) -> None:
    client = build().test_client()

    links = client.get("/").get_json()["links"]
    page = client.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})

    assert client.get("/", headers={"Accept": "*/*"}).is_json
    assert (page.status_code, urljoin("/", page.headers["Location"])) == (302, links["console"])
    assert page.headers["Vary"] == "Accept"
    for name in ("console", "docs", "errors", "openapi", "health"):
        assert client.get(links[name]).status_code == 200


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("name=%00", "Must be without control characters."),
        ("name=a%0Ab", "Must be without control characters."),
        ("type=%00", "Must be printable text."),
    ],
)
def test_what_no_name_can_hold_is_no_filter(build: Build, query: str, fault: str) -> None:
    answer = build().test_client().get(f"/files?{query}")

    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_error")
    assert answer.get_json()["errors"] == {query.partition("=")[0]: [fault]}


def test_a_request_that_is_none_ends_as_a_problem(service: Callable[..., Service]) -> None:
    server = service({"MIN_FREE_SPACE": "0"}, workers=1)

    for request, status, code in (
        (b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\n\r\n", 414, "address_too_long"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 20_000 + b"\r\n\r\n", 431, "headers_too_large"),
        (b"what is this\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n", 400, "bad_request"),
    ):
        head, _, body = exchange(server, request).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status), request[:30]
        assert b"\r\nContent-Type: application/problem+json\r\n" in head
        assert b"\r\nX-Content-Type-Options: nosniff" in head
        assert f'"code":"{code}"'.encode() in body


def exchange(server: Service, request: bytes) -> bytes:
    """All that is answered to these bytes."""
    answer = b""
    with server.connect() as connection:
        connection.sendall(request)
        try:
            while data := connection.recv(65536):
                answer += data
        except ConnectionResetError:  # what it did not read may be answered by a reset after the answer
            pass
    return answer


def test_the_description_names_whose_token_an_operation_takes(build: Build) -> None:
    described = build().test_client().get("/openapi.json").get_json()

    assert described["components"]["securitySchemes"] == {"bearer": {"type": "http", "scheme": "bearer"}}
    paths = described["paths"]
    assert paths["/api/v1/access/users"]["post"]["security"] == [{"bearer": []}]
    assert paths["/files"]["get"]["security"] == [{}, {"bearer": []}]
    for path, operations in paths.items():
        for method, operation in operations.items():
            if method in ("get", "put", "post", "patch", "delete"):
                assert "default" not in operation["responses"], (method, path)
                assert "security" in operation or path.startswith("/health"), (method, path)
