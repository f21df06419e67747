"""Locks keep others out until their owner is gone; files are replaced whole; a secret is made once."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from filewallball.filesystem import (
    create_file,
    kept_secret,
    locked,
    make_durable_folder,
    replace_file,
    sync_folder,
    try_lock,
)
from tests.fixtures.syncs import Sync

HOLD = """
import sys
from pathlib import Path
from filewallball.filesystem import try_lock

with try_lock(Path(sys.argv[1])) as held:
    print(held, flush=True)
    sys.stdin.read()
"""


def test_a_lock_keeps_others_out_until_its_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "job.lock"

    with try_lock(path) as first, try_lock(path) as second:
        assert (first, second) == (True, False)
    with try_lock(path) as after:
        assert after


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "job.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        with try_lock(path) as meanwhile:
            assert not meanwhile
        holder.kill()

    with try_lock(path) as after:
        assert after


def test_a_lock_is_released_where_its_block_fails(tmp_path: Path) -> None:
    path = tmp_path / "job.lock"

    with pytest.raises(LookupError), try_lock(path):
        raise LookupError

    with try_lock(path) as held:
        assert held


def test_the_block_of_an_open_files_lock_closes_it(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)

    with locked(fd) as held:
        assert held

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"old")

    replace_file(path, b"new", durable=durable)

    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_whoever_had_the_file_open_keeps_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"old")

    with path.open("rb") as reader:
        replace_file(path, b"new", durable=False)
        assert reader.read() == b"old"


@pytest.mark.parametrize(
    ("durable", "synced"), [(True, [("file", b"new", b"old"), ("folder", b"new")]), (False, [])]
)
def test_a_durable_file_is_on_the_disk_before_it_has_its_name_and_the_name_is_there_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool, synced: list[object]
) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"old")
    seen: list[object] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        real(fd)
        is_folder = stat.S_ISDIR(os.fstat(fd).st_mode)
        content = () if is_folder else (Path(f"/proc/self/fd/{fd}").read_bytes(),)
        seen.append(("folder" if is_folder else "file", *content, path.read_bytes()))

    monkeypatch.setattr(os, "fsync", fsync)
    replace_file(path, b"new", durable=durable)

    assert seen == synced


@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.replace"])
def test_what_cannot_be_written_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"old")

    with monkeypatch.context() as patch:
        patch.setattr(call, _fail(errno.ENOSPC))
        with pytest.raises(OSError, match="No space left"):
            replace_file(path, b"new", durable=True)

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_system_that_syncs_no_folders_takes_durable_files_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("filewallball.filesystem.sync_folder", _fail(errno.EINVAL))

    replace_file(tmp_path / "state.json", b"new", durable=True)

    assert (tmp_path / "state.json").read_bytes() == b"new"


def test_many_that_replace_a_file_at_once_leave_the_content_of_one(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    contents = [f"{number}".encode() * 100_000 for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda data: replace_file(path, data, durable=False), contents))

    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_is_this_users_alone_and_never_takes_the_place_of_another(tmp_path: Path) -> None:
    path = tmp_path / "key"

    create_file(path, b"first")
    with pytest.raises(FileExistsError):
        create_file(path, b"second")

    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"first", 0o600)


def test_a_folder_that_is_not_there_cannot_be_synced(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "none")


def test_a_secret_is_made_once_and_readable_by_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"

    assert kept_secret(path, lambda: "first") == "first"
    assert kept_secret(path, lambda: "second") == "first"

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", "\n"])
def test_an_empty_file_is_no_secret(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key"
    path.write_text(content)

    with pytest.raises(OSError, match="empty"):
        kept_secret(path, lambda: "first")

    assert path.read_text() == content


def test_two_that_make_the_secret_together_agree_on_one(tmp_path: Path) -> None:
    path = tmp_path / "key"

    def make() -> str:
        path.write_text("the other's\n")
        return "mine"

    assert kept_secret(path, make) == "the other's"
    assert list(tmp_path.iterdir()) == [path]


def _fail(code: int) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def test_the_name_of_a_secret_is_on_the_disk_before_it_is_used(tmp_path: Path, synced: list[Sync]) -> None:
    kept_secret(tmp_path / "key", lambda: "first")
    kept_secret(tmp_path / "key", lambda: "second")

    temporary, folder = synced
    assert temporary.path.parent == tmp_path
    assert folder == Sync(tmp_path, ("key",))


def test_every_new_folder_is_on_the_disk_and_one_that_is_there_costs_no_sync(
    tmp_path: Path, synced: list[Sync]
) -> None:
    for _ in range(2):
        make_durable_folder(tmp_path / "data" / "journal" / "slot-1", 0o750)

    data, journal = tmp_path / "data", tmp_path / "data" / "journal"
    assert synced == [Sync(tmp_path, ("data",)), Sync(data, ("journal",)), Sync(journal, ("slot-1",))]
    assert stat.S_IMODE((journal / "slot-1").stat().st_mode) & ~0o750 == 0
