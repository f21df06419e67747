"""nginx's own refusals are on the service's record, while it answers and when it is back."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from harness.servers import Front, Service
from harness.waiting import wait_until
from tests.ops.nginx.conftest import SETTINGS
from tests.ops.nginx.test_front import HEAD, HUGE, LONG, raw

pytestmark = pytest.mark.server


def rows(service: Service, **filters: str) -> list[dict[str, Any]]:
    """The audit log's rows, asked for by an administrator."""
    token = (service.data_dir / "admin-token").read_text().strip()
    answer = service.request(
        "GET", "/api/v1/audit/logs", params=filters, headers={"Authorization": f"Bearer {token}"}
    )
    logs: list[dict[str, Any]] = answer.json()["logs"]
    return logs


@pytest.mark.parametrize(
    ("request_bytes", "code", "method", "path"),
    [
        (b"GET /files HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "bad_request", "GET", "/files"),
        (b"PUT /upload/a HTTP/1.1\r\n" + HEAD + HUGE + b"\r\n", "request_too_large", "PUT", "/upload/a"),
        (
            b"POST /upload?token=secret HTTP/1.1\r\n" + HEAD + HUGE + b"\r\n",
            *("request_too_large", "POST", "/upload"),
        ),
        (b"GET /" + LONG + b" HTTP/1.1\r\n" + HEAD + b"\r\n", "address_too_long", "GET", ""),
        (b"GET /a HTTP/1.1\r\n" + HEAD + b"X-L: " + LONG + b"\r\n\r\n", "headers_too_large", "GET", "/a"),
        (b"TRACE /b HTTP/1.1\r\n" + HEAD + b"\r\n", "method_not_allowed", "TRACE", "/b"),
        (b"GET /metrics HTTP/1.1\r\n" + HEAD + b"\r\n", "forbidden", "GET", "/metrics"),
        (b"GET /c HTTP/9.1\r\n" + HEAD + b"\r\n", "bad_request", "GET", ""),
        (b"POST /d HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: gzip\r\n\r\n", "bad_request", "POST", "/d"),
    ],
)
def test_a_refusal_of_nginxs_own_is_on_record(
    front: Front, behind: Service, request_bytes: bytes, code: str, method: str, path: str
) -> None:
    _, headers, body = raw(front, request_bytes)
    problem = json.loads(body)
    request_id = headers["x-request-id"]

    found = wait_until(lambda: rows(behind, request_id=request_id), 60, "the row")

    (row,) = found
    assert problem["code"] == code
    assert (row["action"], row["status"], row["error_type"]) == ("http:refuse", "denied", code)
    assert (row["resource_type"], row["ip_address"]) == ("system", "127.0.0.1")
    assert row["details"]["method"] == method
    assert row["details"]["path"] == path
    line = wait_until(lambda: _line_of(front, request_id), 60, "nginx's line")
    assert (line["method"], line["status_code"]) == (method, problem["status"])


def test_nobody_but_nginx_can_have_a_refusal_recorded(front: Front, behind: Service, tmp_path: Path) -> None:
    through = raw(front, b"GET /_refused/413 HTTP/1.1\r\n" + HEAD + b"\r\n")
    alone = Service(tmp_path, {"LOG_LEVEL": "WARNING"}, workers=1).start()
    try:
        direct = alone.request("GET", "/_refused/413")
        recorded = rows(alone, action="http:refuse")
    finally:
        alone.kill()

    assert (through[0], json.loads(through[2])["code"]) == (404, "not_found")
    assert (direct.status_code, direct.json()["code"]) == (404, "not_found")
    assert recorded == []
    assert rows(behind, request_id=through[1]["x-request-id"]) == []


def test_a_status_that_is_not_nginxs_own_is_not_recorded(behind: Service) -> None:
    for status in ("200", "404", "418", "999999"):
        answer = behind.request("GET", f"/_refused/{status}", headers={"X-Forwarded-For": "192.0.2.9"})
        assert answer.status_code == 404


def test_what_found_the_service_away_is_on_record_once_it_is_back(tmp_path: Path) -> None:
    front = Front(tmp_path / "front")
    unanswered = front.folder / "filewallball-unanswered.log"
    settings = {**SETTINGS, "NGINX_UNANSWERED_LOG": str(unanswered)}
    service = Service(tmp_path / "service", settings, workers=1)
    front.ship(service.environment())
    front.start()
    try:
        large = b"POST /upload HTTP/1.1\r\n" + HEAD + HUGE + b"\r\n"
        answers = [raw(front, b"GET /files HTTP/1.1\r\n" + HEAD + b"\r\n") for _ in range(3)]
        answers.append(raw(front, large))
        statuses = [status for status, _, _ in answers]
        service.start()
        requests.get(front.url + "/files", timeout=30)
        service.cli("maintain", "--once")
        service.cli("maintain", "--once")
        wait_until(lambda: len(rows(service, action="http:refuse")) == 2, 60, "both kinds are on record")
        found = rows(service, action="http:refuse")
    finally:
        service.kill()
        front.kill()

    assert statuses == [502, 502, 502, 413]
    shown = sorted((row["error_type"], row["details"]["source"], row["count"]) for row in found)
    assert shown == [("request_too_large", "nginx", 1), ("unavailable", "nginx", 3)]


def _line_of(front: Front, request_id: str) -> dict[str, Any]:
    lines = [json.loads(line) for line in front.lines().splitlines()]
    return next((line for line in lines if line["request_id"] == request_id), {})
