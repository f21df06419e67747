"""The cache of derived images: what cannot be removed keeps nothing else from going."""

from pathlib import Path

from filewallball.storage.cache import DiskCache

SOURCE = "ab" * 32


def test_what_cannot_be_removed_keeps_nothing_else_from_going(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)
    entries = [cache.put(SOURCE, str(size), "png", bytes(size)).path for size in (64, 128, 256)]
    damaged = entries[0]
    damaged.unlink()
    damaged.mkdir()  # which no unlink removes

    assert cache.get(SOURCE, "64") is None
    assert cache.trim(0) == 2
    cache.put(SOURCE, "128", "png", bytes(128))
    cache.drop(SOURCE)

    assert list(damaged.parent.iterdir()) == [damaged]
