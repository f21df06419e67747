"""Uploads with an Idempotency-Key: repeated, they leave one file, one upload on record and one answer."""

import base64
import hashlib
import io
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from filewallball.access.quotas import address_principal
from filewallball.access.tables import quotas
from filewallball.files.tables import files
from filewallball.idempotency.tables import idempotency_keys
from filewallball.recording.tables import audit_log
from harness.parts import Parts
from tests.access.people import client_of, new_token

KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"
CONTENT = b"a letter"
Operations = Callable[[], list[Any]]


def put(
    client: FlaskClient,
    key: str = KEY,
    content: bytes = CONTENT,
    path: str = "letter.txt",
    content_digest: str = "",
) -> TestResponse:
    headers = {"Content-Digest": content_digest} if content_digest else {}
    return client.put(f"/upload/{path}", data=content, headers={"Idempotency-Key": key, **headers})


def post(client: FlaskClient, key: str = KEY, content: bytes = CONTENT, **options: str) -> TestResponse:
    form = {"file": (io.BytesIO(content), "letter.txt"), **options}
    return client.post("/upload", data=form, headers={"Idempotency-Key": key})


def stored(app: Flask) -> list[str]:
    return list(Parts(app).database.scalars(select(files.c.file_id)))


def recorded(rows: list[Any]) -> list[tuple[str, str, str]]:
    return [(row.action, row.status, row.error_type) for row in rows]


@pytest.mark.parametrize("send", [put, post])
def test_a_repetition_is_answered_byte_for_byte_and_stores_nothing(
    app: Flask, client: FlaskClient, operations: Operations, send: Callable[..., TestResponse]
) -> None:
    first = send(client)
    answers = [send(client), send(client, f'"{KEY}"')]

    assert first.status_code == 201
    assert "Idempotency-Replayed" not in first.headers
    assert first.get_json()["delete_token"]
    for answer in answers:
        assert (answer.status_code, answer.data) == (201, first.data)
        assert answer.headers["Idempotency-Replayed"] == "true"
        assert answer.headers["Location"] == first.headers["Location"]
        assert answer.headers["Content-Type"] == first.headers["Content-Type"]
    assert stored(app) == [first.get_json()["file_id"]]
    assert not list(Parts(app).store.staging.iterdir())
    rows = operations()
    assert recorded(rows) == [("file:upload", "success", ""), *[("file:replay", "success", "")] * 2]
    assert {(row.resource_type, row.resource_id) for row in rows} == {("file", stored(app)[0])}
    assert [line.text for line in Parts(app).reconciliation.lines() if not line.agrees] == []


def test_an_answer_under_a_key_is_like_one_without(client: FlaskClient) -> None:
    keyed, plain = put(client), client.put("/upload/letter.txt", data=CONTENT)

    varying = ("file_id", "delete_token", "upload_time", "is_duplicate")
    bodies = [answer.get_json() for answer in (keyed, plain)]
    assert list(bodies[0]) == list(bodies[1])
    for body in bodies:
        for name, value in list(body.items()):
            if name in varying or name.endswith("_url"):
                assert isinstance(value, str | bool | None)
                del body[name]
    assert bodies[0] == bodies[1]
    assert len(keyed.data.splitlines()) == len(plain.data.splitlines())
    assert keyed.headers["Content-Type"] == plain.headers["Content-Type"]


def test_a_file_deleted_meanwhile_still_has_its_answer_and_stays_deleted(
    app: Flask, client: FlaskClient
) -> None:
    first = put(client)
    file = first.get_json()
    client.delete(f"/files/{file['file_id']}", headers={"X-Delete-Token": file["delete_token"]})

    answer = put(client)

    assert (answer.status_code, answer.data) == (201, first.data)
    assert client.get(file["download_url"]).status_code == 404
    assert len(stored(app)) == 1


@pytest.mark.parametrize(
    "other",
    [
        *({"content": b"another letter"}, {"path": "note.txt"}, {"path": "letter.txt?visibility=public"}),
        *({"path": "letter.txt?expires_in=1h"}, {"path": "letter.txt?description=mine"}),
    ],
)
def test_the_same_key_for_something_else_is_refused(
    app: Flask, client: FlaskClient, operations: Operations, other: dict[str, Any]
) -> None:
    put(client)

    answer = put(client, **other)

    assert (answer.status_code, answer.get_json()["code"]) == (422, "idempotency_key_reused")
    assert len(stored(app)) == 1
    assert recorded(operations())[1:] == [("file:upload", "failed", "idempotency_key_reused")]


def test_what_does_not_change_the_file_may_differ(client: FlaskClient) -> None:
    first = put(client)
    digest = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()

    for answer in (
        put(client, content_digest=f"sha-256=:{digest}:"),
        put(client, path=f"letter.txt?sha256={hashlib.sha256(CONTENT).hexdigest()}"),
        put(client, path="letter.txt?visibility=unlisted"),
        post(client),
    ):
        assert (answer.status_code, answer.data) == (201, first.data)


