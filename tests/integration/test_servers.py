"""The servers that the tests lean on do what their classes promise."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pymysql
import pytest
import redis
import requests

from harness import ROOT
from harness.servers import Gunicorn, MariaDB, Nginx, Redis
from harness.servers.mariadb import database_name
from harness.waiting import wait_until

_ABANDON = """
import pathlib, sys, threading
from harness import servers
from harness.servers.warm import WarmProcess
servers.Service.warm = WarmProcess()
server = getattr(servers, sys.argv[2])(pathlib.Path(sys.argv[1]))
starter = threading.Thread(target=server.start)
starter.start()
starter.join()
print(server.pid, server.is_running(), flush=True)
sys.stdin.read()
"""


def test_each_database_is_empty_and_its_url_connects(mariadb: MariaDB) -> None:
    first, second = mariadb.create_database(), mariadb.create_database()

    mariadb.execute("CREATE TABLE t (id INT)", database=database_name(first))

    assert first != second
    assert mariadb.execute("SHOW TABLES", database=database_name(first)) == [("t",)]
    assert mariadb.execute("SHOW TABLES", database=database_name(second)) == []


def test_a_dump_fills_a_new_database_with_tables_rows_and_triggers(mariadb: MariaDB, tmp_path: Path) -> None:
    source = mariadb.create_database()
    mariadb.execute(
        "CREATE TABLE parent (id INT PRIMARY KEY, name VARCHAR(20))",
        "CREATE TABLE child (id INT PRIMARY KEY, owner INT, FOREIGN KEY (owner) REFERENCES parent(id))",
        "INSERT INTO parent VALUES (1, '파일')",
        "INSERT INTO child VALUES (2, 1)",
        "CREATE TRIGGER keep BEFORE DELETE ON child FOR EACH ROW SIGNAL SQLSTATE '45000'",
        database=database_name(source),
    )

    copy = mariadb.create_database(mariadb.dump(source, tmp_path / "dump.sql"))

    assert mariadb.execute("SELECT name FROM parent", database=database_name(copy)) == [("파일",)]
    with pytest.raises(pymysql.err.OperationalError, match="Unhandled user-defined exception"):
        mariadb.execute("DELETE FROM child", database=database_name(copy))
    with pytest.raises(pymysql.err.IntegrityError):
        mariadb.execute("INSERT INTO child VALUES (3, 99)", database=database_name(copy))


def test_a_database_that_is_in_use_can_be_dropped(mariadb: MariaDB) -> None:
    url = mariadb.create_database()
    mariadb.execute("CREATE TABLE t (id INT)", database=database_name(url))
    user = {"host": "127.0.0.1", "port": mariadb.port, "user": "filewallball", "password": "private"}
    with pymysql.connect(**user, database=database_name(url), ssl_disabled=True) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM t")
        mariadb.drop_database(url)
        names = {row[0] for row in mariadb.execute("SHOW DATABASES")}
        connection._force_close()

    assert database_name(url) not in names


def test_mariadb_keeps_committed_rows_over_kill_and_start(make_mariadb: Callable[[], MariaDB]) -> None:
    server = make_mariadb()
    name = database_name(server.create_database())
    server.execute("CREATE TABLE t (id INT)", "INSERT INTO t VALUES (7)", database=name)

    server.kill()
    assert not server.is_ready()
    server.start()

    assert server.execute("SELECT id FROM t", database=name) == [(7,)]
    assert server.stop() == 0


def test_a_paused_redis_does_not_answer_until_resumed(redis_server: Redis) -> None:
    redis_server.pause()
    impatient = redis.Redis.from_url(redis_server.url, socket_timeout=0.2, retry=None)
    with impatient, pytest.raises(redis.TimeoutError):
        impatient.ping()

    redis_server.resume()
    wait_until(redis_server.is_ready, what="Redis answers again")


def test_a_stopped_redis_starts_again_empty_on_the_same_url(redis_server: Redis) -> None:
    url = redis_server.url
    with redis_server.client() as client:
        client.set("key", "value")

    assert redis_server.stop() == 0
    assert not redis_server.is_ready()
    redis_server.start()

    assert redis_server.url == url
    with redis_server.client() as client:
        assert client.dbsize() == 0


def test_nginx_serves_the_configuration_it_was_given_and_reloads_another(nginx: Nginx) -> None:
    def configure(answer: str) -> None:
        nginx.configure(f'server {{ listen 127.0.0.1:{nginx.port}; return 200 "{answer}"; }}')

    def answer() -> str:
        return requests.get(nginx.url, timeout=5).text

    configure("first")
    nginx.start()
    first = answer()
    configure("second")
    nginx.reload()

    assert first == "first"
    wait_until(lambda: answer() == "second", what="nginx serves its new configuration")


def test_a_server_that_cannot_start_says_why(nginx: Nginx) -> None:
    nginx.configure("no_such_directive;")

    with pytest.raises(RuntimeError, match="no_such_directive"):
        nginx.start()


@pytest.mark.server
def test_a_killed_worker_is_replaced_and_a_killed_master_leaves_nobody(tmp_path: Path) -> None:
    server = Gunicorn(tmp_path, "wsgiref.simple_server:demo_app", ["--workers", "2"])
    server.start()
    killed = server.kill_worker()
    wait_until(lambda: len(server.worker_pids()) == 2, what="two workers again")
    pids = server.worker_pids()

    answer = server.request("GET", "/")
    server.kill()

    assert killed not in pids
    assert answer.text.startswith("Hello world!")
    wait_until(lambda: not any(map(psutil.pid_exists, pids)), what="the workers are gone")


@pytest.mark.server
@pytest.mark.parametrize(
    ("kind", "end"), [("Redis", signal.SIGKILL), ("Redis", signal.SIGTERM), ("Service", signal.SIGKILL)]
)
def test_servers_end_with_the_tests_that_started_them_from_any_thread(
    tmp_path: Path, kind: str, end: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _ABANDON, str(tmp_path), kind],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as tests:
        assert tests.stdout is not None
        pid, was_running = tests.stdout.readline().split()
        os.kill(tests.pid, end)
        wait_until(lambda: not psutil.pid_exists(int(pid)), what="the server is gone")

    assert was_running == "True"
