"""One request is found by one id in nginx's log, the answer, and the audit log; so is its trace."""

import json
from typing import Any

import pytest

from harness.servers import Front, Service
from harness.waiting import wait_until
from tests.ops.nginx.test_front import ask

pytestmark = pytest.mark.server
TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_one_request_id_joins_nginx_the_answer_and_the_audit_log(front: Front, behind: Service) -> None:
    spoofed = {
        "X-Request-ID": "req_of-the-client",
        "X-Forwarded-For": "198.51.100.7",
        "X-Real-IP": "198.51.100.8",
    }
    answer = ask(front, "PUT", "/upload/b.txt?description=not-for-logs", data=b"b", headers=spoofed)
    request_id = answer.headers["X-Request-ID"]
    line = wait_until(lambda: _line_of(front, request_id), 60, "nginx's line")
    rows = _rows(behind, "action=file:upload&size=100")
    (row,) = (row for row in rows if row["resource_id"] == answer.json()["file_id"])

    assert request_id != "req_of-the-client"
    assert (row["request_id"], row["ip_address"]) == (request_id, "127.0.0.1")
    assert (line["path"], line["status_code"], line["client_ip"]) == ("/upload/b.txt", 201, "127.0.0.1")
    assert "not-for-logs" not in front.lines()


@pytest.mark.parametrize(
    ("sent", "trace_id"),
    [
        (f"00-{TRACE}-b7ad6b7169203331-01", TRACE),
        (f"cc-{TRACE}-b7ad6b7169203331-01-more", TRACE),
        (f"00-{TRACE}-b7ad6b7169203331-01-more", ""),
        (f"cc-{TRACE}-b7ad6b7169203331-01more", ""),
        (f"ff-{TRACE}-b7ad6b7169203331-01", ""),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", ""),
        (f"00-{TRACE}-{'0' * 16}-01", ""),
        (TRACE.upper(), ""),
        (None, ""),
    ],
)
def test_one_trace_joins_nginx_the_answer_and_the_audit_log(
    front: Front, behind: Service, sent: str | None, trace_id: str
) -> None:
    headers = {"traceparent": sent} if sent else {}

    stored = ask(front, "PUT", "/upload/t.txt", data=b"t", headers=headers)
    fetched = ask(front, "GET", f"/download/{stored.json()['file_id']}", headers=headers)

    for answer, action in ((stored, "file:upload"), (fetched, "file:download")):
        request_id = answer.headers["X-Request-ID"]
        expected = trace_id or request_id.removeprefix("req_")
        line = wait_until(lambda: _line_of(front, request_id), 60, "nginx's line")  # noqa: B023
        rows = _rows(behind, f"trace_id={expected}&request_id={request_id}")
        assert [row["action"] for row in rows] == [action]
        assert line["trace_id"] == answer.headers["traceresponse"][3:35] == expected


def _rows(service: Service, query: str) -> list[dict[str, Any]]:
    """The audit log's rows, asked for by an administrator."""
    token = (service.data_dir / "admin-token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    rows: list[dict[str, Any]] = service.request(
        "GET", f"/api/v1/audit/logs?{query}", headers=headers
    ).json()["logs"]
    return rows


def _line_of(front: Front, request_id: str) -> dict[str, Any]:
    lines = [json.loads(line) for line in front.lines().splitlines()]
    return next((line for line in lines if line["request_id"] == request_id), {})
