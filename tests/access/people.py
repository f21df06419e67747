"""Users, their clients and requests from other addresses, for tests about who may do what."""

from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient

from filewallball.access.tokens import create_token
from filewallball.access.users import create_user
from filewallball.recording.caller import SYSTEM
from filewallball.recording.operations import operation
from harness.parts import Parts


def new_token(app: Flask, username: str, role: str = "user", expires_in: int | None = None) -> str:
    """The text of a token of a new user."""
    with app.app_context():
        ledger = Parts(app).ledger
        with operation(ledger, "user:create", SYSTEM) as op:
            user_id = create_user(op, username, role).id
        with operation(ledger, "token:create", SYSTEM) as op:
            return create_token(op, user_id, "test", expires_in).token


def client_of(app: Flask, token: str = "", address: str = "") -> FlaskClient:
    """A client that sends this token, from this address."""
    client = app.test_client()
    if token:
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    if address:
        client.environ_base["REMOTE_ADDR"] = address
    return client


def events(admin: FlaskClient, action: str) -> list[dict[str, object]]:
    """The audit rows of an action, newest first."""
    found: list[dict[str, object]] = admin.get(f"/api/v1/audit/logs?action={action}&size=500").get_json()[
        "logs"
    ]
    return found


Build = Callable[..., Flask]
