"""Behind the shipped nginx: the host that a request names, the page that sent it, and what the log of nginx keeps."""

import json

import pytest

from harness.servers import Front
from harness.waiting import wait_until
from tests.ops.nginx.test_front import ask, raw

pytestmark = pytest.mark.server


def test_the_service_learns_the_host_and_port_that_the_client_named(front: Front) -> None:
    for sent, seen in (
        ("localhost:8443", "localhost:8443"),
        ("LOCALHOST.", "localhost."),
        ("[::1]", "[::1]"),
        ("[::1]:9", "[::1]:9"),
    ):
        request = f"GET /api/v1/access/me HTTP/1.1\r\nHost: {sent}\r\nConnection: close\r\n\r\n"
        me = json.loads(raw(front, request.encode())[2])
        assert (me["host"].removesuffix("."), me["host_is_known"]) == (seen.removesuffix("."), True)


def test_an_absolute_target_and_a_forwarded_host_cannot_stand_in_for_the_host(front: Front) -> None:
    tail = "Connection: close\r\n\r\n"
    for head in (
        "GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n",
        "GET /metrics HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\n",
    ):
        assert raw(front, (head + tail).encode(), source="127.0.9.1")[0] == 401


@pytest.mark.parametrize("host", ["localhost:8443", "evil.example"])
def test_a_redirect_behind_nginx_names_neither_host_nor_scheme(front: Front, host: str) -> None:
    request = f"GET /api/v1//access/me HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"

    status, headers, _ = raw(front, request.encode())

    assert (status, headers.get("location", "")) in ((308, "/api/v1/access/me"), (200, ""))


def test_tokens_stay_out_of_the_log_of_nginx(front: Front) -> None:
    token = "fwb_Canary9x7QzKpLw3-Canary9x7QzKpLw3"
    for path, agent in (
        (f"/download/{token}", "curl"),
        (f"/download/{token.replace('_', '%5F')}", "curl"),
        (f"/nowhere/{token.replace('f', '%66').replace('C', '%43')}", "curl"),
        ("/files", f"agent {token}"),
        ("/files", "Bearer Canary9x7QzKpLw3"),
    ):
        ask(front, "GET", path, headers={"User-Agent": agent})
    wait_until(lambda: front.lines().count("(hidden)") >= 5, 60, "lines")

    assert "anary9x7" not in front.lines()


def test_a_page_behind_nginx_uploads_and_a_foreign_one_does_not(front: Front) -> None:
    own = ask(front, "PUT", "/upload/a.txt", data=b"a", headers={"Origin": front.url})
    named = {"Host": f"files.lan:{front.port}", "Origin": f"http://files.lan:{front.port}"}
    by_name = ask(front, "PUT", "/upload/a.txt", data=b"a", headers=named)
    foreign = ask(front, "PUT", "/upload/a.txt", data=b"a", headers={"Origin": "http://127.0.0.1:1"})

    assert (own.status_code, by_name.status_code) == (201, 201)
    assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign_page")
