"""Blobs of earlier releases lie in `ab/cd/`, and stay there: they are read, listed, locked and removed as ever."""

from pathlib import Path

import pytest

from filewallball.errors import StorageFailed
from filewallball.storage.local import LocalStore
from tests.storage.blobs import earlier_path, publish


@pytest.fixture
def path(store: LocalStore) -> str:
    """A blob where an earlier release published it."""
    published = publish(store, b"kept")
    path = earlier_path(published)
    (store.blobs_root / path).parent.mkdir(parents=True)
    (store.blobs_root / published).rename(store.blobs_root / path)
    return path


def test_a_blob_of_an_earlier_release_is_opened_held_locked_and_removed(store: LocalStore, path: str) -> None:
    with store.open(path) as file:
        assert file.read() == b"kept"
    assert store.holds(path, 4)
    with store.try_lock(path) as won:
        assert won

    store.remove(path)
    store.remove(path)

    assert not store.holds(path, 4)
    assert list(store.blobs()) == []


def test_blobs_of_both_layouts_are_listed(store: LocalStore, path: str) -> None:
    new = publish(store, b"kept")

    assert set(store.blobs()) == {path, new}
    assert new.startswith("00000001/")


def test_a_store_of_an_earlier_release_is_no_new_one(store: LocalStore, path: str) -> None:
    LocalStore(store.root, min_free_bytes=0).prepare(expect_blobs=True)

    assert store.holds(path, 4)


@pytest.mark.parametrize("level", [1, 2])
def test_a_folder_swapped_for_a_link_hides_its_blobs(
    store: LocalStore, path: str, level: int, tmp_path: Path
) -> None:
    folder = store.blobs_root.joinpath(*path.split("/")[:level])
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")

    assert list(store.blobs()) == []
    assert not store.holds(path, 4)
    with pytest.raises(StorageFailed), store.try_lock(path):
        pass
    with pytest.raises(StorageFailed):
        store.remove(path)
    assert [found.read_bytes() for found in (tmp_path / "elsewhere").rglob("*.*")] == [b"kept"]
