"""`GET /api/v1/audit/logs`: the seed's parameters and answer, every filter, pages, cursors and totals."""

import itertools
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from filewallball.audit import totals
from filewallball.audit.filters import VERBS
from filewallball.clock import parse_moment
from filewallball.observability.vocabulary import ACTIONS, OTHER
from filewallball.recording.event import Event
from harness.parts import Parts, put_on_record
from tests.fixtures.audit_log import alter, make_event

URL = "/api/v1/audit/logs"
DAY = 86_400_000_000
NOON = 1_705_320_000_000_000  # 2024-01-15T12:00:00Z

ROWS: list[dict[str, Any]] = [
    {"action": "file:upload", "status": "success", "user_id": 7, "username": "john.doe", "file_size": 1024000,
     "file_type": "application/pdf", "ip_address": "192.168.1.100", "user_agent": "Mozilla/5.0...",
     "resource_id": "550e8400-e29b-41d4-a716-446655440000", "details": '{"filename":"example.pdf"}'},
    {"action": "file:download", "ip_address": "192.168.2.1", "request_id": "req_42",
     "trace_id": "0af7651916cd43dd8448eb211c80319c", "link_id": "a link"},
    {"action": "file:download", "status": "failed", "error_type": "network_error", "ip_address": "10.0.0.1"},
    {"action": "file:delete", "status": "denied", "error_type": "forbidden", "ip_address": "2001:db8::5"},
    {"action": "token:create", "resource_type": "user", "user_id": 1, "ip_address": "",
     "details": '{"name":"a \\"b\\\\c\\""}'},
    {"action": "block:add", "resource_type": "system", "user_id": 1, "details": '{"network":"50%_off"}'},
]  # fmt: skip


FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [0, 1, 2, 3, 4, 5]),
    ({"user_id": 1}, [4, 5]),
    ({"user_id": 0}, [1, 2, 3]),
    ({"action": "file:download"}, [1, 2]),
    ({"action": "create"}, [0, 4, 5]),
    ({"action": "read"}, [1, 2]),
    ({"action": "update"}, []),
    ({"action": "delete"}, [3]),
    ({"action": "file:view"}, []),
    ({"resource_type": "file"}, [0, 1, 2, 3]),
    ({"resource_type": "user"}, [4]),
    ({"resource_type": "system", "action": "create"}, [5]),
    ({"resource_type": "user", "action": "file:upload"}, []),
    ({"status": "failed"}, [2]),
    ({"status": "success", "action": "read"}, [1]),
    ({"ip_address": "192.168.1.100"}, [0]),
    ({"ip_address": "192.168.0.0/16"}, [0, 1]),
    ({"ip_address": "192.168.0.0/16", "action": "read"}, [1]),
    ({"ip_address": "2001:DB8::/32"}, [3]),
    ({"ip_address": "::ffff:10.0.0.1"}, [2]),
    ({"ip_address": "::ffff:10.0.0.0/104"}, [2]),
    ({"request_id": "req_42"}, [1]),
    ({"resource_id": "550e8400-e29b-41d4-a716-446655440000"}, [0]),
    ({"trace_id": "0af7651916cd43dd8448eb211c80319c"}, [1]),
    ({"trace_id": "0af7651916cd43dd8448eb211c80319c", "action": "file:view"}, []),
    ({"error_type": "forbidden"}, [3]),
    ({"error_type": "forbidden", "user_id": 0, "status": "denied"}, [3]),
    ({"date_from": "2024-01-14"}, [0, 1]),
    ({"date_to": "2024-01-12"}, [3, 4, 5]),
    ({"date_from": "2024-01-13T12:00:00Z", "date_to": "2024-01-14T12:00:00Z"}, [1, 2]),
    ({"date_from": "2024-01-13T21:00:00+09:00", "date_to": "2024-01-13T12:00:00"}, [2]),
    ({"date_from": "2024-01-13T12:00:01", "date_to": "2024-01-14"}, [1]),
    ({"q": "EXAMPLE", "date_from": "2024-01-01", "date_to": "2024-01-20"}, []),
    ({"q": "example", "date_from": "2024-01-01", "date_to": "2024-01-20"}, [0]),
    ({"q": "0%_o", "date_from": "2024-01-01", "date_to": "2024-01-20"}, [5]),
    ({"q": 'a "b\\c"', "date_from": "2024-01-01", "date_to": "2024-01-20"}, [4]),
    ({"date_from": "2024-01-14t21:00:00z", "date_to": "2024-01-15 12:00:00Z"}, [0]),
    ({"q": "쿠키", "date_from": "2024-01-01", "date_to": "2024-01-20"}, [1, 2, 3, 4, 5]),
]

REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"page": "0"}, "page"),
    ({"page": "x"}, "page"),
    ({"size": "501"}, "size"),
    ({"size": "0"}, "size"),
    ({"user_id": "-1"}, "user_id"),
    ({"user_id": str(2**63)}, "user_id"),
    ({"resource_type": "disk"}, "resource_type"),
    ({"status": "ok"}, "status"),
    ({"date_from": "yesterday"}, "date_from"),
    ({"date_to": "2024-13-01"}, "date_to"),
    ({"date_to": "2024-W03"}, "date_to"),
    ({"date_from": "2024-01-15_1030"}, "date_from"),
    ({"status": ["failed", "denied"]}, "status"),
    ({"request_id": ""}, "request_id"),
    ({"nothing": "1"}, "nothing"),
    ({"date_to": "0001-01-01T00:00:00+09:00"}, "date_to"),
    ({"date_from": "2024-01-02", "date_to": "2024-01-01"}, "date_to"),
    ({"ip_address": "10.0.0.300"}, "ip_address"),
    ({"ip_address": "fe80::1%eth0"}, "ip_address"),
    ({"q": "text"}, "q"),
    ({"q": "text", "date_from": "2024-01-01", "date_to": "2024-02-01"}, "q"),
    ({"request_id": "ü"}, "request_id"),
    ({"trace_id": "0af7651916cd43dd8448eb211c80319"}, "trace_id"),
    ({"trace_id": "0AF7651916CD43DD8448EB211C80319C"}, "trace_id"),
    ({"action": "ü"}, "action"),
    ({"action": "no:such"}, "action"),
    ({"action": "upload"}, "action"),
    ({"action": "other"}, "action"),
    ({"cursor": "!!"}, "cursor"),
    ({"total": "perhaps"}, "total"),
]


@pytest.fixture
def six(parts: Parts) -> Parts:
    """Six rows, one a day before the noon of 2024-01-15 each, the first row the newest; half of them sealed."""
    events = [make_event(timestamp_us=NOON - number * DAY, **row) for number, row in enumerate(ROWS)]
    for half in (events[:3], events[3:]):
        put_on_record(parts, half)
        if half[0] is events[0]:
            parts.sealer.run()
    return parts


def test_the_answer_is_the_specified_one(six: Parts, admin: FlaskClient) -> None:
    query = {"date_from": "2024-01-01", "date_to": "2024-01-15", "action": "file:upload", "status": "success"}
    answer = admin.get(URL, query_string=query).json

    assert answer is not None
    first = answer.pop("logs")[0]
    assert answer == {
        "total": 1,
        "total_is_lower_bound": False,
        "page": 1,
        "size": 50,
        "pages": 1,
        "next_cursor": None,
        "filters": {
            "date_from": "2024-01-01T00:00:00Z",
            "date_to": "2024-01-15T23:59:59Z",
            "action": "file:upload",
            "status": "success",
        },
    }
    assert {name: first[name] for name in ("id", "timestamp", "user_id", "username", "action", "status")} == {
        "id": 1,
        "timestamp": "2024-01-15T12:00:00Z",
        "user_id": 7,
        "username": "john.doe",
        "action": "file:upload",
        "status": "success",
    }
    assert first["resource_type"] == "file"
    assert first["resource_id"] == "550e8400-e29b-41d4-a716-446655440000"
    assert (first["ip_address"], first["user_agent"]) == ("192.168.1.100", "Mozilla/5.0...")
    assert first["details"] == {
        "filename": "example.pdf",
        "file_size": 1024000,
        "mime_type": "application/pdf",
    }
    assert first["integrity"] == "sealed"


def test_the_answer_repeats_the_moments_that_were_asked_for(admin: FlaskClient) -> None:
    answer = _get(admin, {"date_from": "2024-01-15T10:30:00.25", "date_to": "2024-01-15T10:31:00,5"})

    assert answer["filters"] == {
        "date_from": "2024-01-15T10:30:00.250000Z",
        "date_to": "2024-01-15T10:31:00.500000Z",
    }


