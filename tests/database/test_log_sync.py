"""Commits of SQLite whose sync comes after them: who waits for it, who does not, and what a failed one loses."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from flask import Flask
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import OperationalError

from filewallball import errors
from filewallball.access.tables import generations
from filewallball.database.connections import Database
from filewallball.database.engines import open_engines
from harness.parts import Parts
from harness.waiting import wait_until

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
_NORMAL, _FULL = 1, 2
_LITERAL = {"literal_binds": True}
_NAMES = (
    select(generations.c.name).where(generations.c.name.in_(["a", "b", "c"])).order_by(generations.c.name)
)


class Disk:
    """The syncs of this process: counted, held up, or failed."""

    def __init__(self) -> None:
        self.paths: list[Path] = []
        self.failures = 0
        self.began, self.go_on = Event(), Event()
        self.go_on.set()
        self._real = os.fdatasync

    def sync(self, fd: int) -> None:
        self.paths.append(Path(f"/proc/self/fd/{fd}").readlink())
        self.began.set()
        assert self.go_on.wait(60)
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._real(fd)


@pytest.fixture
def app(set_config: Callable[..., Flask]) -> Flask:
    """The app, which waits for the database for a second."""
    return set_config(DATABASE_TIMEOUT="1s")


@pytest.fixture
def database(app: Flask) -> Database:
    return Parts(app).database


@pytest.fixture
def disk(database: Database, monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(os, "fdatasync", made.sync)
    return made


def adding(name: str) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        connection.execute(insert(generations).values(name=name, value=1))

    return work


def synchronous(connection: Connection) -> int:
    """How SQLite syncs the commits of a connection."""
    driver = connection.connection.driver_connection
    assert driver is not None
    return int(driver.execute("PRAGMA synchronous").fetchone()[0])


def without_log(database: Database, folder: Path) -> list[str]:
    """The names in the database as it is without its log."""
    copy = shutil.copyfile(str(database._writer.url.database), folder / "copy.db")
    with closing(sqlite3.connect(f"file:{copy}?immutable=1", uri=True)) as connection:
        return [name for (name,) in connection.execute(str(_NAMES.compile(compile_kwargs=_LITERAL)))]


def test_the_next_commit_does_not_wait_for_the_disk_but_nobody_is_told_before(
    database: Database, disk: Disk
) -> None:
    disk.go_on.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(database.commit, adding("a"))
        assert disk.began.wait(60)
        second = pool.submit(database.commit, adding("b"))
        wait_until(lambda: database.scalars(_NAMES) == ["a", "b"], what="both are seen")

        assert not first.done()
        assert not second.done()
        disk.go_on.set()

    assert first.exception() is second.exception() is None
    assert {path.name for path in disk.paths} == {"filewallball.db-wal"}
    assert len(disk.paths) == 2  # a sync that began before a commit is none of it


def test_a_commit_that_fails_syncs_nothing_and_keeps_its_connection(database: Database, disk: Disk) -> None:
    connections: list[object] = []

    def work(connection: Connection) -> None:
        connections.append(connection.connection.driver_connection)
        raise errors.NotFound

    for _ in range(2):
        with pytest.raises(errors.NotFound):
            database.commit(work)

    assert disk.paths == []
    assert connections[0] is connections[1]
    assert database.commit(synchronous) == _NORMAL


def test_a_commit_that_a_power_cut_may_undo_is_synced_with_the_next_one(
    database: Database, disk: Disk
) -> None:
    database.commit_unsynced(adding("a"))
    assert disk.paths == []

    database.commit(adding("b"))
    assert len(disk.paths) == 1


def test_no_other_connection_commits_without_a_sync(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT * FROM nothing_of_that_name")

    with pytest.raises(OperationalError):
        database.commit(work)

    with database.begin() as connection:
        assert synchronous(connection) == _FULL
    assert database.commit(synchronous) == _NORMAL


def test_after_a_failed_sync_the_log_is_copied_before_anybody_is_told(
    database: Database, disk: Disk, tmp_path: Path
) -> None:
    database.commit(adding("a"))
    assert without_log(database, tmp_path) == []
    disk.failures = 1

    database.commit(adding("b"))

    assert without_log(database, tmp_path) == ["a", "b"]
    database.commit(adding("c"))
    assert without_log(database, tmp_path) == ["a", "b"]


def test_nobody_is_told_while_the_log_can_neither_be_synced_nor_copied(
    database: Database, disk: Disk
) -> None:
    with database.read() as reader:
        reader.exec_driver_sql("BEGIN")
        reader.execute(_NAMES)
        disk.failures = 1

        for name in "ab":
            with pytest.raises(errors.CommitUnknown):
                database.commit(adding(name))
        with pytest.raises(errors.Unavailable):
            database.sync()
        reader.exec_driver_sql("ROLLBACK")

    database.commit(adding("c"))
    assert database.scalars(_NAMES) == ["a", "b", "c"]


def test_what_another_process_committed_is_synced_too(app: Flask, database: Database, disk: Disk) -> None:
    other = open_engines(Parts(app).settings)
    other_database = Database(other.writer, other.reader)
    database.commit(adding("a"))

    other_database.sync()
    other_database.close()

    assert [path.name for path in disk.paths] == ["filewallball.db-wal"] * 2
