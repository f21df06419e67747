"""The quota that uploads count towards, the people that they belong to, and the limits on them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from filewallball.access.tables import tokens
from filewallball.clock import now_us
from filewallball.files.resumable.sweep import UploadGauges, UploadSweep
from filewallball.files.resumable.tables import uploads
from filewallball.registry import part
from harness.parts import Parts
from tests.access.people import client_of, new_token
from tests.conftest import ADMIN_TOKEN
from tests.files.resumable.in_process import (
    HOUR_US,
    VERSION,
    begin,
    change,
    create,
    head,
    patch,
    seen,
    segments,
)

Set = Callable[..., Flask]
Recorded = Callable[[], list[Any]]


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


def test_those_that_begin_at_once_are_counted_too(set_config: Set) -> None:
    app = set_config(UPLOADS_PER_CLIENT="3")

    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: create(app.test_client(), 3).status_code, range(16)))

    assert sorted(answers) == [201] * 3 + [403] * 13


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
