"""What backups keep: content that was damaged is named, and pruning removes nothing that may be needed."""

import errno
import gzip
import hashlib
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from filewallball.backup.manifest import (
    BLOBS,
    BackupBroken,
    Manifest,
    backup_ids,
    blob_location,
    digest_of,
    new_id,
    write_manifest,
)
from filewallball.backup.prune import prune_backups
from filewallball.storage.local import LocalStore
from tests.backup.place import Place, blobs, flip


def test_content_that_was_damaged_already_is_named_and_not_backed_up(place: Place, folder: Path) -> None:
    place.upload(b"sound")
    place.upload(b"rotten")
    digest = hashlib.sha256(b"rotten").hexdigest()
    flip(place.blob_of(digest))

    with pytest.raises(RuntimeError, match=digest):
        place.shell.run("backup", "create", str(folder))

    assert not blob_location(folder, digest).exists()
    assert place.shell.run("backup", "verify", str(folder))


def test_content_that_the_disk_does_not_give_is_named_and_the_rest_is_backed_up(
    place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.upload(b"sound")
    place.upload(b"unreadable")
    digest, opened = hashlib.sha256(b"unreadable").hexdigest(), LocalStore.open

    def open_badly(store: LocalStore, path: str) -> BinaryIO:
        # The first page of a process's own memory: reading it fails with EIO, as reading a bad sector does.
        return io.FileIO("/proc/self/mem") if digest in path else opened(store, path)

    monkeypatch.setattr(LocalStore, "open", open_badly)
    with pytest.raises(RuntimeError, match=digest):
        place.shell.run("backup", "create", str(folder))

    assert [path.name for path in blobs(folder)] == [hashlib.sha256(b"sound").hexdigest()]
    assert place.shell.run("backup", "verify", str(folder))


def test_content_that_the_disk_does_not_give_is_brought_back_anew(
    place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = place.upload(b"content")
    place.shell.run("backup", "create", str(folder))

    def fail(path: Path) -> str:
        raise OSError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr("filewallball.backup.restore.digest_of", fail)
    place.shell.run("backup", "restore", "--force", str(folder))

    assert place.fetch(file_id) == (200, b"content")


def test_backups_stay_in_order_after_the_clock_was_set_back(tmp_path: Path) -> None:
    for name in ("before-the-update", "29990101T000000-000000"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").touch()

    assert new_id(tmp_path) == "29990101T000000-000001"


def test_pruning_keeps_the_newest_and_all_that_they_name(place: Place, folder: Path) -> None:
    old_id = place.upload(b"old")
    place.shell.run("backup", "create", str(folder))
    token = f"Bearer {(place.data_dir / 'admin-token').read_text().strip()}"
    place.upload(b"shared")
    place.client.delete(f"/files/{old_id}", headers={"Authorization": token})
    for _ in range(2):
        place.shell.run("backup", "create", str(folder))
    oldest, *newest = backup_ids(folder)

    said = place.shell.run("backup", "prune", str(folder), "--keep", "2")

    assert said == f"removed {oldest}: 1 blobs, 3 bytes\n"
    assert backup_ids(folder) == newest
    assert [path.name for path in blobs(folder)] == [hashlib.sha256(b"shared").hexdigest()]
    assert "nothing" in place.shell.run("backup", "prune", str(folder), "--keep", "2")
    assert newest[0] in place.shell.run("backup", "prune", str(folder), "--older-than", "0")
    assert place.shell.run("backup", "verify", str(folder)).startswith("intact")


def test_pruning_removes_nothing_while_a_backup_that_stays_cannot_be_read(place: Place, folder: Path) -> None:
    place.upload(b"content")
    for _ in range(2):
        place.shell.run("backup", "create", str(folder))
    ids = backup_ids(folder)
    flip(folder / ids[1] / "manifest.json")

    with pytest.raises(RuntimeError, match="nothing was removed"):
        place.shell.run("backup", "prune", str(folder), "--keep", "1")

    assert backup_ids(folder) == ids
    assert len(blobs(folder)) == 1
    with pytest.raises(RuntimeError, match=re.escape("--keep, --older-than")):
        place.shell.run("backup", "prune", str(folder))


@pytest.mark.parametrize("damage", [lambda listing: listing.write_bytes(b""), Path.unlink, flip])
def test_pruning_removes_nothing_while_it_is_unknown_what_a_backup_that_stays_names(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    blob = blob_location(tmp_path, "ab" * 32)
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"content")
    for backup_id in ("older", "newer"):
        listing = tmp_path / backup_id / BLOBS
        listing.parent.mkdir()
        listing.write_bytes(gzip.compress(b'["%s","path",7]\n' % (b"ab" * 32)))
        write_manifest(
            listing.parent, Manifest(backup_id, 1, "1", "1", {BLOBS: digest_of(listing)}, {}, 1, 7)
        )
    damage(tmp_path / "newer" / BLOBS)

    with pytest.raises(BackupBroken, match=BLOBS):
        prune_backups(tmp_path, ["older"])

    assert sorted(backup_ids(tmp_path)) == ["newer", "older"]
    assert blob.exists()
