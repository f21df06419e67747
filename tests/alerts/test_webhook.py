"""The alert webhook and list: only Alertmanager gets in, everything is kept once, what is over stays over."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from filewallball.alerts.tables import alert_messages
from harness.parts import Parts
from tests.conftest import ADMIN_TOKEN

SECRET = "what-alertmanager-shows-at-the-webhook"
START, END = "2026-01-02T03:04:05.123456789Z", "2026-01-02T03:14:05Z"


@pytest.fixture
def app(set_config: Callable[..., Flask]) -> Flask:
    """A service that Alertmanager may talk to, with SMS to nobody's phone."""
    return set_config(ALERT_WEBHOOK_SECRET=SECRET, ALERT_SMS_URL="json://127.0.0.1:1/")


def notification(status: str = "firing", receiver: str = "email-slack-sms", **changes: Any) -> dict[str, Any]:
    """The body that Alertmanager posts about one alert."""
    alert = {
        "status": status,
        "labels": {"alertname": "StorageFull", "severity": "critical", "instance": "a:8000"},
        "annotations": {"summary": "Storage is nearly full", "description": "Storage utilization is 91%"},
        "startsAt": START,
        "endsAt": END if status == "resolved" else "0001-01-01T00:00:00Z",
        "fingerprint": "0123456789abcdef",
        "generatorURL": "http://prometheus/graph",
        **changes,
    }
    return {"version": "4", "receiver": receiver, "status": status, "alerts": [alert], "groupKey": "{}"}


def post(client: FlaskClient, body: Any, secret: str | None = SECRET) -> TestResponse:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return client.post("/api/v1/alerts/webhook", json=body, headers=headers)


def test_only_who_knows_the_secret_gets_in(app: Flask, client: FlaskClient, admin: FlaskClient) -> None:
    codes = {secret: post(client, notification(), secret) for secret in (None, "x" * 40, ADMIN_TOKEN)}

    assert {answer.status_code for answer in codes.values()} == {401}
    assert admin.get("/api/v1/alerts").get_json()["alerts"] == []
    assert post(client, notification()).status_code == 204
    assert client.get("/files", headers={"Authorization": f"Bearer {SECRET}"}).status_code == 401


def test_without_a_secret_the_webhook_is_closed(set_config: Callable[..., Flask]) -> None:
    client = set_config(ALERT_WEBHOOK_SECRET_FILE="/nonexistent/secret").test_client()

    assert post(client, notification(), "").status_code == 401
    assert post(client, notification(), "x" * 40).status_code == 401


def test_an_alert_is_kept_once_and_ends_once(app: Flask, client: FlaskClient, admin: FlaskClient) -> None:
    for status in ("firing", "firing", "resolved", "resolved", "firing"):
        assert post(client, notification(status)).status_code == 204

    (alert,) = admin.get("/api/v1/alerts").get_json()["alerts"]
    assert (alert["status"], alert["ends_at"]) == ("resolved", END)
    assert alert["starts_at"] == "2026-01-02T03:04:05.123456Z"
    assert alert["labels"]["instance"] == "a:8000"
    assert [(sms["status"], sms["state"]) for sms in alert["sms"]] == [
        ("firing", "waiting"),
        ("resolved", "waiting"),
    ]


def test_firing_and_past_alerts_are_told_apart(client: FlaskClient, admin: FlaskClient) -> None:
    post(client, notification("resolved"))
    later = {"startsAt": "2026-01-02T04:00:00Z", "fingerprint": "ff"}
    post(client, notification("firing", "email-slack", **later))

    everything = admin.get("/api/v1/alerts").get_json()
    assert everything["firing"] == 1
    assert [alert["status"] for alert in everything["alerts"]] == ["firing", "resolved"]
    (firing,) = admin.get("/api/v1/alerts?status=firing").get_json()["alerts"]
    assert (firing["fingerprint"], firing["sms"]) == ("ff", [])
    assert len(admin.get("/api/v1/alerts?name=StorageFull&size=1").get_json()["alerts"]) == 1
    assert admin.get("/api/v1/alerts?name=Other").get_json()["alerts"] == []
    assert admin.get("/api/v1/alerts?status=both").status_code == 422


def test_receiving_and_listing_are_on_record(
    client: FlaskClient, admin: FlaskClient, operations: Callable[[], list[Any]]
) -> None:
    post(client, notification())
    post(client, notification(), "y" * 40)
    admin.get("/api/v1/alerts")

    rows = [(row.action, row.status, row.error_type, row.username) for row in operations()]
    assert rows == [
        ("alert:receive", "success", "", "alertmanager"),
        ("alert:receive", "denied", "auth_unknown", ""),
        ("alert:list", "success", "", "admin"),
    ]


def test_alerts_are_for_those_who_may_read_them(set_config: Callable[..., Flask]) -> None:
    app = set_config(MONITORING_NETWORKS="192.0.2.0/24")

    def status(address: str) -> int:
        client = app.test_client()
        return client.get("/api/v1/alerts", environ_base={"REMOTE_ADDR": address}).status_code

    assert (status("192.0.2.7"), status("198.51.100.7")) == (200, 401)


def test_a_malformed_notification_is_refused(client: FlaskClient) -> None:
    bodies: list[Any] = [
        {},
        [],
        {"receiver": "sms", "alerts": []},
        {"receiver": "sms", "alerts": [{}]},
        notification("burning"),
        notification(fingerprint="../../etc"),
        notification(startsAt="yesterday"),
        notification(labels={"alertname": 5}),
        notification(labels={f"l{number}": "" for number in range(101)}),
    ]
    for body in bodies:
        assert post(client, body).status_code == 422, body


def test_a_body_larger_than_any_notification_is_not_read(client: FlaskClient) -> None:
    answer = post(client, notification(annotations={"summary": "x" * 5_000_000}))

    assert answer.status_code == 413


def test_text_from_outside_is_kept_harmless(client: FlaskClient, admin: FlaskClient) -> None:
    labels = {"alertname": "A\x00\u202eB", "client_ip": "한글 \n second line"}

    post(client, notification(labels=labels))

    (alert,) = admin.get("/api/v1/alerts").get_json()["alerts"]
    assert all(
        character not in str(alert["labels"]) + alert["name"] for character in ("\x00", "\u202e", "\n")
    )
    assert alert["labels"]["client_ip"].startswith("한글 ")


def test_an_alert_without_sms_among_its_channels_makes_no_message(app: Flask, client: FlaskClient) -> None:
    post(client, notification(receiver="email-slack"))

    statement = select(alert_messages)
    assert Parts(app).database.rows(statement) == []


def test_what_to_do_is_told_beside_an_alert(client: FlaskClient, admin: FlaskClient) -> None:
    post(client, notification())
    post(client, notification(labels={"alertname": "Nobody'sRule"}, fingerprint="ff"))

    told = {alert["name"]: alert for alert in admin.get("/api/v1/alerts").get_json()["alerts"]}

    assert told["StorageFull"]["runbook"].startswith("**Means:** more than 90 %")
    assert told["StorageFull"]["runbook_url"] == "/runbook#storagefull"
    assert (told["Nobody'sRule"]["runbook"], told["Nobody'sRule"]["runbook_url"]) == (None, None)
