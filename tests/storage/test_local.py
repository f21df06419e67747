"""What the store promises: published means durable and whole, links lead nowhere, no held file is swept."""

import errno
import hashlib
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest

from filewallball.errors import ApiError, StorageFailed, StorageFull, StoreNotMounted
from filewallball.storage.local import MARKER, LocalStore
from tests.storage.conftest import as_root

MIB = 1024 * 1024
UNKNOWN = f"ab/cd/abcd{'0' * 60}.{'1' * 16}"


def publish(store: LocalStore, content: bytes) -> str:
    with store.stage(max_bytes=1024 * MIB) as stage:
        stage.write(content)
        return store.publish(stage)


def files_under(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if not path.is_dir()}


@contextmanager
def uploader(store: LocalStore, content: bytes, *, published: bool) -> Iterator[subprocess.Popen[bytes]]:
    """Another process in the middle of an upload, holding its lock."""
    program = f"""
import sys
from pathlib import Path
from filewallball.storage.local import LocalStore
store = LocalStore(Path({str(store.root)!r}), min_free_bytes=0)
with store.stage(max_bytes=1 << 20) as stage:
    stage.write({content!r})
    if {published}:
        store.publish(stage)
    print(flush=True)
    sys.stdin.read()
"""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        yield process
        process.kill()


def test_what_is_published_can_be_opened_and_is_whole(store: LocalStore) -> None:
    content = os.urandom(200_000)

    path = publish(store, content)

    digest = hashlib.sha256(content).hexdigest()
    assert path.startswith(f"{digest[:2]}/{digest[2:4]}/{digest}.")
    with store.open(path) as file:
        assert file.read() == content
    assert store.holds(path, len(content))
    assert list(store.blobs()) == [path]
    assert list(store.staging.iterdir()) == []


def test_an_empty_blob_is_kept_like_any_other(store: LocalStore) -> None:
    path = publish(store, b"")

    assert store.holds(path, 0)
    with store.open(path) as file:
        assert file.read() == b""


def test_the_same_bytes_never_share_a_name(store: LocalStore) -> None:
    paths = {publish(store, b"same") for _ in range(20)}

    assert len(paths) == 20
    assert set(store.blobs()) == paths


def test_parallel_uploads_of_the_same_bytes_all_arrive(store: LocalStore) -> None:
    barrier = Barrier(16)

    def upload(_: int) -> str:
        barrier.wait()
        return publish(store, b"the same for all")

    with ThreadPoolExecutor(16) as threads:
        paths = set(threads.map(upload, range(16)))

    assert len(paths) == 16
    assert all(store.holds(path, 16) for path in paths)


def test_file_then_name_then_parents_are_synced_in_this_order(
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
        first, second, _ = store.publish(stage).split("/")
    publish(store, b"x")

    again = [entry if not entry.startswith("staging/") else "staging" for entry in seen]
    assert again == [
        *("staging", "rename", f"blobs/{first}/{second}", f"blobs/{first}", "blobs"),
        *("staging", "rename", f"blobs/{first}/{second}"),
    ]


@pytest.mark.parametrize(
    ("code", "failure"),
    [(errno.EIO, StorageFailed), (errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull)],
)
@pytest.mark.parametrize("which", [1, 2, 3, 4])
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


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_folder_swapped_for_a_link_is_never_written_through(
    store: LocalStore, tmp_path: Path, level: int
) -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    outside = tmp_path / "outside"
    outside.mkdir()
    link = store.root.joinpath("blobs", digest[:2], digest[2:4]).parents[1 - level] if level < 2 else None
    link = link or store.root / "blobs" / digest[:2] / digest[2:4]
    if level == 0:
        link.rmdir()
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(outside)

    with pytest.raises(StorageFailed):
        publish(store, b"x")

    assert list(outside.iterdir()) == []


def test_a_link_in_the_place_of_a_blob_is_neither_opened_locked_nor_listed(
    store: LocalStore, tmp_path: Path
) -> None:
    path = publish(store, b"x")
    secret = tmp_path / "secret"
    secret.write_bytes(b"y")
    (store.blobs_root / path).unlink()
    (store.blobs_root / path).symlink_to(secret)

    assert not store.holds(path, 1)
    assert list(store.blobs()) == []
    with pytest.raises(StorageFailed):
        store.open(path)
    with pytest.raises(StorageFailed), store.try_lock(path):
        pass
    store.remove(path)
    assert secret.read_bytes() == b"y"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "../../../etc/passwd",
        "/etc/passwd",
        UNKNOWN + "/..",
        UNKNOWN.upper(),
        UNKNOWN + "\n",
        UNKNOWN.replace("ab/cd", "ab/ce"),
        UNKNOWN.replace("ab/cd", "ab//cd"),
    ],
)
def test_a_path_that_is_not_a_blobs_is_refused(store: LocalStore, path: str) -> None:
    for action in (store.open, store.remove, lambda path: store.holds(path, 1)):
        with pytest.raises(ValueError, match="not a blob path"):
            action(path)


