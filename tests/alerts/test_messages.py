"""SMS: sent once to each recipient, tried again while the provider refuses, never by way of a client's words."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import apprise
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from filewallball.alerts.channels import SmsChannel
from filewallball.alerts.messages import (
    FIRST_PAUSE_US,
    LONGEST_PAUSE_US,
    Messenger,
    forget_old,
    pause_us,
)
from filewallball.alerts.tables import alert_messages, alerts
from filewallball.cli import main
from filewallball.recording.system import system_operations
from filewallball.settings.loading import load_settings
from harness.parts import Parts
from tests.alerts.receiver import Receiver
from tests.alerts.test_webhook import SECRET, notification, post


@pytest.fixture
def provider() -> Iterator[Receiver]:
    """The provider that takes the messages."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def app(set_config: Callable[..., Flask], provider: Receiver) -> Flask:
    """A service whose SMS go to the test."""
    return set_config(ALERT_WEBHOOK_SECRET=SECRET, ALERT_SMS_URL=f"json://{provider.address}/sms")


@pytest.fixture
def messenger(app: Flask) -> Messenger:
    """The job of `app` that sends."""
    parts = Parts(app)
    return Messenger(parts.database, SmsChannel(parts.settings), system_operations(parts.app))


def test_start_and_end_of_an_alert_are_sent_once(
    app: Flask,
    client: FlaskClient,
    admin: FlaskClient,
    messenger: Messenger,
    provider: Receiver,
    operations: Callable[[], list[Any]],
) -> None:
    for status in ("firing", "firing", "resolved"):
        post(client, notification(status))
        messenger.run()
    messenger.run()

    said = [body["message"] for body in provider.bodies("/sms")]
    assert said == [
        "[FIRING] StorageFull a:8000: Storage is nearly full. Storage utilization is 91%",
        "[RESOLVED] StorageFull a:8000: Storage is nearly full. Storage utilization is 91%",
    ]
    (alert,) = admin.get("/api/v1/alerts").get_json()["alerts"]
    assert [(sms["state"], sms["attempts"]) for sms in alert["sms"]] == [("sent", 1), ("sent", 1)]
    sent = [row.status for row in operations() if row.action == "alert:send"]
    assert sent == ["success", "success"]


def test_a_refused_message_is_tried_again_later(
    app: Flask,
    client: FlaskClient,
    messenger: Messenger,
    provider: Receiver,
    operations: Callable[[], list[Any]],
) -> None:
    provider.status = 503
    post(client, notification())

    messenger.run()
    messenger.run()
    assert len(provider.received) == 1
    provider.status = 200
    _make_due(app)
    messenger.run()
    _make_due(app)
    messenger.run()

    assert len(provider.received) == 2
    (row,) = _messages(app)
    assert (row.state, row.attempts) == ("sent", 2)
    sent = [(row.status, row.error_type) for row in operations() if row.action == "alert:send"]
    assert sent == [("failed", "notification_failed"), ("success", "")]


def test_a_message_is_given_up_after_a_day(
    app: Flask, client: FlaskClient, messenger: Messenger, provider: Receiver
) -> None:
    provider.status = 503
    post(client, notification())
    _change(app, created_us=1, due_us=1)

    messenger.run()

    assert [row.state for row in _messages(app)] == ["given_up"]


def test_two_messengers_send_a_message_once(
    app: Flask, client: FlaskClient, messenger: Messenger, provider: Receiver
) -> None:
    post(client, notification())
    (row,) = messenger._due()

    assert [messenger._take(row), messenger._take(row)] == [True, False]


def test_pauses_grow_and_end_growing() -> None:
    pauses = [pause_us(attempts) for attempts in range(1, 40)]

    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (FIRST_PAUSE_US, LONGEST_PAUSE_US)


def test_what_an_alert_says_decides_nothing_about_where_it_goes(
    client: FlaskClient, messenger: Messenger, provider: Receiver
) -> None:
    hostile = "json://192.0.2.1/?to=me\n--attach file:///etc/passwd {{ 7*7 }} %0d%0aHost: evil"
    labels = {"alertname": hostile, "instance": hostile, "url": hostile}
    post(client, notification(labels=labels, annotations={"summary": hostile, "attachments": hostile}))

    messenger.run()

    (received,) = provider.received
    assert received.path == "/sms"
    assert received.body["attachments"] == []
    assert "\n" not in received.body["message"]
    assert "{{ 7*7 }}" in received.body["message"]


def test_sms_cannot_be_tried_where_it_goes_nowhere() -> None:
    done = CliRunner().invoke(main, ["alerts", "test", "sms"])

    assert done.exit_code == 1
    assert "SMS goes nowhere" in done.output


def test_twilio_is_addressed_by_the_settings_alone() -> None:
    environ = {
        "ALERT_SMS_ACCOUNT_SID": "AC" + "0" * 32,
        "ALERT_SMS_AUTH_TOKEN": "to/k@n?",
        "ALERT_SMS_FROM": "+15551234567",
        "ALERT_SMS_PHONE_NUMBERS": "+821012345678,+15557654321",
    }
    channel = SmsChannel(load_settings(environ))

    assert channel.recipients() == ("+821012345678", "+15557654321")
    assert channel._url("+821012345678") == (
        "twilio://AC" + "0" * 32 + ":to%2Fk%40n%3F@%2B15551234567/%2B821012345678"
    )
    usual = SmsChannel(load_settings({**environ, "ALERT_SMS_AUTH_TOKEN": "a1" * 16}))
    assert [service.service_name for service in _services(usual._url("+821012345678"))] == ["Twilio"]
    assert SmsChannel(load_settings({})).recipients() == ()
    assert SmsChannel(load_settings({**environ, "ALERT_SMS_ENABLED": "false"})).recipients() == ()


def test_ended_alerts_are_forgotten_with_their_messages(app: Flask, client: FlaskClient) -> None:
    post(client, notification("resolved"))
    post(client, notification("firing", fingerprint="ff"))
    database = Parts(app).database
    with database.begin() as connection:
        connection.execute(update(alerts).values(updated_us=1))

    forget_old(database, 1_000_000)

    left = database.scalars(select(alerts.c.fingerprint))
    assert left == ["ff"]
    assert len(_messages(app)) == 1


def _services(url: str) -> list[Any]:
    known = apprise.Apprise()
    assert known.add(url)
    return list(known)


def _messages(app: Flask) -> Sequence[Any]:
    statement = select(*alert_messages.c).order_by(alert_messages.c.id)
    return Parts(app).database.rows(statement)


def _make_due(app: Flask) -> None:
    _change(app, due_us=1)


def _change(app: Flask, **values: int) -> None:
    with Parts(app).database.begin() as connection:
        connection.execute(update(alert_messages).values(values))