def test_a_repetition_with_broken_bytes_is_not_answered_as_the_first(client: FlaskClient) -> None:
    put(client)

    answer = put(client, content=b"a lettes", path=f"letter.txt?sha256={hashlib.sha256(CONTENT).hexdigest()}")

    assert (answer.status_code, answer.get_json()["code"]) == (422, "digest_mismatch")


@pytest.mark.parametrize(
    ("settings", "refused", "code"),
    [
        ({"BLOCKED_FILE_TYPES": "image/gif"}, {"content": b"GIF89a\x01\x00\x01\x00"}, "invalid_file_type"),
        ({"MAX_UPLOAD_SIZE": "100"}, {"content": b"x" * 101}, "file_too_large"),
        ({}, {"path": f"letter.txt?sha256={'0' * 64}"}, "digest_mismatch"),
        ({}, {"path": "letter.txt?visibility=private"}, "validation_error"),
        ({"QUOTA_ANONYMOUS_BYTES": "100"}, {"content": b"x" * 101}, "quota_exceeded"),
    ],
)
def test_a_refusal_frees_the_key(
    set_config: Callable[..., Flask], settings: dict[str, str], refused: dict[str, Any], code: str
) -> None:
    app = set_config(**settings)
    client = app.test_client()

    assert put(client, **refused).get_json()["code"] == code
    answer = put(client)

    assert answer.status_code == 201
    assert "Idempotency-Replayed" not in answer.headers
    assert len(stored(app)) == 1


def test_a_repetition_charges_no_quota_even_where_it_is_used_up(set_config: Callable[..., Flask]) -> None:
    app = set_config(QUOTA_ANONYMOUS_FILES="1")
    client = app.test_client()
    first = put(client)

    assert put(client).data == first.data
    assert put(client, str(uuid.uuid4())).get_json()["code"] == "quota_exceeded"
    used = select(quotas.c.used_files).where(quotas.c.principal == address_principal("127.0.0.1"))
    assert Parts(app).database.scalar(used) == 1


def test_a_repetition_counts_to_the_rate_limit(set_config: Callable[..., Flask]) -> None:
    client = set_config(RATELIMIT_UPLOAD="2/minute").test_client()

    assert [put(client).status_code for _ in range(3)] == [201, 201, 429]


def test_a_key_is_the_principals_own(app: Flask, client: FlaskClient) -> None:
    callers = [
        *(client, client_of(app, address="192.0.2.8"), client_of(app, address="2001:db8::1")),
        *(client_of(app, new_token(app, name)) for name in ("anna", "berta")),
    ]

    answers = [put(caller).get_json() for caller in callers]
    answers.append(put(client_of(app, address="2001:db8::2")).get_json())  # the same network

    assert len({answer["file_id"] for answer in answers}) == len(callers)
    assert answers[-1] == answers[2]


def test_a_private_file_is_answered_again_to_its_owner(app: Flask) -> None:
    owner = client_of(app, new_token(app, "anna"))
    first = put(owner, "1", path="letter.txt?visibility=private")

    assert put(owner, "1", path="letter.txt?visibility=private").data == first.data
    assert first.get_json()["delete_token"] is None


@pytest.mark.parametrize("key", ["1", "", "a b", '"open', "1700000000000", "a" * 300])
def test_a_key_that_is_none_or_may_be_guessed_is_refused_before_the_body(
    app: Flask, client: FlaskClient, key: str
) -> None:
    answer = put(client, key)

    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_error")
    assert list(answer.get_json()["errors"]) == ["Idempotency-Key"]
    assert stored(app) == []


def test_neither_key_nor_delete_token_can_be_read_in_the_database(app: Flask, client: FlaskClient) -> None:
    token = put(client).get_json()["delete_token"]
    put(client)
    database = Parts(app).database
    Parts(app).shipper.flush(seconds=60)

    kept = [
        repr(tuple(row))
        for table in (idempotency_keys, files, audit_log)
        for row in database.rows(select(table))
    ]

    assert len(kept) >= 4
    assert not [row for row in kept if token in row or KEY in row]


def test_an_upload_without_a_key_asks_the_database_nothing_more(app: Flask, client: FlaskClient) -> None:
    statements: list[str] = []
    database = Parts(app).database
    for engine in {database._writer, database._reader}:
        event.listen(engine, "before_cursor_execute", lambda *told: statements.append(told[2]))

    assert client.put("/upload/letter.txt", data=CONTENT).status_code == 201
    plain = list(statements)
    assert put(client, content=b"another").status_code == 201

    assert not [statement for statement in plain if "idempotency" in statement]
    assert [statement for statement in statements if "idempotency" in statement]