def test_filters(six: Parts, admin: FlaskClient) -> None:
    for query, expected in FILTERS:
        # What reading itself puts on record is of another year; keep it out where nothing else does.
        answer = _get(admin, {"date_to": "2024-02-01", **query})
        days = [NOON // DAY - parse_moment(row["timestamp"]) // DAY for row in answer["logs"]]

        found = (days, answer["total"], answer["total_is_lower_bound"])
        assert found == (expected, len(expected), False), query
        lines = admin.get("/api/v1/audit/export", query_string={"date_to": "2024-02-01", **query}).text
        assert [orjson.loads(line)["id"] for line in lines.splitlines()] == [
            row["id"] for row in answer["logs"]
        ]


def test_every_action_has_its_verb() -> None:
    verbs = {
        action: [verb for verb, words in VERBS.items() if action.partition(":")[2] in words]
        for action in ACTIONS
        if action not in ("auth:fail", "http:refuse", OTHER)  # nothing was tried
    }

    assert {action: found for action, found in verbs.items() if len(found) != 1} == {}


def test_a_bad_value_is_refused_with_its_field_named(admin: FlaskClient) -> None:
    for query, field in REFUSALS:
        answer = admin.get(URL, query_string=query)

        assert answer.status_code == 422, query
        assert answer.json is not None
        assert answer.json["code"] == "validation_error"
        assert field in str(answer.json["errors"]), query


def test_a_page_too_deep_points_to_the_cursor(admin: FlaskClient) -> None:
    answer = admin.get(URL, query_string={"page": 201, "size": 50})

    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["code"] == "page_too_deep"
    assert "next_cursor" in answer.json["detail"]


@pytest.mark.parametrize(
    "query", [{}, {"action": "read"}, {"status": "failed"}, {"ip_address": "192.0.2.0/24"}]
)
def test_pages_and_cursors_walk_the_same_rows_once(
    parts: Parts, admin: FlaskClient, query: dict[str, str]
) -> None:
    kinds = itertools.product(("file:download", "file:view", "file:upload"), ("success", "failed"), range(6))
    events = [
        make_event(action=action, status=status, timestamp_us=NOON + moment)
        for action, status, moment in kinds
    ]
    put_on_record(parts, events)
    query = {**query, "size": "5", "date_to": "2024-02-01"}

    first = _get(admin, query)
    by_page = [
        row["id"]
        for page in range(1, first["pages"] + 1)
        for row in _get(admin, {**query, "page": str(page)})["logs"]
    ]
    by_cursor, cursor = [row["id"] for row in first["logs"]], first["next_cursor"]
    while cursor:
        page = _get(admin, {**query, "cursor": cursor})
        by_cursor += [row["id"] for row in page["logs"]]
        cursor = page["next_cursor"]

    assert by_page == by_cursor
    assert len(set(by_page)) == len(by_page) == first["total"]


def test_totals_are_exact_from_hourly_totals_and_bounded_elsewhere(
    parts: Parts, admin: FlaskClient, record: Callable[..., list[Event]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(totals, "COUNT_LIMIT", 10)
    record(30, timestamp_us=NOON - DAY)
    parts.sealer.run()
    record(5, timestamp_us=NOON - DAY, action="file:view")
    record(4, timestamp_us=NOON, action="file:view")

    served = _get(admin, {"action": "read", "date_to": "2024-01-15T12:30:00Z", "date_from": "2024-01-01"})
    counted = _get(admin, {"user_id": "0", "date_to": "2024-02-01"})
    unasked = _get(admin, {"total": "false"})

    assert (served["total"], served["total_is_lower_bound"]) == (39, False)
    assert (counted["total"], counted["total_is_lower_bound"]) == (10, True)
    assert (unasked["total"], unasked["pages"]) == (None, None)


def test_totals_that_are_not_the_logs_are_told_by_hour(
    parts: Parts, record: Callable[..., list[Event]]
) -> None:
    for moment in (NOON - 3 * DAY, NOON):
        record(3, timestamp_us=moment)
    parts.sealer.run()
    record(2, timestamp_us=NOON)

    assert totals.wrong_hours(parts.database) == []
    alter(
        parts,
        f"UPDATE audit_totals SET row_count = 4 WHERE hour = {NOON // totals.HOUR_US}",
        "INSERT INTO audit_totals (action, status, hour, row_count) VALUES ('file:view', 'success', 5, 1)",
    )

    assert totals.wrong_hours(parts.database) == [
        "totals of 1970-01-01T05:00:00Z",
        "totals of 2024-01-15T12:00:00Z",
    ]


def test_reading_is_on_record_and_needs_an_administrator(parts: Parts, admin: FlaskClient) -> None:
    client = admin.application.test_client()

    refused = client.get(URL)
    answer = _get(admin, {"action": "audit:read"})

    assert refused.status_code == 401
    assert [row["status"] for row in answer["logs"]] == ["denied"]
    again = _get(admin, {"action": "audit:read"})
    assert [row["status"] for row in again["logs"]] == ["success", "denied"]
    assert again["logs"][0]["details"] == {"filters": {"action": "audit:read"}}


def _get(client: FlaskClient, query: dict[str, Any]) -> dict[str, Any]:
    answer = client.get(URL, query_string=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json  # type: ignore[assignment]
    return body
