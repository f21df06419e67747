"""Files of an earlier release, whose blobs lie in `ab/cd/`, are served, shared, checked and removed like new ones."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from filewallball.clock import now_us
from filewallball.files.scrub import Pace, Scrub
from filewallball.files.sweep import Sweep
from filewallball.files.tables import blobs
from filewallball.recording.caller import SYSTEM
from filewallball.recording.operations import operation
from filewallball.registry import part
from harness.parts import Parts
from tests.fixtures.earlier_layout import lay_out_as_before


@pytest.fixture
def parts(app: Flask) -> Parts:
    return Parts(app)


@pytest.fixture
def file(client: FlaskClient, parts: Parts) -> dict[str, Any]:
    """A file that an earlier release stored."""
    uploaded = _upload(client, b"kept" * 1000)
    (path,) = lay_out_as_before(parts)
    assert path.startswith(f"{uploaded['file_hash'][:2]}/{uploaded['file_hash'][2:4]}/")
    return uploaded


def test_it_is_sent_whole_and_in_part(client: FlaskClient, file: dict[str, Any]) -> None:
    address = f"/download/{file['file_id']}"

    assert client.get(address).data == b"kept" * 1000
    part = client.get(address, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.data) == (206, b"kept")


def test_the_same_bytes_again_share_its_blob(client: FlaskClient, parts: Parts, file: dict[str, Any]) -> None:
    again = _upload(client, b"kept" * 1000)

    (path,) = parts.store.blobs()
    assert path.count("/") == 2
    assert client.get(f"/download/{again['file_id']}").data == b"kept" * 1000


def test_the_same_bytes_replace_what_was_lost_of_it(
    client: FlaskClient, parts: Parts, file: dict[str, Any]
) -> None:
    (path,) = parts.store.blobs()
    parts.store.remove(path)

    _upload(client, b"kept" * 1000)

    assert client.get(f"/download/{file['file_id']}").data == b"kept" * 1000
    assert parts.database.scalars(select(blobs.c.path)) == list(parts.store.blobs())
    assert next(parts.store.blobs()).startswith("00000001/")


def test_its_bytes_go_after_the_file(client: FlaskClient, parts: Parts, file: dict[str, Any]) -> None:
    headers = {"X-Delete-Token": file["delete_token"]}
    assert client.delete(f"/files/{file['file_id']}", headers=headers).status_code == 204

    sweep = _sweep(parts)
    sweep.run()
    sweep.run()

    assert list(parts.store.blobs()) == []
    assert parts.database.scalars(select(blobs.c.id)) == []


def test_litter_beside_it_is_cleared_and_it_stays(parts: Parts, file: dict[str, Any]) -> None:
    (path,) = parts.store.blobs()
    orphan = parts.store.blobs_root / "ab" / "cd" / f"abcd{'0' * 60}.{'1' * 16}"
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"half")

    assert _sweep(parts).clear_litter() == 1

    assert list(parts.store.blobs()) == [path]


def test_it_is_scrubbed(client: FlaskClient, app: Flask, parts: Parts, file: dict[str, Any]) -> None:
    _upload(client, b"new")
    assert _scrubbed(app) == (2, 0)

    (path,) = (path for path in parts.store.blobs() if path.count("/") == 2)
    location = parts.store.blobs_root / path
    location.write_bytes(location.read_bytes()[::-1])

    assert _scrubbed(app) == (2, 1)


def test_reconciliation_finds_both_layouts(client: FlaskClient, parts: Parts, file: dict[str, Any]) -> None:
    _upload(client, b"new")

    (line,) = (line for line in parts.reconciliation.lines() if line.name == "files table and disk")

    assert str(line) == "ok      files table and disk: 2 blobs"


def _upload(client: FlaskClient, content: bytes) -> dict[str, Any]:
    uploaded: dict[str, Any] = client.put("/upload/a.bin", data=content).get_json()
    return uploaded


def _sweep(parts: Parts) -> Sweep:
    begin = lambda action, file_id: operation(parts.ledger, action, SYSTEM, resource_id=file_id)  # noqa: E731
    return Sweep(parts.database, parts.store, begin)


def _scrubbed(app: Flask) -> tuple[int, int]:
    return part(Scrub, app).run(before_us=now_us(), pace=Pace())
