"""Where the database hangs, one connection a second waits for it and the others are refused at once."""

from collections.abc import Iterator
from typing import Any

import pymysql
import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from filewallball.database.hung_server import HungServer
from harness.servers import MariaDB

_NOBODY = 9
"""A port on which nobody listens."""


class Clock:
    """Time that passes while a connection is opened, and the port that is asked, if another than the right one."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.seconds_to_connect = 0.0
        self.tried = 0
        self.port = 0

    def connect(self) -> None:
        self.tried += 1
        self.now += self.seconds_to_connect


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(mariadb: MariaDB, clock: Clock) -> Iterator[Engine]:
    """An engine whose connections take as long as the clock says."""
    url = mariadb.create_database()
    made = create_engine(url, poolclass=NullPool)
    HungServer(lambda: clock.now).watch(made)
    connect = made.dialect.connect

    def timed(*arguments: Any, **options: Any) -> Any:
        clock.connect()
        return connect(*arguments, **{**options, "port": clock.port or options["port"]})

    made.dialect.connect = timed  # type: ignore[method-assign]
    yield made
    mariadb.drop_database(url)


def fails(engine: Engine, clock: Clock) -> int:
    """How many connections were tried before the failure."""
    before = clock.tried
    with pytest.raises(OperationalError) as raised:
        engine.connect()
    assert isinstance(raised.value.orig, pymysql.err.OperationalError)
    return clock.tried - before


def test_after_a_slow_failure_one_connection_a_second_is_tried(engine: Engine, clock: Clock) -> None:
    engine.connect().close()
    clock.port = _NOBODY

    clock.seconds_to_connect = 2.0
    tried = [fails(engine, clock) for _ in range(3)]
    clock.now += 1.0
    tried += [fails(engine, clock) for _ in range(2)]
    clock.port = 0
    assert fails(engine, clock) == 0
    clock.now += 1.0
    engine.connect().close()

    assert tried == [1, 0, 0, 1, 0]
    before = clock.tried
    engine.connect().close()
    assert clock.tried == before + 1


def test_a_server_that_refuses_at_once_is_asked_each_time(engine: Engine, clock: Clock) -> None:
    clock.port = _NOBODY
    assert [fails(engine, clock) for _ in range(3)] == [1, 1, 1]
