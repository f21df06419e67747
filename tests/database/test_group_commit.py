"""Commits of several threads as one: who shares a transaction, and what becomes of them when one fails."""

import errno
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import StaticPool

from filewallball import errors
from filewallball.database.group_commit import GroupCommit
from filewallball.database.stock import Commits
from harness.waiting import wait_until

_THREADS = 5


class Store:
    """A database in memory that counts its transactions, behind a lock that the test may hold."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.engine = create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
        self.sizes: list[int] = []
        self.breaks = self.is_locked = False
        with self.engine.begin() as connection:
            connection.execute(text("CREATE TABLE names (name TEXT)"))
        self.commits = GroupCommit(self.lock, self.transact)

    def transact(self, works: Sequence[Callable[[Any], Any]]) -> list[Any]:
        if self.is_locked:
            self.sizes.append(0)
            raise OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked"))
        with self.engine.connect() as connection, connection.begin():
            results = [work(connection) for work in works]
        self.sizes.append(sum(result is not None for result in results))
        if self.breaks:
            raise errors.CommitUnknown
        return results

    def names(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(connection.execute(text("SELECT name FROM names ORDER BY name")).scalars())

    def all_at_once(self, *works: Callable[[Any], Any]) -> list[Future[Any]]:
        """Every work in a thread of its own; none begins before all wait."""
        with ThreadPoolExecutor(len(works)) as pool, self.lock:
            futures = [pool.submit(self.commits.run, work) for work in works]
            wait_until(lambda: len(self.commits.waiting) == len(works), what="all wait")
        return futures


def adding(name: str) -> Callable[[Any], str]:
    def work(connection: Any) -> str:
        connection.execute(text("INSERT INTO names VALUES (:name)"), {"name": name})
        return name

    return work


def failing(connection: Any) -> None:
    adding("never")(connection)
    raise errors.NotFound


def test_all_who_wait_share_one_transaction() -> None:
    store = Store()

    futures = store.all_at_once(*[adding(str(number)) for number in range(_THREADS)])

    assert [future.result() for future in futures] == store.names() == ["0", "1", "2", "3", "4"]
    assert store.sizes == [_THREADS]


def test_a_work_that_fails_fails_alone() -> None:
    store = Store()

    first, second, third = store.all_at_once(adding("first"), failing, adding("third"))

    assert (first.result(), third.result()) == ("first", "third")
    with pytest.raises(errors.NotFound):
        second.result()
    assert store.names() == ["first", "third"]


def test_a_commit_of_unknown_outcome_is_everybodys() -> None:
    store = Store()
    store.breaks = True

    for future in store.all_at_once(adding("a"), adding("b")):
        with pytest.raises(errors.CommitUnknown):
            future.result()

    assert store.names() == ["a", "b"]  # once each: what may have landed is not tried again


def test_where_the_sync_fails_behind_anothers_failure_the_outcome_is_unknown() -> None:
    store = Store()

    def broken() -> None:
        raise OSError(errno.EIO, "broken")

    store.commits = GroupCommit(store.lock, store.transact, broken)

    first, second = store.all_at_once(adding("first"), failing)

    with pytest.raises(errors.CommitUnknown):  # it is committed, and may be lost
        first.result()
    with pytest.raises(errors.NotFound):
        second.result()
    assert store.names() == ["first"]


def test_what_keeps_all_from_beginning_is_waited_for_once() -> None:
    store = Store()
    store.is_locked = True

    for future in store.all_at_once(adding("a"), adding("b"), adding("c")):
        with pytest.raises(OperationalError):
            future.result()

    assert store.sizes == [0]


def test_who_comes_alone_waits_for_nobody() -> None:
    store = Store()

    assert [store.commits.run(adding(name)) for name in "ab"] == ["a", "b"]
    assert store.sizes == [1, 1]


def test_many_threads_lose_nothing() -> None:
    store = Store()

    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda number: store.commits.run(adding(f"{number:03d}")), range(200)))

    assert names == store.names()
    assert sum(store.sizes) == len(names)


def test_each_work_sees_the_context_of_its_own_thread() -> None:
    store = Store()
    name = ContextVar[str]("name")

    def begin(mine: str) -> str:
        name.set(mine)
        return store.commits.run(lambda connection: adding(name.get())(connection))

    with ThreadPoolExecutor(_THREADS) as pool, store.lock:
        futures = [pool.submit(begin, str(number)) for number in range(_THREADS)]
        wait_until(lambda: len(store.commits.waiting) == _THREADS, what="all wait")

    assert [future.result() for future in futures] == store.names() == ["0", "1", "2", "3", "4"]


def test_the_stock_way_keeps_the_same_and_fails_the_same() -> None:
    store = Store()
    stock = Commits(store.lock, store.transact)

    assert [stock.run(adding(name)) for name in "ab"] == store.names() == ["a", "b"]
    with pytest.raises(errors.NotFound):
        stock.run(failing)
    assert store.names() == ["a", "b"]
