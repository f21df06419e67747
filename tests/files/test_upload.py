"""Uploading: what is kept, what is answered, what is refused, and what each leaves on record."""

import base64
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from harness.parts import Parts
from tests.access.people import client_of, new_token
from tests.conftest import ADMIN_TOKEN

CONTENT = b"\x89PNG\r\n\x1a\n" + b"a small picture" * 100
AS_ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


def post(
    client: FlaskClient, content: bytes = CONTENT, name: str = "photo.png", **options: str
) -> TestResponse:
    return client.post("/upload", data={"file": (io.BytesIO(content), name), **options})


def blobs(app: Flask) -> list[str]:
    return list(Parts(app).store.blobs())


def stages(app: Flask) -> list[Path]:
    return list(Parts(app).store.staging.iterdir())


def test_an_upload_answers_with_everything_about_the_file(client: FlaskClient) -> None:
    answer = post(client, visibility="public", description="from the sea", expires_in="7d")

    assert answer.status_code == 201
    file = answer.json
    assert file is not None
    assert file["filename"] == "photo.png"
    assert file["file_size"] == len(CONTENT)
    assert file["mime_type"] == "image/png"
    assert file["file_hash"] == hashlib.sha256(CONTENT).hexdigest()
    assert file["description"] == "from the sea"
    assert file["expires_at"] > file["upload_time"]
    assert file["upload_time"].endswith("Z")
    assert file["is_duplicate"] is False
    assert file["download_url"] == f"/download/{file['file_id']}"
    assert file["delete_token"]
    assert client.get(file["download_url"]).data == CONTENT


def test_a_raw_body_is_an_upload_too(client: FlaskClient) -> None:
    answer = client.put("/upload/notes.txt?visibility=public", data=b"hello", content_type="text/plain")

    assert answer.status_code == 201
    assert answer.json is not None
    assert answer.json["filename"] == "notes.txt"
    assert answer.json["claimed_type"] == "text/plain"
    assert client.get(answer.json["download_url"]).data == b"hello"


def test_an_empty_file_is_kept(client: FlaskClient) -> None:
    answer = post(client, content=b"", name="empty")

    assert answer.status_code == 201
    assert answer.json is not None
    assert answer.json["file_size"] == 0
    assert client.get(answer.json["download_url"]).data == b""


@pytest.mark.parametrize(
    "name", ["보고서.pdf".encode("euc-kr"), "똠방.pdf".encode("cp949"), "résumé.pdf".encode("latin-1")]
)
def test_a_name_in_another_charset_is_kept_as_a_put_keeps_it(client: FlaskClient, name: bytes) -> None:
    head = b'--B\r\nContent-Disposition: form-data; name="file"; filename="' + name
    body = head + b'"\r\n\r\nx\r\n--B--\r\n'

    form = client.post("/upload", data=body, content_type="multipart/form-data; boundary=B")
    raw = client.put("/upload/" + quote(name), data=b"x")

    assert (form.status_code, raw.status_code) == (201, 201)
    assert form.get_json()["filename"] == raw.get_json()["filename"] == name.decode(errors="replace")
    assert form.get_json()["filename"].endswith(".pdf")


def test_a_hostile_name_is_shown_neutral_and_survives(client: FlaskClient) -> None:
    answer = client.put("/upload/" + '보고서 "최종"%0A%E2%80%AEfdp.exe', data=b"x")

    assert answer.status_code == 201
    assert answer.json is not None
    name = answer.json["filename"]
    assert "보고서" in name
    assert "\n" not in name
    assert "\u202e" not in name


def test_the_same_bytes_are_stored_once(app: Flask, client: FlaskClient) -> None:
    first, second = post(client), post(client, name="copy.png")

    assert first.json is not None
    assert second.json is not None
    assert second.json["is_duplicate"] is True
    assert first.json["file_id"] != second.json["file_id"]
    assert len(blobs(app)) == 1


def test_nobody_learns_that_somebody_elses_private_file_is_here(app: Flask, client: FlaskClient) -> None:
    owner = client_of(app, new_token(app, "owner"))
    owner.put("/upload/a.txt?visibility=private", data=b"a secret")

    probe = client_of(app, address="192.0.2.9").put("/upload/a.txt", data=b"a secret")
    own = owner.put("/upload/b.txt?visibility=private", data=b"a secret")

    assert (probe.get_json()["is_duplicate"], own.get_json()["is_duplicate"]) == (False, True)
    assert len(blobs(app)) == 1


def test_a_duplicate_whose_bytes_were_lost_heals_them(app: Flask, client: FlaskClient) -> None:
    first = post(client)
    store = Parts(app).store
    store.remove(blobs(app)[0])

    second = post(client)

    for answer in (first, second):
        assert answer.json is not None
        assert client.get(answer.json["download_url"]).data == CONTENT


def test_a_file_over_the_limit_leaves_nothing(
    set_config: Callable[..., Flask],
) -> None:
    app = set_config(MAX_UPLOAD_SIZE="1KB")
    client = app.test_client()

    exact, over = post(client, content=b"x" * 1024), post(client, content=b"y" * 1025)
    raw = client.put("/upload/x", data=b"z" * 1025)

    assert exact.status_code == 201
    for answer in (over, raw):
        assert answer.status_code == 413
        assert answer.json is not None
        assert answer.json["code"] == "file_too_large"
    assert len(blobs(app)) == 1
    assert stages(app) == []


