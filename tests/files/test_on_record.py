"""Whatever is done to a file, and whatever is refused, is on record with the file's name."""

import json
from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from filewallball.files.sweep import Sweep
from filewallball.files.tables import files
from filewallball.recording.caller import SYSTEM
from filewallball.recording.operations import operation
from harness.parts import Parts
from tests.files.test_quarantine import DISGUISED
from tests.files.test_upload import post


def test_a_refused_upload_is_on_record_with_its_name_and_the_bytes_that_came(
    set_config: Callable[..., Flask], operations: Callable[[], list[Any]]
) -> None:
    client = set_config(MAX_UPLOAD_SIZE="1KB").test_client()
    strangers = set_config(ANONYMOUS_ROLE="guest").test_client()

    post(client, content=b"x" * 1025, name="streamed.bin")
    post(client, content=b"x" * 9, name="twice.txt", sha256="0" * 64)
    client.put("/upload/raw.txt", data=b"x" * 7, headers={"Content-Digest": "sha-256=:AAAA:"})
    client.put("/upload/declared.bin", data=b"x" * 1025)
    strangers.put("/upload/denied.bin", data=b"x" * 7)

    rows = [(row.status, json.loads(row.details)["filename"], row.file_size) for row in operations()]
    assert rows == [
        ("failed", "streamed.bin", 1025),
        ("failed", "twice.txt", 9),
        ("failed", "raw.txt", 7),
        ("failed", "declared.bin", 0),
        ("denied", "denied.bin", 0),
    ]


def test_whatever_is_done_to_a_file_is_on_record_with_its_name(
    client: FlaskClient, operations: Callable[[], list[Any]]
) -> None:
    kept = post(client).get_json()
    url = f"/files/{kept['file_id']}"
    for path in (kept["download_url"], kept["view_url"], url):
        client.get(path)
    client.head(kept["download_url"])
    client.delete(url)
    client.delete(url, headers={"X-Delete-Token": kept["delete_token"]})
    client.get(url)

    rows = [(row.action, row.status, json.loads(row.details)["filename"]) for row in operations()]

    assert [row[:2] for row in rows] == [
        ("file:upload", "success"),
        ("file:download", "success"),
        ("file:view", "success"),
        ("file:describe", "success"),
        ("file:check", "success"),
        ("file:delete", "denied"),
        ("file:delete", "success"),
        ("file:describe", "failed"),
    ]
    assert {name for _, _, name in rows} == {"photo.png"}


def test_what_keeps_or_ends_a_file_is_on_record_with_its_sha256(
    client: FlaskClient, admin: FlaskClient, app: Flask, operations: Callable[[], list[Any]]
) -> None:
    parts, lived = Parts(app), post(client).get_json()
    client.delete(f"/files/{lived['file_id']}")
    client.delete(f"/files/{lived['file_id']}", headers={"X-Delete-Token": lived["delete_token"]})
    purged = client.put("/upload/holiday.png", data=DISGUISED).get_json()
    admin.delete(f"/api/v1/quarantine/{purged['file_id']}")
    expired = client.put("/upload/a.txt?expires_in=60", data=b"short-lived").get_json()
    with parts.database.begin() as connection:
        connection.execute(update(files).where(files.c.file_id == expired["file_id"]).values(expires_us=1))
    begin = lambda action, file_id: operation(parts.ledger, action, SYSTEM, resource_id=file_id)  # noqa: E731
    Sweep(parts.database, parts.store, begin).expire_files()

    rows = [(row.action, row.status, json.loads(row.details).get("sha256")) for row in operations()]

    assert rows == [
        ("file:upload", "success", lived["file_hash"]),
        ("file:delete", "denied", lived["file_hash"]),
        ("file:delete", "success", lived["file_hash"]),
        ("file:upload", "success", purged["file_hash"]),
        ("file:delete", "success", purged["file_hash"]),
        ("file:upload", "success", expired["file_hash"]),
        ("file:expire", "success", expired["file_hash"]),
    ]
