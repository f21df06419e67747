"""The ends of uploads: refusals, expiry, termination and quota, and what all records say of them."""

import base64
import hashlib
import io
import json
import uuid
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from filewallball.clock import now_us
from filewallball.files.resumable import receiving
from filewallball.files.resumable.sweep import UploadSweep
from filewallball.files.resumable.tables import uploads
from filewallball.registry import part
from harness.parts import Parts
from tests.access.people import client_of
from tests.conftest import ADMIN_TOKEN
from tests.files.resumable.in_process import HOUR_US, VERSION, begin, change, head, patch, seen, segments
from tests.files.resumable.tus import BYTES

Set = Callable[..., Flask]
Recorded = Callable[[], list[Any]]


def test_a_finished_upload_is_one_ordinary_file(
    app: Flask, client: FlaskClient, operations: Recorded
) -> None:
    url = begin(
        client, 6, filename="r\u00e9sum\u00e9.txt", description="d", visibility="public", expires_in="1d"
    )
    patch(client, url, 0, b"abc")
    last = patch(client, url, 3, b"def")
    described = client.get(f"/files/{last.headers['X-File-Id']}").get_json()

    assert described["filename"] == "r\u00e9sum\u00e9.txt"
    assert (described["description"], described["visibility"]) == ("d", "public")
    assert described["expires_at"] is not None
    assert head(client, url).headers["X-File-Url"] == last.headers["X-File-Url"]
    token = {"X-Delete-Token": last.headers["X-Delete-Token"]}
    assert client.delete(last.headers["X-File-Url"], headers=token).status_code == 204
    rows = operations()
    assert seen(rows, "file:upload") == seen(rows, "upload:create") == [("success", "")]
    assert seen(rows, "upload:append") == []
    assert segments(app) == []


@pytest.mark.parametrize(
    ("settings", "data", "values", "code"),
    [
        ({"ALLOWED_FILE_TYPES": "image/*"}, b"plain text", {}, "invalid_file_type"),
        ({}, b"plain text", {"sha256": "0" * 64}, "digest_mismatch"),
        ({"SUSPICIOUS_UPLOADS": "reject"}, b"#!/bin/sh\nrm a\n", {"filename": "a.jpg"}, "suspicious_file"),
    ],
)
def test_a_final_refusal_is_told_once_and_then_the_upload_is_gone(
    set_config: Set, settings: dict[str, str], data: bytes, values: dict[str, str], code: str
) -> None:
    app = set_config(**settings)
    client = app.test_client()
    url = begin(client, len(data), **values)
    patch(client, url, 0, data[:4])

    refused = patch(client, url, 4, data[4:])

    assert refused.get_json()["code"] == code
    assert head(client, url).status_code == 410
    assert patch(client, url, 4, data[4:]).get_json()["code"] == "upload_refused"
    assert segments(app) == []


def test_the_refusal_is_the_one_row_of_the_upload(set_config: Set) -> None:
    app = set_config(ALLOWED_FILE_TYPES="image/*")
    client, parts = app.test_client(), Parts(app)
    url = begin(client, 4)
    patch(client, url, 0, b"text")

    parts.shipper.flush(seconds=60)
    rows = client_of(app, ADMIN_TOKEN).get("/api/v1/audit/logs?resource_type=file").get_json()["logs"]

    kinds = [(row["action"], row["status"], row["error_type"]) for row in rows]
    assert kinds == [
        ("file:upload", "failed", "invalid_file_type"),
        ("upload:create", "success", ""),
    ]


def test_offset_and_length_are_equal_only_once_there_is_a_file(set_config: Set) -> None:
    """A scanner that is away is no refusal: the client goes on when it is back."""
    app = set_config(SCAN_POLICY="required", CLAMD_ADDRESS="127.0.0.1:1", SCAN_TIMEOUT="1s")
    client = app.test_client()
    url = begin(client, 6)
    patch(client, url, 0, b"abc")

    waits = patch(client, url, 3, b"def")
    told = head(client, url)

    assert (waits.status_code, waits.get_json()["code"]) == (503, "scanner_unavailable")
    assert "Retry-After" in waits.headers
    assert (told.headers["Upload-Offset"], told.headers["Upload-Length"]) == ("5", "6")
    app = set_config()
    assert patch(app.test_client(), url, 5, b"f").status_code == 204
    assert head(app.test_client(), url).headers["Upload-Offset"] == "6"


def test_uploads_without_progress_and_uploads_that_take_too_long_expire(
    app: Flask, client: FlaskClient, operations: Recorded
) -> None:
    idle, endless, living = (begin(client, 6) for _ in range(3))
    for url, columns in ((idle, ("active_us",)), (endless, ("created_us",))):
        patch(client, url, 0, b"abc")
        with Parts(app).database.begin() as connection:
            mine = update(uploads).where(uploads.c.upload_id == url.rpartition("/")[2])
            connection.execute(mine.values(**{name: now_us() - 25 * HOUR_US for name in columns}))

    part(UploadSweep, app).run()

    assert [head(client, url).status_code for url in (idle, endless, living)] == [410, 410, 200]
    assert patch(client, idle, 3, b"def").get_json()["code"] == "upload_expired"
    assert seen(operations(), "file:upload") == [("failed", "upload_expired")] * 2
    assert segments(app) == []
    part(UploadSweep, app).run()
    assert len(seen(operations(), "file:upload")) == 2


