"""Only what nobody holds is swept, and holding ends with the process that held."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from filewallball.storage.local import LocalStore
from tests.storage.blobs import publish


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
