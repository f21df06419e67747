"""Tokens: shown once, stored hashed, gone at once, and never to be guessed or put into a URL."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from filewallball.access.authentication import digest, first_admin_stands, give_first_admin
from filewallball.access.last_use import LastUse, write_last_use
from filewallball.access.tables import tokens
from harness.parts import Parts
from tests.access.people import client_of, events, new_token

ME = "/api/v1/access/me"
TOKENS = "/api/v1/access/tokens"


@pytest.fixture
def user_id(admin: FlaskClient) -> int:
    """A user without tokens."""
    made = admin.post("/api/v1/access/users", json={"username": "alice", "role": "monitor"})
    return int(made.get_json()["id"])


def test_a_new_token_works_at_once_with_the_rights_of_its_user(
    app: Flask, admin: FlaskClient, user_id: int
) -> None:
    made = admin.post(TOKENS, json={"user_id": user_id, "name": "laptop", "expires_in": "1h"})
    assert made.status_code == 201

    seen = client_of(app, made.get_json()["token"]).get(ME).get_json()

    assert (seen["username"], seen["role"]) == ("alice", "monitor")


def test_a_token_is_shown_once_and_stored_as_its_digest(app: Flask, admin: FlaskClient, user_id: int) -> None:
    token = admin.post(TOKENS, json={"user_id": user_id}).get_json()["token"]

    listed = admin.get(f"{TOKENS}?user_id={user_id}")
    with Parts(app).database.read() as connection:
        stored = connection.execute(select(tokens).where(tokens.c.user_id == user_id)).one()

    assert len(token) >= 40
    assert token not in listed.text
    assert stored.digest == digest(token)
    assert stored.digest not in listed.text
    assert listed.get_json()["tokens"][0]["prefix"] == token[:8]


def test_what_the_database_holds_is_no_credential(app: Flask, admin: FlaskClient, user_id: int) -> None:
    admin.post(TOKENS, json={"user_id": user_id})
    with Parts(app).database.read() as connection:
        values = [str(value) for row in connection.execute(text("SELECT * FROM tokens")) for value in row]

    statuses = {client_of(app, value).get(ME).status_code for value in values if value}

    assert statuses == {401}


@pytest.mark.parametrize("end", ["revoke", "rotate", "disable"])
def test_rights_end_with_the_next_request(app: Flask, admin: FlaskClient, user_id: int, end: str) -> None:
    made = admin.post(TOKENS, json={"user_id": user_id}).get_json()
    client, token_id = client_of(app, made["token"]), made["details"]["id"]
    assert client.get(ME).status_code == 200

    if end == "revoke":
        assert admin.delete(f"{TOKENS}/{token_id}").status_code == 204
    elif end == "rotate":
        assert admin.post(f"{TOKENS}/{token_id}/rotate", json={}).status_code == 201
    else:
        assert admin.patch(f"/api/v1/access/users/{user_id}", json={"disabled": True}).status_code == 200

    answer = client.get(ME)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "auth_revoked")


def test_a_demoted_user_loses_the_right_with_the_next_request(
    app: Flask, admin: FlaskClient, user_id: int
) -> None:
    admin.patch(f"/api/v1/access/users/{user_id}", json={"role": "admin"})
    client = client_of(app, admin.post(TOKENS, json={"user_id": user_id}).get_json()["token"])
    assert client.get(TOKENS).status_code == 200

    admin.patch(f"/api/v1/access/users/{user_id}", json={"role": "user"})

    assert client.get(TOKENS).status_code == 403


def test_a_rotated_token_may_work_on_for_a_while(app: Flask, admin: FlaskClient, user_id: int) -> None:
    old = admin.post(TOKENS, json={"user_id": user_id, "name": "ci"}).get_json()

    new = admin.post(f"{TOKENS}/{old['details']['id']}/rotate", json={"grace": "1h"}).get_json()

    assert client_of(app, old["token"]).get(ME).status_code == 200
    assert client_of(app, new["token"]).get(ME).status_code == 200
    assert new["details"]["name"] == "ci"


def test_grace_ends_an_old_token_and_never_lengthens_its_life(admin: FlaskClient, user_id: int) -> None:
    lasting = admin.post(TOKENS, json={"user_id": user_id}).get_json()["details"]
    brief = admin.post(TOKENS, json={"user_id": user_id, "expires_in": "1h"}).get_json()["details"]

    for old in (lasting, brief):
        admin.post(f"{TOKENS}/{old['id']}/rotate", json={"grace": "1d"})

    ends = [row["expires_at"] for row in admin.get(f"{TOKENS}?user_id={user_id}").get_json()["tokens"]]
    assert ends[:3] == [brief["expires_at"], None, brief["expires_at"]]
    assert ends[3] > brief["expires_at"]


def test_a_token_is_revoked_or_rotated_once(admin: FlaskClient, user_id: int) -> None:
    token_id = admin.post(TOKENS, json={"user_id": user_id}).get_json()["details"]["id"]

    assert admin.delete(f"{TOKENS}/{token_id}").status_code == 204
    assert admin.delete(f"{TOKENS}/{token_id}").status_code == 404
    assert admin.post(f"{TOKENS}/{token_id}/rotate", json={}).status_code == 404


def test_an_expired_token_is_refused(app: Flask) -> None:
    token = new_token(app, "brief", expires_in=1)
    past = "UPDATE tokens SET expires_us = 1 WHERE name = 'test'"
    with Parts(app).database.begin() as connection:
        connection.execute(text(past))

    answer = client_of(app, token).get(ME)

    assert (answer.status_code, answer.get_json()["code"]) == (401, "auth_expired")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Bearer", "auth_malformed"),
        ("Bearer short", "auth_malformed"),
        ("Bearer " + "x" * 600, "auth_malformed"),
        ("Bearer with a space and more of it", "auth_malformed"),
        ("Basic YWxpY2U6c2VjcmV0LXNlY3JldC1zZWNyZXQ=", "auth_malformed"),
        ("Basic \u00e9\u00e9\u00e9\u00e9", "auth_malformed"),
        ("Bearer fwb_" + "x" * 43, "auth_unknown"),
        ("Bearer " + "'; DROP TABLE tokens; --------".replace(" ", "+"), "auth_unknown"),
    ],
)
def test_bad_credentials_are_told_apart_on_record_but_not_believed(
    client: FlaskClient, admin: FlaskClient, header: str, code: str
) -> None:
    answer = client.get("/files", headers={"Authorization": header})

    assert (answer.status_code, answer.get_json()["code"]) == (401, code)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert header[7:] == "" or header[7:] not in answer.text
    assert events(admin, "file:list")[0]["error_type"] == code


def test_unknown_and_nearly_right_tokens_get_the_same_answer(app: Flask) -> None:
    token = new_token(app, "alice")
    wrong = token[:-1] + ("a" if token[-1] != "a" else "b")

    bodies = []
    for guess in (wrong, "fwb_" + "z" * 43):
        body = client_of(app, guess).get(ME).get_json()
        body.pop("request_id")
        bodies.append(body)

    assert bodies[0] == bodies[1]


@pytest.mark.parametrize(
    "query", ["token={}", "access_token={}", "api_key={}", "x={}", "%74oken=short", "a=1&TOKEN=x"]
)
def test_a_credential_in_a_query_string_is_refused(app: Flask, query: str) -> None:
    token = new_token(app, "alice")

    answer = client_of(app, token).get("/files?" + query.format(token))

    assert (answer.status_code, answer.get_json()["code"]) == (401, "auth_malformed")
    assert token not in answer.text


def test_the_last_use_is_noted_and_reaches_the_list(app: Flask, admin: FlaskClient, user_id: int) -> None:
    made = admin.post(TOKENS, json={"user_id": user_id}).get_json()
    client = client_of(app, made["token"])
    gate = Parts(app).gate

    client.get(ME)
    write_last_use(Parts(app).database, gate.last_use)
    client.get(ME)

    assert gate.last_use.take() == {}, "a second use within the minute writes nothing"
    noted = admin.get(f"{TOKENS}?user_id={user_id}").get_json()["tokens"][0]
    assert noted["last_used_at"] >= noted["created_at"]

    late = LastUse()  # another process's, which brings an earlier use later
    late.note(noted["id"], 60_000_000)
    write_last_use(Parts(app).database, late)
    assert admin.get(f"{TOKENS}?user_id={user_id}").get_json()["tokens"] == [noted]


def test_a_last_use_that_could_not_be_written_is_written_later(app: Flask) -> None:
    database, uses = Parts(app).database, LastUse()
    uses.note(1, 60_000_000)
    uses.note(2, 60_000_000)

    with database.begin() as connection:
        connection.execute(text("ALTER TABLE tokens RENAME TO away"))
    with pytest.raises(DBAPIError):
        write_last_use(database, uses)
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO tokens"))
    uses.note(2, 180_000_000)

    assert uses.take() == {1: 60_000_000, 2: 180_000_000}


def test_a_token_that_is_called_like_the_first_administrators_is_not_it(
    app: Flask, admin: FlaskClient, user_id: int
) -> None:
    other = admin.post(TOKENS, json={"user_id": user_id, "name": "first-admin"}).get_json()
    database = Parts(app).database

    with database.begin() as connection:
        give_first_admin(connection, "fwb_another-first-administrators-token")
    stood = first_admin_stands(database, "")
    with database.begin() as connection:
        connection.execute(update(tokens).where(tokens.c.user_id == 1).values(revoked_us=1))

    assert client_of(app, other["token"]).get(ME).status_code == 200
    assert (stood, first_admin_stands(database, "")) == (True, False)


def test_every_change_is_on_record_with_who_did_it(admin: FlaskClient, user_id: int) -> None:
    made = admin.post(TOKENS, json={"user_id": user_id}).get_json()["details"]["id"]
    admin.post(f"{TOKENS}/{made}/rotate", json={})

    rotated = events(admin, "token:rotate")[0]

    assert (rotated["username"], rotated["status"], rotated["resource_type"]) == ("admin", "success", "user")
    assert events(admin, "token:create")[0]["details"] == {"user_id": user_id, "name": ""}