@pytest.mark.parametrize("field", ["Content-Digest", "Repr-Digest"])
def test_a_declared_digest_must_match(app: Flask, client: FlaskClient, field: str) -> None:
    right = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()

    good = client.put("/upload/x", data=CONTENT, headers={field: f"sha-256=:{right}:"})
    bad = client.put("/upload/x", data=CONTENT, headers={field: f"sha-256=:{wrong}:"})
    junk = client.put("/upload/x", data=CONTENT, headers={field: "sha-256=nonsense"})

    assert good.status_code == 201
    assert bad.status_code == 422
    assert bad.json is not None
    assert bad.json["code"] == "digest_mismatch"
    assert junk.status_code == 422
    assert len(blobs(app)) == 1


def test_a_sha256_field_must_match(client: FlaskClient) -> None:
    good = post(client, sha256=hashlib.sha256(CONTENT).hexdigest().upper())
    bad = post(client, sha256="0" * 64)
    junk = post(client, sha256="abc")

    assert good.status_code == 201
    assert bad.json is not None
    assert bad.json["code"] == "digest_mismatch"
    assert junk.json is not None
    assert junk.json["errors"] == {"sha256": ["Must be 64 hexadecimal digits."]}


def test_an_executable_is_refused_by_default_and_random_bytes_are_not(
    app: Flask, client: FlaskClient
) -> None:
    executable = post(client, content=Path("/bin/true").read_bytes(), name="holiday.jpg")

    assert executable.status_code == 415
    assert executable.json is not None
    assert executable.json["code"] == "invalid_file_type"
    assert blobs(app) == []
    for seed in range(50):
        content = hashlib.shake_256(bytes([seed])).digest(4096)
        assert post(client, content=content, name="random.bin").status_code == 201


def test_only_allowed_types_pass(set_config: Callable[..., Flask]) -> None:
    client = set_config(ALLOWED_FILE_TYPES="image/*").test_client()

    assert post(client).status_code == 201
    assert post(client, content=b"plain text", name="a.png").status_code == 415


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"file": "not a file"},
        {"other": [b"x"]},
        {"file": [b"x", b"y"]},
        {"file": [b"x"], "visibility": "everybody"},
        {"file": [b"x"], "visibility": ["public", "private"]},
        {"file": [b"x"], "expires_in": "soon"},
        {"file": [b"x"], "visibility": "private"},
    ],
)
def test_bad_input_is_answered_clearly_and_stores_nothing(
    app: Flask, client: FlaskClient, data: dict[str, Any]
) -> None:
    parts = {
        name: [(io.BytesIO(part), name) if isinstance(part, bytes) else part for part in value]
        if isinstance(value, list)
        else value
        for name, value in data.items()
    }
    answer = client.post("/upload", data=parts, content_type="multipart/form-data")

    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["code"] == "validation_error"
    assert blobs(app) == []
    assert stages(app) == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"no boundary"),
        (
            "multipart/form-data; boundary=x",
            b"--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\ncut",
        ),
        ("multipart/form-data; boundary=x", b"junk"),
    ],
)
def test_a_malformed_form_is_a_bad_request(
    app: Flask, client: FlaskClient, content_type: str, body: bytes
) -> None:
    answer = client.post("/upload", data=body, content_type=content_type)

    assert answer.status_code == 400
    assert answer.get_json()["code"] == "bad_request"
    assert stages(app) == []


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain"]
)
def test_another_content_type_is_told_what_to_send(client: FlaskClient, content_type: str) -> None:
    answer = client.post("/upload", data=b"{}", content_type=content_type)

    assert answer.status_code == 415
    assert answer.get_json()["code"] == "unsupported_media_type"
    assert "multipart/form-data" in answer.get_json()["detail"]


def test_each_attempt_is_on_record_once(client: FlaskClient, operations: Callable[[], list[Any]]) -> None:
    kept = post(client)
    post(client, sha256="0" * 64)

    rows = operations()

    assert [(row.action, row.status, row.error_type) for row in rows] == [
        ("file:upload", "success", ""),
        ("file:upload", "failed", "digest_mismatch"),
    ]
    assert kept.json is not None
    assert rows[0].resource_id == kept.json["file_id"]
    assert rows[0].file_size == len(CONTENT)
    assert rows[0].duration_us > 0
    assert json.loads(rows[0].details) == {
        "filename": "photo.png",
        "file_size": len(CONTENT),
        "mime_type": "image/png",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
    }


def test_a_private_file_exists_for_its_owner_alone(client: FlaskClient) -> None:
    answer = client.post(
        "/upload", data={"file": (io.BytesIO(b"mine"), "mine"), "visibility": "private"}, headers=AS_ADMIN
    )

    assert answer.status_code == 201
    assert answer.json is not None
    assert answer.json["delete_token"] is None
    assert client.get(answer.json["download_url"]).status_code == 404
    assert client.get(answer.json["download_url"], headers=AS_ADMIN).data == b"mine"
