"""A backup that was killed or ran out of space is no backup; the next one succeeds and clears away what it left."""

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from filewallball.backup.manifest import backup_ids, blob_location
from harness.parts import Parts
from harness.waiting import wait_until
from tests.backup.place import Place
from tests.conftest import SEAL_KEY

_REFUSAL = "CREATE TRIGGER refusal BEFORE INSERT ON files BEGIN SELECT RAISE(ABORT, 'no'); END"


def test_a_backup_killed_midway_is_never_listed_and_the_next_one_clears_it_away(
    make_place: Callable[..., Place], folder: Path
) -> None:
    place = make_place(AUDIT_SEAL_KEY=SEAL_KEY).prepare()
    file_id = place.upload(b"content")
    copied = blob_location(folder, hashlib.sha256(b"content").hexdigest())
    # Whoever reads this waits for a writer who never comes, so the backup stands still between content and manifest.
    os.mkfifo(place.data_dir / "audit-key")

    process = place.shell.start("backup", "create", str(folder))
    wait_until(lambda: copied.exists() and partial(folder), 60, "the content is copied")
    listed = place.shell.run("backup", "list", str(folder))
    process.kill()
    process.wait()
    after = place.shell.run("backup", "list", str(folder))
    (place.data_dir / "audit-key").unlink()
    (folder / partial(folder)[0] / "half-a-blob").write_bytes(b"cont")
    place.shell.run("backup", "create", str(folder))

    assert (listed, after) == ("", "")
    assert partial(folder) == []
    assert place.shell.run("backup", "verify", str(folder)).startswith("intact")
    assert place.fetch(file_id) == (200, b"content")


def test_a_full_disk_leaves_no_backup_and_the_next_one_on_a_larger_disk_succeeds(
    place: Place, small_disk: Path
) -> None:
    place.upload(os.urandom(3 * 1024 * 1024))
    folder = small_disk / "backups"

    with pytest.raises(RuntimeError, match="MIN_FREE_SPACE"):
        place.shell.run("backup", "create", "--create", str(folder))
    left = backup_ids(folder), partial(folder)
    subprocess.run(["mount", "-o", "remount,size=16m", small_disk], check=True)
    place.shell.run("backup", "create", str(folder))

    assert left == ([], [])
    assert place.shell.run("backup", "verify", str(folder)).startswith("intact")


def test_a_disk_without_a_byte_is_one_clear_line(place: Place, small_disk: Path) -> None:
    subprocess.run(["dd", "if=/dev/zero", f"of={small_disk}/filler"], check=False, capture_output=True)

    with pytest.raises(RuntimeError, match=r"\nfilewallball: No space left on device\n$"):
        place.shell.run("backup", "create", "--create", str(small_disk / "backups"))

    assert place.shell.run("backup", "list", str(small_disk / "backups")) == ""


def test_a_restore_that_the_database_refuses_leaves_no_bytes(place: Place, folder: Path) -> None:
    file_id = place.upload(b"content")
    place.shell.run("backup", "create", str(folder))
    place.blob_of(hashlib.sha256(b"content").hexdigest()).unlink()
    with Parts(place.app).database.begin() as connection:
        connection.exec_driver_sql(_REFUSAL)

    with pytest.raises(IntegrityError):
        place.shell.run("backup", "restore", "--force", str(folder))
    left = [path for path in (place.data_dir / "storage" / "blobs").rglob("*") if path.is_file()]
    with Parts(place.app).database.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER refusal")
    place.shell.run("backup", "restore", "--force", str(folder))

    assert left == []
    assert place.fetch(file_id) == (200, b"content")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one mebibyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def partial(folder: Path) -> list[str]:
    return [path.name for path in folder.glob(".partial-*")]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("mariadb", marks=pytest.mark.server)])
def test_resumable_uploads_that_are_not_finished_are_left_out_with_what_they_were_charged(
    kind: str, make_place: Callable[..., Place], folder: Path, request: pytest.FixtureRequest
) -> None:
    url = "" if kind == "sqlite" else request.getfixturevalue("mariadb").create_database()
    place = make_place(QUOTA_ANONYMOUS_BYTES="1000", DATABASE_URL=url).prepare()
    place.upload(b"x" * 100)
    tus = {"Tus-Resumable": "1.0.0"}
    begun = place.client.post("/uploads", headers={**tus, "Upload-Length": "800"})
    assert place.client.post("/uploads", headers={**tus, "Upload-Length": "800"}).status_code == 403

    place.shell.run("backup", "create", str(folder))
    place.shell.run("backup", "restore", "--force", str(folder))

    assert place.client.head(begun.headers["Location"], headers=tus).status_code == 404
    assert place.client.post("/uploads", headers={**tus, "Upload-Length": "800"}).status_code == 201
    assert "miscounted" not in place.shell.run("reconcile")
