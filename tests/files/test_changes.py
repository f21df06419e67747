"""`PATCH /files/{file_id}`: who may change what, what is refused, what is on record, and what readers see."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from filewallball.clock import now_us, parse_moment, rfc3339
from filewallball.files.tables import files
from harness.parts import Parts
from harness.servers import Redis
from tests.access.people import client_of, new_token
from tests.files.kept import AS_ADMIN, keep, listed


@pytest.fixture
def owner(app: Flask) -> FlaskClient:
    """A client with a user's token."""
    return client_of(app, new_token(app, "owner"))


def change(client: FlaskClient, file: dict[str, Any], body: Any, status: int = 200, **headers: str) -> Any:
    answer = client.patch(f"/files/{file['file_id']}", json=body, headers=headers)
    assert answer.status_code == status, answer.get_json()
    return answer.get_json()


def test_an_owner_changes_everything_but_the_bytes(owner: FlaskClient) -> None:
    file = keep(owner, b"words", "old.txt", visibility="public")
    wanted = {"file_name": "새 이름.txt", "description": "둘", "visibility": "private", "expires_in": "2h"}

    changed = change(owner, file, wanted)

    assert changed == owner.get(f"/files/{file['file_id']}").get_json()
    assert (changed["filename"], changed["description"]) == ("새 이름.txt", "둘")
    assert changed["visibility"] == "private"
    assert abs(parse_moment(changed["expires_at"]) - now_us() - 7200 * 10**6) < 600 * 10**6
    same = ("file_id", "file_hash", "file_size", "mime_type", "claimed_type", "upload_time")
    assert {name: changed[name] for name in same} == {name: file[name] for name in same}
    sent = owner.get(file["download_url"])
    assert sent.data == b"words"
    assert "%EC%83%88" in sent.headers["Content-Disposition"]


def test_what_is_left_out_stays(owner: FlaskClient) -> None:
    file = keep(owner, name="a.txt", visibility="public", description="one", expires_in="1d")
    path = f"/files/{file['file_id']}"
    before = owner.get(path).get_json()

    for body in ({}, {"description": "one"}, {"visibility": "public"}):
        assert change(owner, file, body) == before