def test_a_blob_that_is_gone_cannot_be_opened_and_may_be_removed(store: LocalStore) -> None:
    path = publish(store, b"x")
    store.remove(path)
    store.remove(path)
    store.remove(UNKNOWN)

    assert not store.holds(path, 1)
    with pytest.raises(StorageFailed):
        store.open(path)
    with store.try_lock(path) as won:
        assert not won


def test_a_shortened_blob_is_not_held(store: LocalStore) -> None:
    path = publish(store, b"whole")
    os.truncate(store.blobs_root / path, 3)

    assert not store.holds(path, 5)


def test_a_blob_can_be_read_to_its_end_while_it_is_removed(store: LocalStore) -> None:
    path = publish(store, b"still here")
    with store.open(path) as file:
        store.remove(path)
        assert file.read() == b"still here"


def test_discarding_a_published_stage_removes_the_blob(store: LocalStore) -> None:
    with store.stage(max_bytes=MIB) as stage:
        stage.write(b"another row won")
        path = store.publish(stage)
        stage.discard()

    assert not store.holds(path, 15)
    assert files_under(store.root) == {store.root / MARKER}


def test_nothing_in_the_store_can_be_executed_or_read_by_others(store: LocalStore) -> None:
    publish(store, b"#!/bin/sh\n")

    for path in store.root.rglob("*"):
        forbidden = 0o027 if path.is_dir() else 0o137
        assert stat.S_IMODE(path.stat().st_mode) & forbidden == 0, path


def test_a_stage_is_swept_only_after_its_uploader_died(store: LocalStore) -> None:
    with uploader(store, b"half", published=False) as process:
        assert store.drop_abandoned_stages() == 0
        assert len(list(store.staging.iterdir())) == 1
        process.kill()
        process.wait()

        assert store.drop_abandoned_stages() == 1
    assert list(store.staging.iterdir()) == []


def test_a_blob_stays_locked_until_its_uploader_committed_or_died(store: LocalStore) -> None:
    with uploader(store, b"whole", published=True) as process:
        (path,) = store.blobs()
        with store.try_lock(path) as won:
            assert not won
        process.kill()
        process.wait()

        with store.try_lock(path) as won:
            assert won
            with store.try_lock(path) as second:
                assert not second
    assert store.holds(path, 5)


def test_the_sweep_leaves_foreign_files_and_links_alone(store: LocalStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    (store.staging / "notes.txt").write_bytes(b"")
    (store.staging / ("a" * 16)).symlink_to(outside)
    (store.staging / ("b" * 16)).mkdir()
    os.mkfifo(store.staging / ("c" * 16))
    (store.blobs_root / "ab").mkdir()
    (store.blobs_root / "ab" / "cd").symlink_to(tmp_path)

    assert store.drop_abandoned_stages() == 0
    assert list(store.blobs()) == []
    assert outside.read_bytes() == b"precious"
    assert len(list(store.staging.iterdir())) == 4


def test_sweeping_while_uploads_begin_never_takes_a_live_one(store: LocalStore) -> None:
    done = False

    def sweep() -> None:
        while not done:
            store.drop_abandoned_stages()

    with ThreadPoolExecutor(5) as threads:
        sweeping = threads.submit(sweep)
        try:
            paths = list(threads.map(lambda number: publish(store, b"%d" % number), range(400)))
        finally:
            done = True
        sweeping.result()

    assert set(store.blobs()) == set(paths)
    assert len(paths) == 400
