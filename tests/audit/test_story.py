"""`GET /api/v1/audit/requests/{request_id}`: what a request did, what went wrong, and what seals it."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from filewallball.recording.caller import SYSTEM
from harness.parts import Parts, put_on_record
from tests.fixtures.audit_log import alter, make_event


def story(client: FlaskClient, request_id: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/audit/requests/{request_id}")
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def test_a_request_is_told_a_moment_after_it_failed(client: FlaskClient, admin: FlaskClient) -> None:
    failed = client.get("/download/550e8400-e29b-41d4-a716-446655440000")

    told = story(admin, failed.headers["X-Request-ID"])

    (operation,) = told["operations"]
    assert (operation["action"], operation["status"], operation["integrity"]) == (
        "file:download",
        "failed",
        "pending",
    )
    assert operation["error"] == {
        "code": "not_found",
        "title": "Not found",
        "status": 404,
        "side": "client",
        "advice": "Check the address and the id. The answer is the same if you lack the permission to see it.",
        "retry_after": None,
    }
    assert operation["block"] is None
    assert (told["is_whole"], told["verified_at"]) == (True, None)


def test_each_row_names_the_block_that_seals_it(parts: Parts, admin: FlaskClient) -> None:
    put_on_record(parts, [make_event(request_id="req_a"), make_event(request_id="req_b")])
    parts.sealer.run()
    put_on_record(parts, [make_event(request_id="req_a")])
    parts.sealer.run()

    first, second = story(admin, "req_a")["operations"]

    assert (first["block"]["number"], second["block"]["number"]) == (1, 2)
    assert first["error"] is None
    assert (first["block"]["row_count"], first["block"]["verified"]) == (2, "not_checked")
    assert first["block"]["first_id"] <= first["id"] <= first["block"]["last_id"]
    assert len(first["block"]["seal"]) == 64
    parts.verification.run(SYSTEM)
    assert {row["block"]["verified"] for row in story(admin, "req_a")["operations"]} == {"intact"}


def test_a_block_that_was_found_changed_is_told(parts: Parts, admin: FlaskClient) -> None:
    for number in range(3):
        put_on_record(parts, [make_event(request_id=f"req_{number}")])
        parts.sealer.run()
    alter(parts, "UPDATE audit_log SET username = 'somebody else' WHERE request_id = 'req_1'")
    parts.verification.run(SYSTEM)

    told = [story(admin, f"req_{number}")["operations"][0]["block"]["verified"] for number in range(3)]

    assert told == ["intact", "broken", "not_checked"]


def test_a_row_that_the_service_did_not_write_is_told_as_such(parts: Parts, admin: FlaskClient) -> None:
    put_on_record(parts, [make_event(request_id="req_forged")])
    alter(parts, "UPDATE audit_log SET file_size = 7 WHERE request_id = 'req_forged'")
    parts.sealer.run()

    (operation,) = story(admin, "req_forged")["operations"]

    assert (operation["integrity"], operation["block"]) == ("refused", None)


def test_a_request_of_many_operations_is_cut(parts: Parts, admin: FlaskClient) -> None:
    put_on_record(parts, [make_event(request_id="req_many") for _ in range(101)])

    told = story(admin, "req_many")

    assert (len(told["operations"]), told["is_whole"]) == (100, False)


def test_what_is_not_on_record_is_not_found(admin: FlaskClient) -> None:
    for unknown in ("req_nobody", "req_nobody%20", "요청", "%00", "x" * 500):
        assert admin.get(f"/api/v1/audit/requests/{unknown}").status_code == 404


def test_only_administrators_are_told(app: Flask, client: FlaskClient) -> None:
    assert client.get("/api/v1/audit/requests/req_a").status_code == 401