def test_null_means_never(owner: FlaskClient) -> None:
    file = keep(owner, name="a.txt", expires_in="1d")
    moment = rfc3339(now_us() + 10**12)

    assert change(owner, file, {"expires_in": None})["expires_at"] is None
    assert change(owner, file, {"expires_at": moment})["expires_at"] == moment
    assert change(owner, file, {"expires_at": None})["expires_at"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"visibility": "secret"}, "visibility"),
        ({"visibility": None}, "visibility"),
        ({"description": "x" * 1001}, "description"),
        ({"file_name": ""}, "file_name"),
        ({"file_name": 7}, "file_name"),
        ({"expires_in": "-1"}, "expires_in"),
        ({"expires_in": "11y"}, "expires_in"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "9000-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"expires_at": 4102444800}, "expires_at"),
        ({"expires_at": None, "expires_in": "1d"}, "expires_at"),
        ({"file_hash": "00"}, "file_hash"),
        ({"owner_id": 1}, "owner_id"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    owner: FlaskClient, body: dict[str, Any], field: str
) -> None:
    file = keep(owner, name="a.txt", visibility="public")

    refused = change(owner, file, {"description": "also", **body}, 422)

    assert list(refused["errors"]) == [field]
    assert owner.get(f"/files/{file['file_id']}").get_json()["description"] == file["description"]


def test_only_the_owner_and_administrators_may(app: Flask, client: FlaskClient, owner: FlaskClient) -> None:
    other = client_of(app, new_token(app, "other"))
    public = keep(owner, visibility="public")
    private = owner.put("/upload/a.txt?visibility=private", data=b"words").get_json()
    nobodys = keep(client, visibility="public")
    body = {"description": "mine now"}

    for who, expected in ((client, (401, 404)), (other, (403, 404)), (owner, (200, 200))):
        assert [
            who.patch(f"/files/{file['file_id']}", json=body).status_code for file in (public, private)
        ] == list(expected)
    token = {"X-Delete-Token": nobodys["delete_token"]}
    assert client.patch(f"/files/{nobodys['file_id']}", json=body, headers=token).status_code == 401
    for file in (public, private, nobodys):
        assert change(client, file, body, 200, **AS_ADMIN)["description"] == "mine now"


def test_a_file_of_nobody_does_not_become_private(client: FlaskClient) -> None:
    file = keep(client, visibility="public")

    refused = change(client, file, {"visibility": "private"}, 422, **AS_ADMIN)

    assert list(refused["errors"]) == ["visibility"]


def test_what_has_ended_cannot_be_changed(app: Flask, owner: FlaskClient) -> None:
    deleted, expired = keep(owner), keep(owner)
    owner.delete(f"/files/{deleted['file_id']}")
    with Parts(app).database.begin() as connection:
        connection.exec_driver_sql(f"UPDATE files SET expires_us = 1 WHERE file_id = '{expired['file_id']}'")

    change(owner, deleted, {"expires_in": None}, 404)
    change(owner, expired, {"expires_in": None}, 410)


def test_old_and_new_values_are_on_record(owner: FlaskClient, operations: Callable[[], list[Any]]) -> None:
    file = keep(owner, name="a.txt", visibility="public", description="one")
    change(owner, file, {"file_name": "b.txt", "visibility": "public", "description": "two"})
    change(owner, file, {"visibility": "secret"}, 422)

    done, refused = [row for row in operations() if row.action == "file:update"]

    details = json.loads(done.details)
    assert details["changes"] == {
        "file_name": {"old": "a.txt", "new": "b.txt"},
        "description": {"old": "one", "new": "two"},
    }
    assert (done.resource_id, done.status, done.username) == (file["file_id"], "success", "owner")
    assert (refused.status, refused.error_type) == ("failed", "validation_error")


def test_a_deceptive_name_is_made_safe_and_noted(
    owner: FlaskClient, operations: Callable[[], list[Any]]
) -> None:
    file = keep(owner, b"words", "a.txt")

    changed = change(owner, file, {"file_name": "../etc/\u202egpj.exe"})

    assert changed["filename"] == "__etc__gpj.exe"
    (row,) = [row for row in operations() if row.action == "file:update"]
    assert json.loads(row.details)["suspicion"] == ["bidi_override", "path_traversal"]


def test_a_change_is_searched_and_listed_at_once(owner: FlaskClient, client: FlaskClient) -> None:
    file = keep(owner, name="hidden.txt")

    assert listed(client, "name=SHOWN") == []
    change(owner, file, {"file_name": "Shown.txt", "visibility": "public"})
    assert listed(client, "name=SHOWN") == ["Shown.txt"]


def test_no_change_overwrites_one_that_its_sender_has_not_seen(owner: FlaskClient) -> None:
    file = keep(owner, name="a.txt")
    path = f"/files/{file['file_id']}"
    seen = owner.get(path).headers["ETag"]

    first = owner.patch(path, json={"description": "one"}, headers={"If-Match": seen})
    second = owner.patch(path, json={"description": "two"}, headers={"If-Match": seen})
    third = owner.patch(path, json={"description": "two"}, headers={"If-Match": first.headers["ETag"]})

    assert [answer.status_code for answer in (first, second, third)] == [200, 412, 200]
    assert owner.get(path).headers["ETag"] == third.headers["ETag"] != seen
    for value, status in (("*", 200), ("", 412), (f"W/{third.headers['ETag']}", 412), ("nonsense", 412)):
        answer = owner.patch(path, json={"description": "three"}, headers={"If-Match": value})
        assert answer.status_code == status, value
    assert owner.delete(path, headers={"If-Match": "*"}).status_code == 412


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_cache_serves_what_became_private(set_config: Callable[..., Flask], redis_server: Redis) -> None:
    app, other = (set_config(REDIS_URL=redis_server.url) for _ in range(2))
    owner = client_of(app, new_token(app, "owner"))
    file = keep(owner, name="a.txt", visibility="public")
    stranger = other.test_client()
    assert [stranger.get(file["download_url"]).status_code for _ in range(2)] == [200, 200]

    change(owner, file, {"visibility": "private", "file_name": "b.txt"})

    assert stranger.get(file["download_url"]).status_code == 404
    assert "b.txt" in owner.get(file["download_url"]).headers["Content-Disposition"]


@pytest.mark.parametrize("names", [["b.txt"], ["b.txt", "c.txt", "b.txt"], ["fwb_abcdefghijklmnop.txt"]])
def test_a_renamed_file_agrees_with_its_record_and_one_that_was_tampered_with_does_not(
    app: Flask, owner: FlaskClient, names: list[str]
) -> None:
    file = keep(owner, b"words", "a.txt")
    for name in names:
        change(owner, file, {"file_name": name})
        change(owner, file, {"description": f"once {name}"})
    assert _differing(app) == []

    with Parts(app).database.begin() as connection:
        connection.execute(update(files).values(filename="forged.txt"))

    assert f"name of {file['file_id']} changed" in _differing(app)[0]


def _differing(app: Flask) -> list[str]:
    """What reconciliation finds wrong with the rows of files."""
    assert Parts(app).shipper.flush(seconds=60)
    lines = Parts(app).reconciliation.lines()
    return [line.text for line in lines if line.name == "audit log and files table" and not line.agrees]


@pytest.mark.parametrize("policy", ["flag", "quarantine", "reject"])
def test_no_name_gets_a_program_past_the_policy_for_suspicious_uploads(
    set_config: Callable[..., Flask], policy: str
) -> None:
    app = set_config(SUSPICIOUS_UPLOADS=policy, BLOCKED_FILE_TYPES="video/*")
    owner = client_of(app, new_token(app, "owner"))
    program = keep(owner, b"\x7fELF\x02\x01\x01" + bytes(200), "tool.bin", visibility="public")
    script = keep(owner, b"#!/bin/sh\nrm a\n", "a.sh", visibility="public")
    words = keep(owner, b"words", "a.txt", visibility="public")

    for file, name in ((program, "photo.jpg"), (program, "photo.JPG "), (script, "photo.jpg")):
        answer = change(owner, file, {"file_name": name}, 200 if policy == "flag" else 422)
        assert policy == "flag" or answer["code"] == "suspicious_file"
    for file, name in ((program, "other.bin"), (program, "other"), (script, "b.sh"), (words, "a.md")):
        change(owner, file, {"file_name": name})


def test_a_description_keeps_its_lines(owner: FlaskClient) -> None:
    file = keep(owner, name="a.txt", description="one\r\ntwo")
    assert file["description"] == "one\ntwo"

    assert change(owner, file, {"description": "three\n\nfour"}, 200)["description"] == "three\n\nfour"
