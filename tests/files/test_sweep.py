"""The sweep: expiry, freeing bytes, clearing litter, and never touching what lives."""

import io
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from filewallball import errors
from filewallball.files.sweep import Sweep
from filewallball.files.tables import blobs, files
from filewallball.filesystem import try_lock
from filewallball.recording.caller import SYSTEM
from filewallball.recording.operations import operation
from filewallball.serving import maintenance
from harness.parts import Parts


@pytest.fixture
def parts(app: Flask) -> Parts:
    """The app's runtime."""
    return Parts(app)


@pytest.fixture
def sweep(parts: Parts) -> Sweep:
    """A sweep over the app's files."""
    begin = lambda action, file_id: operation(parts.ledger, action, SYSTEM, resource_id=file_id)  # noqa: E731
    return Sweep(parts.database, parts.store, begin)


def keep(client: FlaskClient, content: bytes = b"content") -> dict[str, Any]:
    answer = client.post("/upload", data={"file": (io.BytesIO(content), "a.txt")})
    file: dict[str, Any] = answer.get_json()
    return file


def delete(client: FlaskClient, file: dict[str, Any]) -> None:
    headers = {"X-Delete-Token": file["delete_token"]}
    assert client.delete(f"/files/{file['file_id']}", headers=headers).status_code == 204


def blob_rows(parts: Parts) -> Sequence[Any]:
    statement = select(blobs.c.refs, blobs.c.live, blobs.c.path)
    return parts.database.rows(statement)


def test_bytes_go_one_pass_after_their_last_file(client: FlaskClient, parts: Parts, sweep: Sweep) -> None:
    first, second = keep(client), keep(client)
    delete(client, first)
    sweep.run()
    sweep.run()
    assert client.get(second["download_url"]).data == b"content"

    delete(client, second)
    sweep.run()
    assert len(list(parts.store.blobs())) == 1
    sweep.run()

    assert list(parts.store.blobs()) == []
    assert blob_rows(parts) == []


def test_bytes_that_cannot_be_removed_keep_no_others(client: FlaskClient, parts: Parts, sweep: Sweep) -> None:
    for content in (b"a folder by now", b"of a changed row", b"removed"):
        delete(client, keep(client, content))
    folder, changed, _ = (row.path for row in blob_rows(parts))
    (parts.store.blobs_root / folder).unlink()
    (parts.store.blobs_root / folder).mkdir()
    with parts.database.begin() as connection:
        connection.execute(update(blobs).where(blobs.c.path == changed).values(path="../elsewhere"))

    sweep.run()
    sweep.run()

    assert [row.path for row in blob_rows(parts)] == [folder, "../elsewhere"]
    assert list(parts.store.blobs()) == [changed]


def test_litter_that_cannot_be_removed_keeps_no_other(
    client: FlaskClient, parts: Parts, sweep: Sweep
) -> None:
    for content in (b"to be a program", b"litter"):
        keep(client, content)
    program, other = (row.path for row in blob_rows(parts))
    shutil.copy("/bin/sleep", parts.store.blobs_root / program)
    with parts.database.begin() as connection:
        connection.execute(text("DELETE FROM blobs"))

    running = subprocess.Popen([parts.store.blobs_root / program, "600"])  # nobody opens it for writing
    try:
        removed = sweep.clear_litter()
    finally:
        running.kill()
        running.wait()

    assert (removed, parts.store.holds(other, 6)) == (1, False)
    assert list(parts.store.blobs()) == [program]
    assert sweep.clear_litter() == 1


def test_the_same_bytes_uploaded_after_the_condemnation_live_on(
    client: FlaskClient, parts: Parts, sweep: Sweep
) -> None:
    delete(client, keep(client))
    sweep.run()
    again = keep(client)
    sweep.run()
    sweep.run()

    assert again["is_duplicate"] is False
    assert client.get(again["download_url"]).data == b"content"
    assert [(row.refs, row.live) for row in blob_rows(parts)] == [(1, 1)]


def test_the_same_bytes_uploaded_in_the_middle_of_the_condemnation_live_on(
    client: FlaskClient, parts: Parts, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete(client, keep(client))
    find = parts.database.scalars

    def find_and_dawdle(statement: Any) -> Sequence[Any]:
        found = find(statement)
        keep(client)
        return found

    monkeypatch.setattr(parts.database, "scalars", find_and_dawdle)

    assert sweep.condemn_unreferenced() == 0

    assert [(row.refs, row.live) for row in blob_rows(parts)] == [(1, 1)]


def test_expired_files_are_ended_and_on_record(
    client: FlaskClient, parts: Parts, sweep: Sweep, operations: Callable[[], list[Any]]
) -> None:
    file = keep(client)
    with parts.database.begin() as connection:
        connection.execute(update(files).where(files.c.file_id == file["file_id"]).values(expires_us=1))

    for _ in range(3):
        sweep.run()

    assert client.get(file["download_url"]).status_code == 410
    assert list(parts.store.blobs()) == []
    ended = [row for row in operations() if row.action == "file:expire"]
    assert [(row.status, row.resource_id, row.username) for row in ended] == [
        ("success", file["file_id"], "system")
    ]


def test_workers_do_not_sweep_at_once_which_would_fail_expiries(
    client: FlaskClient, parts: Parts, operations: Callable[[], list[Any]]
) -> None:
    keep(client)
    with parts.database.begin() as connection:
        connection.execute(update(files).values(expires_us=1))
    [job] = [job for job in maintenance.host_jobs(parts.app, among_others=True) if job.name == "sweep"]

    with try_lock(parts.settings.data_dir / "sweep.lock") as held:
        assert held
        job.run()
        during = [row.action for row in operations()]
    job.run()

    assert "file:expire" not in during
    assert [row.status for row in operations() if row.action == "file:expire"] == ["success"]


def test_litter_goes_and_uploads_under_way_stay(client: FlaskClient, parts: Parts, sweep: Sweep) -> None:
    kept = keep(client)
    orphan = parts.store.blobs_root / "ab" / "cd" / ("abcd" + "0" * 60 + "." + "1" * 16)
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"nobody knows me")
    with parts.store.stage(max_bytes=100) as staging, parts.store.stage(max_bytes=100) as published:
        staging.write(b"under way")
        published.write(b"about to be committed")
        path = parts.store.publish(published)

        sweep.clear_litter()

        assert not orphan.exists()
        assert staging.location.exists()
        assert path in set(parts.store.blobs())

    sweep.clear_litter()
    assert path not in set(parts.store.blobs())
    assert list(parts.store.staging.iterdir()) == []
    assert client.get(kept["download_url"]).data == b"content"


def test_nothing_is_swept_where_the_store_is_not_mounted(
    client: FlaskClient, parts: Parts, sweep: Sweep
) -> None:
    file = keep(client)
    delete(client, file)
    Path(parts.store.root / ".filewallball-store").unlink()

    with pytest.raises(errors.StoreNotMounted):
        sweep.run()

    assert [row.live for row in blob_rows(parts)] == [1]
