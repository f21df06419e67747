"""Slots are unique among live processes, die with their holder, and are found again after any death."""

import operator
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from filewallball.observability.metric_store.slots import Slots

_HOLD = """
import sys, pathlib
from filewallball.observability.metric_store.slots import Slots
print(Slots(pathlib.Path(sys.argv[1])).number(), flush=True)
sys.stdin.read()
"""

_LATE = """
import atexit, pathlib, sys


def once_more():
    try:
        slots.number()
    except OSError:
        print("refused")


atexit.register(once_more)  # what is registered first runs last
from filewallball.observability.metric_store.slots import Slots

slots = Slots(pathlib.Path(sys.argv[1]))
print(slots.number())
"""


class Holder:
    """Another process that holds a slot until it is told to stop or is killed."""

    def __init__(self, directory: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _HOLD, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.number = int(self.process.stdout.readline())

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


Start = Callable[[Path], Holder]


@pytest.fixture
def holders() -> Iterator[Start]:
    running: list[Holder] = []

    def start(directory: Path) -> Holder:
        running.append(Holder(directory))
        return running[-1]

    yield start
    for holder in running:
        holder.kill()


def test_live_processes_hold_different_slots(tmp_path: Path, holders: Start) -> None:
    assert [holders(tmp_path).number for _ in range(3)] == [0, 1, 2]
    assert Slots(tmp_path).number() == 3


def test_the_slot_of_a_killed_process_is_taken_again(tmp_path: Path, holders: Start) -> None:
    first, second = holders(tmp_path), holders(tmp_path)
    first.kill()
    assert holders(tmp_path).number == first.number
    assert second.process.poll() is None


def test_the_slot_of_a_killed_process_is_taken_before_one_that_was_given_back(
    tmp_path: Path, holders: Start
) -> None:
    given_back = Slots(tmp_path)
    given_back.number()
    killed = holders(tmp_path)
    given_back.release()
    killed.kill()

    assert [holders(tmp_path).number for _ in range(3)] == [killed.number, 0, 2]


def test_number_stays_the_same_within_a_process(tmp_path: Path) -> None:
    slots = Slots(tmp_path)
    assert slots.number() == slots.number() == slots.held() == 0


def test_a_forked_child_takes_its_own_slot_and_leaves_the_parents_alone(tmp_path: Path) -> None:
    slots = Slots(tmp_path)
    assert slots.number() == 0
    assert _in_child(slots.number) == 1
    assert slots.number() == 0
    assert Slots(tmp_path).number() == 1


def test_a_child_that_outlives_its_parent_does_not_keep_the_parents_slot(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    parent = os.fork()
    if parent == 0:
        slots = Slots(tmp_path)
        slots.number()
        grandchild = os.fork()
        if grandchild == 0:
            os.close(reading)
            os.write(writing, b"%d\n" % os.getpid())
            signal.pause()
        os._exit(0)
    os.close(writing)
    os.waitpid(parent, 0)
    grandchild = int(os.read(reading, 32))
    try:
        assert Slots(tmp_path).number() == 0
    finally:
        os.kill(grandchild, signal.SIGKILL)
        os.close(reading)


def test_callbacks_run_once_with_the_number_before_it_is_returned(tmp_path: Path) -> None:
    slots, seen = Slots(tmp_path), list[tuple[str, int]]()
    slots.on_acquire(lambda number: seen.append(("first", number)))
    slots.on_acquire(lambda number: seen.append(("second", number)))
    slots.number()
    slots.number()
    assert seen == [("first", 0), ("second", 0)]


def test_a_callback_that_comes_late_runs_at_once(tmp_path: Path) -> None:
    slots, seen = Slots(tmp_path), list[int]()
    slots.number()
    slots.on_acquire(seen.append)
    assert seen == [0]


def test_a_failing_callback_frees_the_slot(tmp_path: Path) -> None:
    slots = Slots(tmp_path)
    slots.on_acquire(lambda number: operator.truediv(number, 0) and None)
    with pytest.raises(ZeroDivisionError):
        slots.number()
    assert slots.held() is None
    assert Slots(tmp_path).number() == 0


def test_unlocked_yields_only_the_slots_nobody_holds(tmp_path: Path, holders: Start) -> None:
    dead, alive = holders(tmp_path), holders(tmp_path)
    mine = Slots(tmp_path)
    mine.number()
    dead.kill()
    assert list(mine.unlocked()) == [dead.number]
    assert alive.number == 1


def test_an_unlocked_slot_is_held_while_the_caller_works_on_it(tmp_path: Path, holders: Start) -> None:
    holders(tmp_path).kill()
    for number in Slots(tmp_path).unlocked():
        assert number == 0
        assert holders(tmp_path).number == 1
    assert holders(tmp_path).number == 0


def test_a_slot_that_somebody_only_tidies_up_is_waited_for(tmp_path: Path, holders: Start) -> None:
    holders(tmp_path).kill()
    slots, done = Slots(tmp_path), threading.Event()

    def tidy() -> None:
        while not done.is_set():
            for _ in Slots(tmp_path).unlocked():
                list(tmp_path.iterdir())

    tidier = threading.Thread(target=tidy)
    tidier.start()
    try:
        for _ in range(200):
            assert slots.number() == 0
            slots.release()
    finally:
        done.set()
        tidier.join()


def test_unlocked_of_a_missing_folder_is_empty(tmp_path: Path) -> None:
    assert list(Slots(tmp_path / "none").unlocked()) == []


def test_foreign_names_are_not_slots(tmp_path: Path) -> None:
    (tmp_path / "slot-x.lock").touch()
    (tmp_path / "service.lock").touch()
    assert list(Slots(tmp_path).unlocked()) == []


def test_a_released_slot_is_free_for_others(tmp_path: Path, holders: Start) -> None:
    slots = Slots(tmp_path)
    slots.number()
    slots.release()
    assert holders(tmp_path).number == 0
    assert slots.number() == 1


def test_an_unwritable_folder_is_an_error_with_its_name(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(OSError, match="file"):
        Slots(blocked).number()


def test_a_thread_that_runs_to_the_very_end_takes_no_slot_anew(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LATE, str(tmp_path)], capture_output=True, text=True, check=True
    )

    assert done.stdout == "0\nrefused\n"
    assert [path.read_text() for path in tmp_path.glob("slot-*.lock")] == [""]


def _in_child(call: Callable[[], int]) -> int:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writing, b"%d" % call())
        os._exit(0)
    os.waitpid(pid, 0)
    try:
        return int(os.read(reading, 32))
    finally:
        os.close(reading)
        os.close(writing)
