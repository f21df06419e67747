"""Clients that are expected to upload: declared, watched, told to an alert."""

import pytest
from flask.testing import FlaskClient

from filewallball.clock import now_us, rfc3339
from filewallball.stats.expected import MOST
from harness.parts import Parts
from tests.stats.conftest import Record

PATH = "/api/v1/stats/expected"


def test_the_last_upload_of_a_declared_client_is_told(
    admin: FlaskClient, client: FlaskClient, parts: Parts, record: Record
) -> None:
    hour_us = 3_600_000_000
    moments = [now_us() - hours * hour_us for hours in (50, 30, 3)]
    record(timestamp_us=moments[0], ip_address="192.0.2.8")
    record(timestamp_us=moments[1], ip_address="192.0.2.8")
    record(action="file:view", ip_address="192.0.2.8")
    parts.sealer.run()

    declared = admin.put(f"{PATH}/192.0.2.8", json={"expected_within": "1d"}).get_json()

    assert (declared["expected_within"], declared["is_overdue"]) == (86400, True)
    assert declared["last_upload_at"] == rfc3339(moments[1])
    record(timestamp_us=moments[2], ip_address="192.0.2.8")
    record(ip_address="192.0.2.8", status="failed", error_type="file_too_large")
    for _ in range(2):  # unsealed, then sealed
        (found,) = client.get(PATH).get_json()["clients"]
        assert (found["last_upload_at"], found["is_overdue"]) == (rfc3339(moments[2]), False)
        assert 3 * 3600 <= found["seconds_since_upload"] < 4 * 3600
        parts.sealer.run()
    assert admin.delete(f"{PATH}/192.0.2.8").status_code == 204
    assert admin.delete(f"{PATH}/192.0.2.8").status_code == 404


def test_a_client_that_never_uploaded_is_measured_from_its_declaration(
    admin: FlaskClient, parts: Parts
) -> None:
    admin.put(f"{PATH}/2001:DB8::7", json={"expected_within": "30s"})
    parts.expected.refresh()

    text = admin.get("/metrics").get_data(as_text=True)

    age = next(line for line in text.splitlines() if line.startswith("client_last_upload_age_seconds"))
    assert age.startswith('client_last_upload_age_seconds{client_ip="2001:db8::7"}')
    assert 'client_expected_within_seconds{client_ip="2001:db8::7"} 30.0' in text
    admin.delete(f"{PATH}/2001:db8::7")
    parts.expected.refresh()
    assert "2001:db8::7" not in admin.get("/metrics").get_data(as_text=True)


def test_a_client_that_is_withdrawn_while_it_is_declared_is_not_found(
    admin: FlaskClient, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts.expected, "read", list)

    answer = admin.put(f"{PATH}/192.0.2.8", json={"expected_within": "1d"})

    assert answer.status_code == 404


def test_no_more_than_fifty_clients_and_nobody_but_an_administrator(
    admin: FlaskClient, client: FlaskClient
) -> None:
    for number in range(MOST):
        assert admin.put(f"{PATH}/192.0.2.{number}", json={"expected_within": 60}).status_code == 200

    assert admin.put(f"{PATH}/192.0.2.200", json={"expected_within": 60}).status_code == 409
    assert admin.put(f"{PATH}/192.0.2.1", json={"expected_within": 90}).get_json()["expected_within"] == 90
    assert admin.put(f"{PATH}/nowhere", json={"expected_within": 60}).status_code == 422
    assert admin.put(f"{PATH}/192.0.2.1", json={"expected_within": "soon"}).status_code == 422
    assert client.put(f"{PATH}/192.0.2.1", json={"expected_within": 60}).status_code == 401
