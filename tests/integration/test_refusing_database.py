"""A MariaDB that takes no changes, or goes away before COMMIT: clean answers, and no bytes left behind."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pymysql
import pytest
import requests
from sqlalchemy.engine import make_url

from harness.servers import Front, MariaDB, Service
from harness.waiting import wait_until

_WAITING = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'INSERT INTO blobs%'"


@pytest.fixture
def server(service: Callable[..., Service], database: MariaDB) -> Service:
    """A service on that MariaDB, which it gives two seconds."""
    settings = {"DATABASE_URL": database.create_database(), "DATABASE_TIMEOUT": "2s", "MIN_FREE_SPACE": "0"}
    return service({**settings, "TRUSTED_PROXIES": "127.0.0.0/8"})


@pytest.fixture(params=["directly", "through nginx"])
def address(request: pytest.FixtureRequest, server: Service) -> str:
    """The address of the service, directly or through nginx."""
    if request.param == "directly":
        return server.url
    front: Front = request.getfixturevalue("front")
    front.ship(server.environment())
    front.start()
    return front.url


@pytest.fixture
def locked(server: Service) -> Iterator[pymysql.Connection]:
    """A transaction that holds every blob's row."""
    assert upload(server.url).status_code == 201
    connection = pymysql.connect(**account(server.settings["DATABASE_URL"]))
    connection.begin()
    connection.cursor().execute("SELECT * FROM blobs FOR UPDATE")
    yield connection
    connection._force_close()


def upload(address: str, content: bytes = b"content") -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.post(f"{address}/upload", files={"file": ("a.txt", content)}, timeout=60)


def account(url: str) -> dict[str, Any]:
    """The arguments with which PyMySQL reaches a database."""
    parsed = make_url(url)
    return {
        "host": parsed.host,
        "port": parsed.port,
        "user": parsed.username,
        "password": parsed.password,
        "database": parsed.database,
    }


def files_of(server: Service) -> list[int]:
    """Count the files among the blobs and among the stages."""
    folders = [server.data_dir / "storage" / name for name in ("blobs", "staging")]
    return [sum(path.is_file() for path in folder.rglob("*")) for folder in folders]


def test_a_read_only_database_leaves_nothing_of_any_upload(
    server: Service, database: MariaDB, address: str
) -> None:
    database.execute("SET GLOBAL read_only = 1")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: upload(address, b"%d" % number), range(100)))
    wait_until(lambda: files_of(server) == [0, 0], what="no file is left but a passing health check's")
    database.execute("SET GLOBAL read_only = 0")

    assert {answer.status_code for answer in answers} == {503}
    assert {answer.json()["code"] for answer in answers} == {"unavailable"}
    assert {answer.json()["detail"] for answer in answers} == {"The database is read-only."}
    assert upload(address).status_code == 201


def test_a_database_that_becomes_read_only_before_commit_keeps_nothing(database: MariaDB) -> None:
    user = pymysql.connect(**account(database.create_database()))
    user.cursor().execute("CREATE TABLE t (a INT)")
    user.begin()
    user.cursor().execute("INSERT INTO t VALUES (1)")
    database.execute("SET GLOBAL read_only = 1")

    with pytest.raises(pymysql.err.OperationalError) as refusal:
        user.commit()

    database.execute("SET GLOBAL read_only = 0")
    user.rollback()
    rows = user.cursor()
    rows.execute("SELECT * FROM t")
    assert refusal.value.args[0] == 1290
    assert rows.fetchall() == ()
    user.close()


@pytest.mark.parametrize("how", ["killed", "waited for too long"])
def test_a_database_lost_before_commit_leaves_no_bytes(
    server: Service, database: MariaDB, locked: pymysql.Connection, how: str
) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(upload, server.url)
        wait_until(lambda: database.execute(_WAITING) == [(1,)], what="the upload waits for the row")
        if how == "killed":
            database.kill()

    assert (answer.result().status_code, answer.result().json()["code"]) == (503, "unavailable")
    wait_until(lambda: files_of(server) == [1, 0], what="no stage is left but a passing health check's")
