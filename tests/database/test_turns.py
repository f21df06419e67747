"""Writers of several processes take turns by a file, and a process that keeps its turn stops nobody."""

import os
import threading
from pathlib import Path

import pytest

from filewallball.database.turns import Turns
from filewallball.filesystem import try_lock
from harness.waiting import wait_until


def test_a_writer_waits_until_another_process_has_written(tmp_path: Path) -> None:
    path, entered = tmp_path / "database.turns", threading.Event()

    def write() -> None:
        with Turns(path, patience_seconds=60):
            entered.set()

    with try_lock(path) as held:
        writer = threading.Thread(target=write)
        writer.start()
        was_kept_waiting = held and not entered.wait(0.2)
    writer.join(60)

    assert was_kept_waiting
    assert entered.is_set()


def test_threads_of_a_process_take_turns_as_well(tmp_path: Path) -> None:
    turns, inside, most = Turns(tmp_path / "database.turns"), 0, 0
    counted = threading.Lock()

    def write() -> None:
        nonlocal inside, most
        for _ in range(50):
            with turns:
                with counted:
                    inside += 1
                    most = max(most, inside)
                with counted:
                    inside -= 1

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    wait_until(lambda: not any(writer.is_alive() for writer in writers), what="all have written")

    assert most == 1


def test_a_process_that_keeps_its_turn_stops_nobody_for_long(tmp_path: Path) -> None:
    path = tmp_path / "database.turns"

    with try_lock(path) as held, Turns(path, patience_seconds=0.01):
        is_inside = held

    assert is_inside
    with try_lock(path) as is_free:
        assert is_free


def test_where_there_can_be_no_file_sqlite_alone_decides_and_it_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    turns = Turns(tmp_path / "missing" / "database.turns")
    for _ in range(2):
        with turns:
            pass

    assert [record.getMessage() for record in caplog.records] == [
        "Writers of the database do not take turns: their lock file cannot be used"
    ]
    with Turns(tmp_path / "database.turns"), try_lock(tmp_path / "database.turns") as is_free:
        assert not is_free


def test_what_root_makes_belongs_to_whom_the_database_belongs(tmp_path: Path) -> None:
    database, path = tmp_path / "database", tmp_path / "database.turns"
    database.touch()
    os.chown(database, os.geteuid() + 1, -1)

    with Turns(path):
        pass

    assert path.stat().st_uid == database.stat().st_uid
