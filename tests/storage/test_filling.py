"""New blobs go into one folder until it is full, whichever process publishes them."""

import os
from collections import Counter
from pathlib import Path

import pytest

from filewallball.storage import filling
from filewallball.storage.local import LocalStore
from tests.storage.blobs import publish


def another_process(store: LocalStore) -> LocalStore:
    return LocalStore(store.root, min_free_bytes=0)


def folders_of(paths: list[str]) -> list[str]:
    return [path.partition("/")[0] for path in paths]


@pytest.fixture
def small_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "FULL", 6)
    monkeypatch.setattr(filling, "_BETWEEN_COUNTS", 2)


@pytest.mark.usefixtures("small_folders")
def test_a_full_folder_is_followed_by_the_next(store: LocalStore) -> None:
    paths = [publish(store, b"x") for _ in range(14)]

    assert folders_of(paths) == 6 * ["00000001"] + 6 * ["00000002"] + 2 * ["00000003"]
    assert set(store.blobs()) == set(paths)


@pytest.mark.usefixtures("small_folders")
def test_a_process_that_starts_goes_on_where_others_are(store: LocalStore) -> None:
    paths = [publish(store, b"x") for _ in range(8)]

    paths += [publish(another_process(store), b"x") for _ in range(8)]

    assert folders_of(paths) == 6 * ["00000001"] + 6 * ["00000002"] + 4 * ["00000003"]


@pytest.mark.usefixtures("small_folders")
def test_several_processes_fill_the_same_folder_little_beyond_its_limit(store: LocalStore) -> None:
    processes = [another_process(store) for _ in range(4)]

    paths = [publish(process, b"x") for _ in range(25) for process in processes]

    counts = Counter(folders_of(paths))
    assert max(counts.values()) <= 6 + 4 * 2
    assert len(counts) <= 100 // 6 + 1


@pytest.mark.usefixtures("small_folders")
def test_a_folder_that_another_process_made_is_synced_before_the_first_blob(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = another_process(store)
    publish(other, b"x")
    for _ in range(6):
        publish(store, b"x")
    synced: list[Path] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        synced.append(Path(f"/proc/self/fd/{fd}").readlink())
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    paths = [publish(other, b"x") for _ in range(2)]

    assert folders_of(paths) == ["00000001", "00000002"]
    folders = [path.name for path in synced if path.is_dir()]
    assert folders == ["00000001", "blobs", "00000002"]


def test_a_folder_that_was_removed_by_hand_is_made_again(store: LocalStore) -> None:
    store.remove(publish(store, b"x"))
    (store.blobs_root / "00000001").rmdir()

    path = publish(store, b"x")

    assert store.holds(path, 1)


def test_a_folder_with_another_name_is_never_filled(store: LocalStore) -> None:
    for name in ("ab", "00000009x", "000000010", "lost+found"):
        (store.blobs_root / name).mkdir()
    (store.blobs_root / "00000007").write_bytes(b"")

    assert publish(store, b"x").startswith("00000001/")
