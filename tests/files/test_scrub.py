"""The scrub finds every byte that changed, puts it on record, and a fresh upload of the same content heals it."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from filewallball.clock import now_us
from filewallball.errors import StoreNotMounted
from filewallball.files.scrub import Pace, Scrub
from filewallball.files.tables import blobs
from filewallball.registry import part
from filewallball.serving import maintenance
from harness.parts import Parts
from harness.waiting import wait_until
from tests.conftest import ADMIN_TOKEN


def test_a_flipped_byte_is_found_put_on_record_and_never_served(client: FlaskClient, app: Flask) -> None:
    sound, damaged = _upload(client, b"sound" * 1000), _upload(client, b"victim" * 1000)
    _flip(_blob(app, damaged["file_hash"]))

    checked, failed = _scrub(app)

    assert (checked, failed) == (2, 1)
    assert client.get(f"/download/{sound['file_id']}").status_code == 200
    refused = client.get(f"/download/{damaged['file_id']}")
    assert (refused.status_code, refused.get_json()["code"]) == (500, "content_damaged")
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    logs = client.get("/api/v1/audit/logs?action=file:scrub", headers=headers).get_json()["logs"]
    assert [(row["resource_id"], row["error_type"]) for row in logs] == [
        (damaged["file_id"], "content_damaged")
    ]


def test_health_is_degraded_while_content_is_damaged_and_the_same_upload_heals_it(
    client: FlaskClient, app: Flask
) -> None:
    damaged = _upload(client, b"victim" * 1000)
    _flip(_blob(app, damaged["file_hash"]))
    _scrub(app)
    wait_until(lambda: _integrity(client) == "degraded", 60, "health tells of the damage")

    _upload(client, b"victim" * 1000)

    assert client.get(f"/download/{damaged['file_id']}").data == b"victim" * 1000
    wait_until(lambda: _integrity(client) == "healthy", 60, "health tells of the healing")


def test_a_lost_file_is_found_but_a_store_that_is_not_mounted_loses_nothing(
    client: FlaskClient, app: Flask
) -> None:
    lost = _upload(client, b"lost")
    root = Parts(app).store.root
    root.rename(root.with_name("elsewhere"))

    jobs = {job.name: job for job in maintenance.slow_jobs(app)}
    with pytest.raises(StoreNotMounted):
        jobs["scrub"].run()
    root.with_name("elsewhere").rename(root)
    _blob(app, lost["file_hash"]).unlink()

    assert _damaged(app) == []
    assert _scrub(app) == (1, 1)
    assert _damaged(app) == [lost["file_hash"]]


def test_only_what_is_due_is_read(client: FlaskClient, app: Flask) -> None:
    old, new = _upload(client, b"old"), _upload(client, b"new")
    with Parts(app).database.begin() as connection:
        connection.execute(update(blobs).where(blobs.c.sha256 == old["file_hash"]).values(verified_us=1))
    for uploaded in (old, new):
        _flip(_blob(app, uploaded["file_hash"]))

    part(Scrub, app).run_slice(interval_us=3_600_000_000, bytes_per_second=10_000_000)

    assert _damaged(app) == [old["file_hash"]]


def _upload(client: FlaskClient, content: bytes) -> dict[str, str]:
    uploaded: dict[str, str] = client.put("/upload/a.bin", data=content).get_json()
    return uploaded


def _scrub(app: Flask) -> tuple[int, int]:
    return part(Scrub, app).run(before_us=now_us(), pace=Pace())


def _blob(app: Flask, sha256: str) -> Path:
    row = Parts(app).database.query(
        lambda connection: connection.execute(select(blobs.c.path).where(blobs.c.sha256 == sha256)).one()
    )
    return Parts(app).store.blobs_root / str(row.path)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _damaged(app: Flask) -> list[str]:
    rows = Parts(app).database.rows(select(blobs.c.sha256).where(blobs.c.damaged_us > 0))
    return [row.sha256 for row in rows]


def _integrity(client: FlaskClient) -> str:
    return str(client.get("/health").get_json()["services"]["storage_integrity"]["status"])