def test_a_complete_part_waits_for_the_others_until_it_is_used(app: Flask, client: FlaskClient) -> None:
    as_part = {**VERSION, "Upload-Concat": "partial", "Upload-Length": "3"}
    done, begun = (client.post("/uploads", headers=as_part).headers["Location"] for _ in range(2))
    patch(client, begun, 0, b"d")
    patch(client, done, 0, b"abc")

    change(app, uploads, active_us=now_us() - 2 * HOUR_US)
    part(UploadSweep, app).run()
    assert [head(client, url).status_code for url in (done, begun)] == [200, 410]
    expires = parsedate_to_datetime(head(client, done).headers["Upload-Expires"]).timestamp()
    assert expires * 1e6 > now_us() + 20 * HOUR_US

    made = client.post("/uploads", headers={**VERSION, "Upload-Concat": f"final;{done}"})
    assert made.status_code == 201
    change(app, uploads, active_us=now_us() - 2 * HOUR_US)
    part(UploadSweep, app).run()
    assert head(client, done).status_code == 410


def test_a_part_with_a_checksum_keeps_its_upload_alive_while_it_comes(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "_RECORD_SECONDS", 0)
    data, actives = b"abc" * 100_000, []

    class Slow(io.BytesIO):
        def readinto(self, buffer: Any, /) -> int:
            actives.append(Parts(app).database.scalar(select(uploads.c.active_us)))
            return super().readinto(buffer)

    url = begin(client, 2 * len(data))
    change(app, uploads, active_us=1)
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    headers = {**VERSION, **BYTES, "Upload-Offset": "0", "Upload-Checksum": f"sha256 {digest}"}
    environ = {"wsgi.input": Slow(data), "CONTENT_LENGTH": str(len(data))}

    assert client.patch(url, headers=headers, environ_overrides=environ).status_code == 204

    assert actives[0] == 1 < actives[-1]
    assert actives == sorted(actives)


def test_what_ended_a_day_ago_is_forgotten(app: Flask, client: FlaskClient) -> None:
    done, open_ = begin(client, 3), begin(client, 3)
    patch(client, done, 0, b"abc")
    with Parts(app).database.begin() as connection:
        connection.execute(
            update(uploads).where(uploads.c.ended_us.is_not(None)).values(ended_us=now_us() - 25 * HOUR_US)
        )

    part(UploadSweep, app).run()

    assert [head(client, url).status_code for url in (done, open_)] == [404, 200]


def test_a_key_begins_anew_where_its_upload_is_forgotten(app: Flask, client: FlaskClient) -> None:
    headers = {**VERSION, "Upload-Length": "3", "Idempotency-Key": str(uuid.uuid4())}
    first = client.post("/uploads", headers=headers).headers["Location"]
    patch(client, first, 0, b"abc")
    with Parts(app).database.begin() as connection:
        connection.execute(update(uploads).values(ended_us=now_us() - 25 * HOUR_US))
    part(UploadSweep, app).run()

    again = client.post("/uploads", headers=headers)

    assert again.status_code == 201
    assert "Idempotency-Replayed" not in again.headers
    assert patch(client, again.headers["Location"], 0, b"abc").status_code == 204


def test_segments_of_nobody_are_cleared(app: Flask, client: FlaskClient) -> None:
    url = begin(client, 6)
    patch(client, url, 0, b"abc")
    litter = Parts(app).store.root / "uploads" / ("0" * 32) / "00000000"
    litter.parent.mkdir()
    litter.write_bytes(b"x")

    assert part(UploadSweep, app).clear_litter() == 1
    assert not litter.exists()
    assert patch(client, url, 3, b"def").status_code == 204


def test_a_termination_is_on_record_with_the_upload(
    app: Flask, client: FlaskClient, operations: Recorded
) -> None:
    url = begin(client, 6)
    patch(client, url, 0, b"abc")

    client.delete(url, headers=VERSION)

    rows = operations()
    assert seen(rows, "file:upload") == [("failed", "upload_terminated")]
    assert seen(rows, "upload:terminate") == [("success", "")]
    details = next(json.loads(row.details) for row in rows if row.action == "file:upload")
    assert (details["filename"], details["pauses"]) == ("a.bin", 0)


def test_refused_requests_are_on_record(client: FlaskClient, operations: Recorded) -> None:
    url = begin(client, 6)
    patch(client, url, 2, b"abc")
    head(client, "/uploads/unknown")

    rows = operations()
    assert seen(rows, "upload:append") == [("failed", "offset_mismatch")]
    assert seen(rows, "upload:check") == [("failed", "not_found")]
