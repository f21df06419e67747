"""Threads that wait for the same file or folder share one sync that begins after they came, and its failure."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event

from filewallball.filesystem import SharedSync
from harness.waiting import wait_until

_THREADS = 8


class Disk:
    """A disk whose first sync takes until it is let go, and whose others have a given outcome."""

    def __init__(self, failure: int = 0) -> None:
        self.began, self.go_on = Event(), Event()
        self.calls = 0
        self._failure = failure

    def sync(self) -> None:
        self.calls += 1
        if self.calls == 1:
            self.began.set()
            assert self.go_on.wait(60)
        elif self._failure:
            raise OSError(self._failure, os.strerror(self._failure))


def run_together(disk: Disk, shared: SharedSync) -> list[BaseException | None]:
    """One sync that is under way, and others that come meanwhile."""
    with ThreadPoolExecutor(_THREADS + 1) as threads:
        first = threads.submit(shared.sync, disk.sync)
        assert disk.began.wait(60)
        others = [threads.submit(shared.sync, disk.sync) for _ in range(_THREADS)]
        wait_until(lambda: len(shared._changed._waiters) == _THREADS)  # type: ignore[attr-defined]
        assert not any(other.done() for other in others)
        disk.go_on.set()
        assert first.exception() is None
        return [other.exception() for other in others]


def test_those_who_come_during_a_sync_share_the_next_one() -> None:
    disk = Disk()

    assert run_together(disk, SharedSync()) == [None] * _THREADS
    assert disk.calls == 2


def test_a_failed_sync_is_the_failure_of_all_who_shared_it_and_of_nobody_else() -> None:
    disk, shared = Disk(errno.ENOSPC), SharedSync()

    failures = run_together(disk, shared)

    assert [getattr(failure, "errno", None) for failure in failures] == [errno.ENOSPC] * _THREADS
    assert len(set(map(id, failures))) == _THREADS
    shared.sync(lambda: None)


def test_one_who_comes_after_a_sync_has_a_sync_of_its_own() -> None:
    calls: list[int] = []
    shared = SharedSync()

    for folder in range(3):
        shared.sync(partial(calls.append, folder))

    assert calls == [0, 1, 2]
