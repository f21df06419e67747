"""The audit list by several error codes: failed authentications and other violations, by window."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from filewallball.clock import rfc3339
from harness.parts import Parts, put_on_record
from tests.fixtures.audit_log import make_event

_NOON = 1_705_320_000_000_000
_MINUTE = 60_000_000
_CODES = ("auth_unknown", "rate_limited", "auth_expired", "blocked", "auth_unknown", "not_found")


@pytest.fixture
def violations(parts: Parts) -> None:
    """One a minute before noon, the first code the newest; half of them sealed."""
    events = [
        make_event(
            timestamp_us=_NOON - number * _MINUTE,
            request_id=f"req_{number}",
            status="denied",
            error_type=code,
            user_id=number % 2,
        )
        for number, code in enumerate(_CODES)
    ]
    put_on_record(parts, events[:3])
    parts.sealer.run()
    put_on_record(parts, events[3:])


@pytest.mark.usefixtures("violations")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"error_type": "auth_unknown,auth_expired"}, [0, 2, 4]),
        ({"error_type": "rate_limited,blocked,auth_revoked"}, [1, 3]),
        ({"error_type": "auth_unknown"}, [0, 4]),
        ({"error_type": "auth_unknown,auth_expired", "date_from": rfc3339(_NOON - 2 * _MINUTE)}, [0, 2]),
        ({"error_type": "auth_unknown,rate_limited", "user_id": 1}, [1]),
        ({"error_type": "auth_unknown,rate_limited", "ip_address": "192.0.2.0/24"}, [0, 1, 4]),
        ({"error_type": "auth_unknown,rate_limited", "status": "denied", "action": "read"}, [0, 1, 4]),
        ({"error_type": "auth_unknown,rate_limited", "status": "failed"}, []),
        ({"error_type": "auth_unknown,rate_limited", "request_id": "req_4"}, [4]),
    ],
)
def test_rows_of_any_of_the_codes_are_found(
    admin: FlaskClient, query: dict[str, Any], found: list[int]
) -> None:
    listed: list[str] = []
    cursor = ""
    while cursor is not None:
        answer = admin.get(
            "/api/v1/audit/logs", query_string={**query, "size": 1, "cursor": cursor}
        ).get_json()
        listed += [row["request_id"] for row in answer["logs"]]
        cursor = answer["next_cursor"]
    exported = admin.get("/api/v1/audit/export", query_string=query).text.splitlines()

    assert listed == [f"req_{number}" for number in found]
    assert answer["total"] == len(found) == len(exported)
    assert answer["filters"]["error_type"] == query["error_type"]


@pytest.mark.parametrize(
    "codes", ["", ",", "auth_unknown,", "a,a", ",".join(map(str, range(21))), "ü,auth_unknown"]
)
def test_what_are_no_codes_is_refused(admin: FlaskClient, codes: str) -> None:
    answer = admin.get("/api/v1/audit/logs", query_string={"error_type": codes})

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == ["error_type"]
