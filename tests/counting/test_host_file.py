"""The file under whatever happens to it: killed processes, forks, damage, deletion, another boot, a held lock."""

import errno
import os
import random
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest
from limits import parse

from filewallball.clock import steady_seconds
from filewallball.counting import header, host_file
from filewallball.counting.counters import HostCounter
from harness.waiting import wait_until
from tests.counting.test_storage import Clock, counter, let_through, storage

MINUTE = parse("10/minute")


@dataclass
class Process:
    """A process of its own that counts, and tells each hit that was within the limit as a byte 1, others as 0."""

    pid: int
    told: BinaryIO

    def end(self) -> int:
        """The hits within the limit that were not read yet, once the process has ended."""
        with self.told:
            within = sum(self.told.read())
        os.waitpid(self.pid, 0)
        return within


def counting(counts: HostCounter, limit: str, times: int) -> Process:
    """Such a process, which has the parent's counter."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        item = parse(limit)
        for _ in range(times):
            os.write(write, bytes([counts.count(item, "upload", "a").is_within]))
        os._exit(0)
    os.close(write)
    return Process(pid, os.fdopen(read, "rb"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counts(tmp_path: Path, clock: Clock) -> HostCounter:
    """A counter whose file has three of MINUTE left for client `a`."""
    made = counter(tmp_path, clock)
    assert let_through(made, MINUTE, "a", 7) == 7
    return made


@pytest.mark.parametrize("strategy", ["fixed-window", "sliding-window-counter", "moving-window"])
def test_processes_that_count_at_once_let_exactly_so_many_through(tmp_path: Path, strategy: str) -> None:
    counts = counter(tmp_path, steady_seconds, strategy, sets=1024)
    assert counts.count(parse("500/day"), "upload", "b").is_within, (
        "the file is open before the processes fork"
    )
    processes = [counting(counts, "500/day", 250) for _ in range(4)]

    assert sum(process.end() for process in processes) == 500


def test_threads_that_count_at_once_let_exactly_so_many_through(counts: HostCounter) -> None:
    item = parse("500/day")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: counts.count(item, "upload", "b").is_within, range(1000)))

    assert sum(found) == 500


def test_a_process_that_is_killed_takes_neither_the_lock_nor_a_count_with_it(
    tmp_path: Path, rounds: Callable[[int, int], int]
) -> None:
    seen = 0
    for _ in range(rounds(10, 500)):
        process = counting(counter(tmp_path, steady_seconds, sets=1024), "100000/day", 1_000_000)
        seen += sum(process.told.read(random.randrange(50, 150)))
        os.kill(process.pid, signal.SIGKILL)
        seen += process.end()
    left = counter(tmp_path, steady_seconds, sets=1024).look(parse("100000/day"), "upload", "a").remaining

    assert seen <= 100_000 - left <= seen + rounds(10, 500), "a hit may have been counted and not told"


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: os.truncate(path, 0),
        lambda path: os.truncate(path, 4096 + 5000),
        lambda path: overwrite(path, 0, b"x" * 4096),
        lambda path: overwrite(path, 4096, b"x" * (path.stat().st_size - 4096)),
        lambda path: path.write_bytes(b"something else"),
    ],
    ids=["emptied", "truncated", "header", "counts", "another file"],
)
def test_a_damaged_file_grants_nobody_more(
    tmp_path: Path, clock: Clock, counts: HostCounter, damage: Callable[[Path], None]
) -> None:
    damage(tmp_path / "counts-1")
    restarted = counter(tmp_path, clock)

    for each in (restarted, counts):
        found = each.count(MINUTE, "upload", "a")
        assert (found.is_within, found.is_own) == (False, False)
        assert 0 < found.resets_in <= 60
        assert not each.look(MINUTE, "upload", "new").is_within
    clock.now += 61
    assert let_through(counts, MINUTE, "a", 9) + let_through(restarted, MINUTE, "a", 9) == 10


@pytest.mark.parametrize("strategy", ["fixed-window", "sliding-window-counter", "moving-window"])
def test_no_strategy_grants_more_after_damage(tmp_path: Path, clock: Clock, strategy: str) -> None:
    damaged = counter(tmp_path, clock, strategy)
    damaged.count(MINUTE, "upload", "a")
    overwrite(tmp_path / "counts-1", 4096, b"x" * 81920)

    assert let_through(damaged, MINUTE, "a", 3) == 0
    assert not damaged.look(MINUTE, "upload", "a").is_within
    clock.now += 61
    assert let_through(damaged, MINUTE, "a", 20) == 10


def test_one_count_that_was_changed_by_others_is_noticed(
    tmp_path: Path, clock: Clock, counts: HostCounter
) -> None:
    path = tmp_path / "counts-1"
    data = path.read_bytes()
    at = next(at for at in range(4096, len(data), 32) if any(data[at : at + 32]))
    overwrite(path, at + 20, bytes(4))

    assert let_through(counts, MINUTE, "a", 9) == 0


def test_whoever_sees_no_damage_leaves_a_damaged_file_with_the_others(
    tmp_path: Path, clock: Clock, counts: HostCounter
) -> None:
    other = counter(tmp_path, clock)
    assert [let_through(other, MINUTE, client, 1) for client in "bcdefgh"] == [1] * 7
    data = (tmp_path / "counts-1").read_bytes()
    used = next(at for at in range(4096, len(data), 1024) if any(data[at : at + 1024]))
    overwrite(tmp_path / "counts-1", used, b"x" * 1024)

    for client in "abcdefgh":
        counts.count(MINUTE, "upload", client)

    assert [let_through(other, MINUTE, client, 1) for client in "hgfedcba"] == [0] * 8


def test_the_same_counts_go_on_after_a_restart(tmp_path: Path, clock: Clock, counts: HostCounter) -> None:
    assert let_through(counter(tmp_path, clock), MINUTE, "a", 9) == 3
    assert let_through(counts, MINUTE, "a", 9) == 0


def test_a_file_that_is_deleted_comes_back_with_its_counts(
    tmp_path: Path, clock: Clock, counts: HostCounter
) -> None:
    (tmp_path / "counts-1").unlink()
    other = counter(tmp_path, clock)

    counts.follow(is_lost=False)

    assert let_through(other, MINUTE, "a", 9) + let_through(counts, MINUTE, "a", 9) == 3


def test_a_file_that_another_process_put_in_its_place_is_followed(
    tmp_path: Path, clock: Clock, counts: HostCounter
) -> None:
    other = counter(tmp_path / "other", clock)
    other.count(MINUTE, "upload", "a")
    (tmp_path / "other" / "counts-1").rename(tmp_path / "counts-1")

    counts.follow(is_lost=False)

    assert let_through(counts, MINUTE, "a", 20) == 9


def test_counts_of_another_boot_end_with_it(
    tmp_path: Path, clock: Clock, counts: HostCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(header, "boot_id", lambda: b"another boot ..!")
    monkeypatch.setattr(host_file, "boot_id", lambda: b"another boot ..!")
    clock.now = 5.0

    assert let_through(counter(tmp_path, clock), MINUTE, "a", 20) == 10


def test_a_loss_in_the_future_is_one_of_another_boot_where_the_host_names_no_boot(
    tmp_path: Path, clock: Clock, counts: HostCounter
) -> None:
    overwrite(tmp_path / "counts-1", 0, b"x" * 4096)
    assert let_through(counter(tmp_path, clock), MINUTE, "a", 20) == 0
    clock.now = 5.0

    assert let_through(counter(tmp_path, clock), MINUTE, "a", 20) == 10


def test_a_file_whose_header_the_disk_does_not_give_is_read_again(
    tmp_path: Path, clock: Clock, counts: HostCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = counter(tmp_path, clock)

    def fail(fd: int, size: int, offset: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "pread", fail)
        with pytest.raises(OSError, match="Input/output"):
            again.look(MINUTE, "upload", "a")

    assert again.look(MINUTE, "upload", "a").remaining == 3


def test_two_folders_share_nothing(tmp_path: Path, clock: Clock) -> None:
    for name in ("one", "other"):
        assert let_through(counter(tmp_path / name, clock), MINUTE, "a", 20) == 10


def test_only_the_services_user_reads_the_file(tmp_path: Path, clock: Clock) -> None:
    counter(tmp_path / "limits", clock).count(MINUTE, "upload", "a")

    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "limits").iterdir()}
    assert modes == {"counts-1": 0o600, "counts-1.lock": 0o600}
    assert (tmp_path / "limits").stat().st_mode & 0o027 == 0


def test_a_lock_that_is_never_given_back_is_an_error_and_no_hang(tmp_path: Path, clock: Clock) -> None:
    holder = os.fork()
    if not holder:
        storage(tmp_path, clock).file.__enter__()
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)
    wait_until(lambda: (tmp_path / "counts-1").exists(), what="the other process made the file")
    os.waitpid(holder, os.WUNTRACED)
    try:
        with pytest.raises(TimeoutError):
            counter(tmp_path, clock).count(MINUTE, "upload", "a")
        waiting, pool = counter(tmp_path, clock), ThreadPoolExecutor(60)
        asked = [pool.submit(waiting.count, MINUTE, "upload", "a") for _ in range(60)]
        # Each waits for a second, so one after the other they would for a minute.
        assert not wait(asked, timeout=25).not_done
        assert {type(each.exception()) for each in asked} == {TimeoutError}
    finally:
        os.kill(holder, signal.SIGKILL)
        os.waitpid(holder, 0)

    assert counter(tmp_path, clock).count(MINUTE, "upload", "a").is_within


def test_a_full_disk_is_an_error_and_leaves_nothing(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)

    with pytest.raises(OSError, match="space"):
        counter(tmp_path, clock).count(MINUTE, "upload", "a")
    assert [path.name for path in tmp_path.iterdir()] == ["counts-1.lock"]


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)
