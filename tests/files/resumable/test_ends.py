"""The ends of uploads: refusals, expiry, termination and quota, and what all records say of them."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from filewallball.access.tables import tokens
from filewallball.clock import now_us
from filewallball.files.resumable.sweep import UploadGauges, UploadSweep
from filewallball.files.resumable.tables import uploads
from filewallball.registry import part
from harness.parts import Parts
from tests.access.people import client_of, new_token
from tests.conftest import ADMIN_TOKEN

Set = Callable[..., Flask]
Recorded = Callable[[], list[Any]]
VERSION = {"Tus-Resumable": "1.0.0"}
HOUR_US = 3600 * 1_000_000


def create(client: FlaskClient, length: int | None, **values: str) -> TestResponse:
    pairs = [f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items()]
    announced = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
    return client.post("/uploads", headers={**VERSION, **announced, "Upload-Metadata": ",".join(pairs)})


def begin(client: FlaskClient, length: int | None, **values: str) -> str:
    answer = create(client, length, **{"filename": "a.bin", **values})
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def patch(client: FlaskClient, url: str, offset: int, data: bytes) -> TestResponse:
    body = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
    return client.patch(url, data=data, headers={**VERSION, **body})


def head(client: FlaskClient, url: str) -> TestResponse:
    return client.head(url, headers=VERSION)


def change(app: Flask, table: Any, **values: Any) -> None:
    """Set columns of all rows."""
    with Parts(app).database.begin() as connection:
        connection.execute(update(table).values(**values))


def segments(app: Flask) -> list[Path]:
    return [path for path in (Parts(app).store.root / "uploads").rglob("*") if path.is_file()]


def seen(rows: list[Any], action: str) -> list[tuple[str, str]]:
    return [(row.status, row.error_type) for row in rows if row.action == action]


def test_a_finished_upload_is_one_ordinary_file(
    app: Flask, client: FlaskClient, operations: Recorded
) -> None:
    url = begin(client, 6, filename="r\u00e9sum\u00e9.txt", description="d", visibility="public", expires_in="1d")
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

    parts.shipper.flush(seconds=20)
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


def test_what_ended_a_day_ago_is_forgotten(app: Flask, client: FlaskClient) -> None:
    done, open_ = begin(client, 3), begin(client, 3)
    patch(client, done, 0, b"abc")
    with Parts(app).database.begin() as connection:
        connection.execute(
            update(uploads).where(uploads.c.ended_us.is_not(None)).values(ended_us=now_us() - 25 * HOUR_US)
        )

    part(UploadSweep, app).run()

    assert [head(client, url).status_code for url in (done, open_)] == [404, 200]


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


def test_the_quota_counts_what_is_announced_and_gives_it_back(set_config: Set) -> None:
    app = set_config(QUOTA_ANONYMOUS_BYTES="1000", QUOTA_ANONYMOUS_FILES="3")
    client = app.test_client()
    first = begin(client, 600)
    refused = create(client, 600)
    client.delete(first, headers=VERSION)
    second = begin(client, 600)
    assert patch(client, second, 0, b"x" * 600).status_code == 204

    assert (refused.status_code, refused.get_json()["code"]) == (403, "quota_exceeded")
    third = begin(client, 400)
    assert _reconciled(app)
    change(app, uploads, active_us=0)
    part(UploadSweep, app).run()
    assert head(client, third).status_code == 410
    assert _reconciled(app)
    assert create(client, 400).status_code == 201


def test_bytes_of_an_unknown_length_count_as_they_come(set_config: Set) -> None:
    app = set_config(QUOTA_ANONYMOUS_BYTES="1000")
    client = app.test_client()
    url = begin(client, None)
    assert patch(client, url, 0, b"x" * 600).status_code == 204
    assert create(client, 600).status_code == 403

    refused = patch(client, url, 600, b"x" * 600)

    assert (refused.status_code, refused.get_json()["code"]) == (403, "quota_exceeded")
    assert head(client, url).status_code == 410
    assert create(client, 1000).status_code == 201
    assert _reconciled(app)


def test_parts_count_once(set_config: Set) -> None:
    app = set_config(QUOTA_ANONYMOUS_BYTES="1000")
    client = app.test_client()
    made = []
    for _ in range(2):
        answer = client.post(
            "/uploads", headers={**VERSION, "Upload-Length": "500", "Upload-Concat": "partial"}
        )
        patch(client, answer.headers["Location"], 0, b"x" * 500)
        made.append(answer.headers["Location"])

    whole = client.post("/uploads", headers={**VERSION, "Upload-Concat": f"final;{' '.join(made)}"})

    assert whole.status_code == 201, whole.text
    assert _reconciled(app)
    assert create(client, 1).status_code == 403


def _reconciled(app: Flask) -> bool:
    lines = list(Parts(app).reconciliation.lines())
    assert [str(line) for line in lines if not line.agrees and "metrics" not in line.name] == []
    return True


def test_a_client_may_leave_only_so_many_unfinished(set_config: Set) -> None:
    app = set_config(UPLOADS_PER_CLIENT="2")
    client = app.test_client()
    first, _ = begin(client, 3), begin(client, 3)

    refused = create(client, 3)
    patch(client, first, 0, b"abc")

    assert (refused.status_code, refused.get_json()["code"]) == (403, "too_many_uploads")
    assert create(client, 3).status_code == 201


def test_an_upload_belongs_to_the_user_of_its_token(app: Flask) -> None:
    mine, other = (client_of(app, new_token(app, name)) for name in ("mine", "other"))
    nobody = app.test_client()
    url = begin(mine, 6, visibility="private")

    for stranger in (other, nobody, client_of(app, ADMIN_TOKEN)):
        assert head(stranger, url).status_code == 404
        assert patch(stranger, url, 0, b"abc").status_code == 404
    assert other.delete(url, headers=VERSION).status_code == 404
    last = patch(mine, url, 0, b"abcdef")
    assert mine.get(f"/download/{last.headers['X-File-Id']}").data == b"abcdef"
    assert "X-Delete-Token" not in last.headers


def test_users_list_their_own_and_administrators_all_and_may_end_them(app: Flask) -> None:
    mine, other = (client_of(app, new_token(app, name)) for name in ("mine", "other"))
    admin = client_of(app, ADMIN_TOKEN)
    url = begin(mine, 6)
    patch(mine, url, 0, b"abc")
    begin(app.test_client(), 6)
    upload_id = url.rpartition("/")[2]

    listed = mine.get("/api/v1/uploads").get_json()["uploads"]

    assert [(row["upload_id"], row["offset"], row["length"]) for row in listed] == [(upload_id, 3, 6)]
    assert other.get("/api/v1/uploads").get_json()["total"] == 0
    assert admin.get("/api/v1/uploads?size=1").get_json()["total"] == 2
    assert app.test_client().get("/api/v1/uploads").status_code == 401
    assert other.delete(f"/api/v1/uploads/{upload_id}").status_code == 404
    assert admin.delete(f"/api/v1/uploads/{upload_id}").status_code == 204
    assert head(mine, url).status_code == 410


def test_an_expired_token_does_not_end_an_upload_and_a_revoked_one_does(
    app: Flask, operations: Recorded
) -> None:
    client = client_of(app, new_token(app, "mine"))
    url = begin(client, 6)
    change(app, tokens, expires_us=now_us() - 1)
    assert patch(client, url, 0, b"abc").status_code == 204
    assert head(client, url).headers["Upload-Offset"] == "3"
    assert create(client, 3).status_code == 401

    change(app, tokens, revoked_us=now_us())

    assert [head(client, url).status_code, patch(client, url, 3, b"def").status_code] == [410, 410]
    assert ("denied", "auth_revoked") in seen(operations(), "file:upload")
    assert segments(app) == []


def test_no_rate_limit_counts_the_requests_that_go_on(set_config: Set) -> None:
    app = set_config(RATELIMIT_UPLOAD="2/hour", RATELIMIT_API="2/hour")
    client = app.test_client()
    url = begin(client, 30)

    for offset in range(10):
        assert patch(client, url, offset, b"x").status_code == 204
        assert head(client, url).status_code == 200


def test_a_blocked_client_is_told_that_its_upload_is_gone(app: Flask) -> None:
    client, admin = app.test_client(), client_of(app, ADMIN_TOKEN)
    client.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    url = begin(client, 6)
    block = {"network": "198.51.100.0/24", "reason": "test"}
    assert admin.post("/api/v1/access/blocks", json=block).status_code == 201
    Parts(app).gate.blocks.refresh()

    assert head(client, url).status_code == 410
    assert patch(client, url, 0, b"abc").get_json()["code"] == "upload_refused"


def test_metrics_tell_of_uploads_under_way(app: Flask, client: FlaskClient) -> None:
    begin(client, 6)
    patch(client, begin(client, 6), 0, b"abc")
    change(app, uploads, created_us=now_us() - HOUR_US)

    part(UploadGauges, app).refresh()

    gauges = part(UploadGauges, app)
    assert gauges.count == 2
    assert 3600 <= gauges.oldest_seconds < 7200
    text = client.get("/metrics").text
    assert "resumable_uploads_unfinished 2" in text
    assert "resumable_upload_bytes_total 3" in text
