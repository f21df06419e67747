"""What is published can be opened, is whole, and is found by no other path; links lead nowhere."""

import hashlib
import os
import resource
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from filewallball.errors import StorageFailed, Unavailable
from filewallball.storage.local import MARKER, LocalStore
from tests.storage.blobs import MIB, UNKNOWN, files_under, publish


def test_what_is_published_can_be_opened_and_is_whole(store: LocalStore) -> None:
    content = os.urandom(200_000)

    path = publish(store, content)

    digest = hashlib.sha256(content).hexdigest()
    assert path.startswith(f"00000001/{digest}.")
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


@pytest.mark.parametrize("level", [0, 1])
def test_a_folder_swapped_for_a_link_is_never_written_through(
    store: LocalStore, tmp_path: Path, level: int
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = store.root.joinpath(*("blobs", "00000001")[: level + 1])
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.exists():
        link.rmdir()
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
        UNKNOWN.replace("ab/cd", "ab"),
        UNKNOWN.replace("ab/cd", "0000001"),
        UNKNOWN.replace("ab/cd", "00000001/cd"),
        UNKNOWN.replace("ab/cd", "0000000a"),
        UNKNOWN.replace("ab/cd", "٠٠٠٠٠٠٠١"),
    ],
)
def test_a_path_that_is_not_a_blobs_is_refused(store: LocalStore, path: str) -> None:
    with pytest.raises(StorageFailed):
        store.open(path)
    with pytest.raises(ValueError, match="not a blob path"):
        store.remove(path)
    assert not store.holds(path, 1)


def test_a_blob_that_is_gone_cannot_be_opened_and_may_be_removed(store: LocalStore) -> None:
    path = publish(store, b"x")
    assert store.holds(path, 1)

    store.remove(path)
    store.remove(path)
    store.remove(UNKNOWN)

    assert not store.holds(path, 1)
    with pytest.raises(StorageFailed):
        store.open(path)
    with store.try_lock(path) as won:
        assert not won


def test_a_process_that_can_open_nothing_takes_no_blob_for_lost(store: LocalStore) -> None:
    path, limits = publish(store, b"content"), resource.getrlimit(resource.RLIMIT_NOFILE)
    next_fd = os.dup(0)
    os.close(next_fd)

    resource.setrlimit(resource.RLIMIT_NOFILE, (next_fd, limits[1]))
    try:
        with pytest.raises(Unavailable):
            store.open(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_shortened_blob_is_not_held(store: LocalStore) -> None:
    path = publish(store, b"whole")
    assert store.holds(path, 5)

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
    blob = store.blobs_root / publish(store, b"#!/bin/sh\n")

    paths = set(store.root.rglob("*"))
    assert {blob, store.blobs_root} < paths
    for path in paths:
        forbidden = 0o027 if path.is_dir() else 0o137
        assert stat.S_IMODE(path.stat().st_mode) & forbidden == 0, path
