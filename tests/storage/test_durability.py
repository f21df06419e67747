"""Published means on the disk: the order of syncs, disks that fail, fill up or are not there."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from filewallball.errors import ApiError, StorageFailed, StorageFull, StoreNotMounted
from filewallball.storage.local import MARKER, LocalStore
from tests.storage.blobs import MIB, UNKNOWN, files_under, publish
from tests.storage.conftest import as_root


def test_the_folders_name_then_the_file_then_its_name_are_synced_before_a_row_may_name_it(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real_fsync, real_rename = os.fsync, os.rename

    def fsync(fd: int) -> None:
        seen.append(Path(f"/proc/self/fd/{fd}").readlink().relative_to(store.root).as_posix())
        real_fsync(fd)

    def rename(*arguments: object, **options: object) -> None:
        seen.append("rename")
        real_rename(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    with store.stage(max_bytes=MIB) as stage:
        stage.write(b"x")
        path = store.publish(stage)
    again = publish(store, b"x")

    assert path.startswith("00000001/")
    assert seen == [
        *("blobs", "rename", f"blobs/{path}", "blobs/00000001"),
        *("rename", f"blobs/{again}", "blobs/00000001"),
    ]


@pytest.mark.parametrize(
    ("code", "failure"),
    [(errno.EIO, StorageFailed), (errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull)],
)
@pytest.mark.parametrize("which", [1, 2, 3])
def test_a_failed_sync_is_not_tried_again_and_leaves_no_file(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, which: int, code: int, failure: type[ApiError]
) -> None:
    calls = 0

    def fsync(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls == which:
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr("filewallball.storage.stage.os.fsync", fsync)
    with store.stage(max_bytes=MIB) as stage:
        stage.write(b"x")
        with pytest.raises(failure):
            store.publish(stage)

    assert calls == which
    assert files_under(store.root) == {store.root / MARKER}


def test_a_stage_that_cannot_be_locked_leaves_no_file(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("filewallball.storage.stage.fcntl.flock", flock)
    with pytest.raises(StorageFailed):
        store.stage(max_bytes=MIB)

    assert files_under(store.root) == {store.root / MARKER}


def test_a_sync_that_failed_cannot_be_repeated_by_the_caller(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with store.stage(max_bytes=MIB) as stage:
        stage.write(b"x")
        with monkeypatch.context() as patch:
            patch.setattr("filewallball.storage.stage.os.fsync", fsync)
            with pytest.raises(StorageFailed):
                stage.sync()
        with pytest.raises(StorageFailed):
            store.publish(stage)

    assert list(store.blobs()) == []


def test_bytes_that_the_disk_took_but_could_not_write_back_are_never_published(lying_disk: Path) -> None:
    store = LocalStore(lying_disk / "storage", min_free_bytes=0)
    store.prepare()
    with store.stage(max_bytes=1024 * MIB) as stage:
        for _ in range(48):
            stage.write(os.urandom(MIB))
        with pytest.raises((StorageFailed, StorageFull)):
            store.publish(stage)
        with pytest.raises(StorageFailed):
            store.publish(stage)

    assert list(store.blobs()) == []


def test_a_full_disk_still_serves_and_deletes_and_deleting_makes_room(small_disk: Path) -> None:
    store = LocalStore(small_disk, min_free_bytes=2 * MIB)
    store.prepare()
    big = publish(store, bytes(24 * MIB))
    with pytest.raises(StorageFull):
        publish(store, bytes(12 * MIB))

    with store.open(big) as file:
        assert file.read(10) == bytes(10)
    store.remove(big)
    assert store.holds(publish(store, bytes(12 * MIB)), 12 * MIB)


def test_a_store_without_its_marker_refuses_to_write_sweep_and_delete(store: LocalStore) -> None:
    path = publish(store, b"kept")
    (store.root / MARKER).unlink()

    refused: list[Callable[[], object]] = [
        lambda: store.stage(max_bytes=MIB),
        lambda: store.remove(path),
        lambda: list(store.blobs()),
        store.drop_abandoned_stages,
        store.prepare,
    ]
    for action in refused:
        with pytest.raises(StoreNotMounted):
            action()
    with store.open(path) as file:
        assert file.read() == b"kept"


def test_an_empty_mount_point_is_not_taken_for_a_new_store_when_rows_name_blobs(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "storage", min_free_bytes=0)

    with pytest.raises(StoreNotMounted):
        store.prepare(expect_blobs=True)
    with pytest.raises(StoreNotMounted):
        store.stage(max_bytes=MIB)
    with pytest.raises(StoreNotMounted):
        store.open(UNKNOWN)


def test_a_disk_unmounted_while_running_refuses_uploads(small_disk: Path) -> None:
    store = LocalStore(small_disk, min_free_bytes=0)
    store.prepare()
    as_root("umount", str(small_disk))
    try:
        with pytest.raises(StoreNotMounted):
            store.stage(max_bytes=MIB)
        assert list(small_disk.iterdir()) == []
    finally:
        as_root("mount", "-t", "tmpfs", "tmpfs", str(small_disk))


def test_preparing_again_changes_nothing(store: LocalStore) -> None:
    path = publish(store, b"kept")

    LocalStore(store.root, min_free_bytes=0).prepare(expect_blobs=True)

    assert store.holds(path, 4)


def test_the_root_may_be_a_link_that_the_operator_made(tmp_path: Path) -> None:
    (tmp_path / "big-disk").mkdir()
    (tmp_path / "storage").symlink_to(tmp_path / "big-disk")
    store = LocalStore(tmp_path / "storage", min_free_bytes=0)

    store.prepare()

    assert store.holds(publish(store, b"x"), 1)
