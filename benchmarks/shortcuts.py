"""Each shortcut past SQLAlchemy, werkzeug and Python's defaults against the stock way, in turns, on what it touches.

Times differ from run to run with what else the machine does; the ratio of one run's medians says something.
"""

import argparse
import gc
import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from flask import Flask
from sqlalchemy import Connection
from uuid_utils import uuid7
from werkzeug.test import EnvironBuilder

from filewallball import create_app
from filewallball.access.quotas import _FIND
from filewallball.audit.filters import AuditFilter
from filewallball.audit.queries import list_events
from filewallball.clock import now_us
from filewallball.database.dialect import Dialect
from filewallball.database.group_commit import GroupCommit
from filewallball.database.packed import PackedStatements
from filewallball.database.prepared import PreparedStatements
from filewallball.database.stock import Commits, Inserts, Statements
from filewallball.files.lookup import FIND
from filewallball.recording.audit_rows import COLUMNS, AuditWriter
from filewallball.recording.event import Event
from filewallball.recording.tables import audit_log
from filewallball.serving.master import import_libraries
from filewallball.settings.loading import load_settings
from filewallball.web.cycle import Cycle
from filewallball.web.routing import Shortcuts
from harness.parts import Parts
from harness.servers import MariaDB, Service

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_THREADS, _LOG_ROWS, _SHIPPED, _FETCHED = 8, 300_000, 2_000, 200
Way = Callable[[], None]


def main() -> None:
    """Print every shortcut's figures."""
    rounds = argparse.ArgumentParser(description=__doc__)
    rounds.add_argument("--rounds", type=int, default=8)
    turns: int = rounds.parse_args().rounds
    print(f"{'':<52}{'stock':>12}{'shortcut':>12}{'saved':>8}")
    with tempfile.TemporaryDirectory(prefix="filewallball-shortcuts-") as name:
        with _parts(Path(name) / "sqlite") as parts:
            _compare_prepared(parts, turns)
            _compare_uploads(parts, turns)
            _compare_shipping(parts, turns, "prepared")
            _compare_skip_scan(parts, turns)
            _compare_routing(parts, turns)
        _compare_frozen_collection(turns)
        server = MariaDB(Path(name) / "server", Path(name) / "template")
        server.start()
        try:
            with _parts(Path(name) / "mariadb", DATABASE_URL=server.create_database()) as parts:
                _compare_packed(parts, turns)
                _compare_shipping(parts, turns, "bulk insert")
        finally:
            server.stop()


@contextmanager
def _parts(folder: Path, **settings: str) -> Iterator[Parts]:
    service = Service(folder, {"MIN_FREE_SPACE": "0", "RATELIMIT_UPLOAD": "1000000/minute", **settings})
    service.cli("prepare")
    parts = Parts(create_app(load_settings(service.settings)))
    parts.store.prepare()
    parts.journal.prepare()
    yield parts
    parts.journal.close()
    parts.database.close()


def _compare_prepared(parts: Parts, turns: int) -> None:
    """A file looked up, and the statements of an upload's transaction, rolled back."""
    database, stock = parts.database, Statements(parts.database.query)
    prepared = PreparedStatements(database._reader, database.query)
    both = stock, prepared
    _compare_lookups(parts, "prepared: a file looked up, SQLite", both, turns)
    insert = database.dialect.insert(audit_log)
    writer = AuditWriter(database, b"key")

    def statements(which: Statements, connection: Connection) -> None:
        row = dict(zip(COLUMNS, writer.row(vars(_event())), strict=True))
        which.execute(connection, _FIND, {"principal": "user:1"}).first()
        which.execute(connection, insert, row)

    def transaction(which: Statements) -> None:
        with database.writing() as connection, connection.begin() as begun:
            for _ in range(100):
                statements(which, connection)
            begun.rollback()

    name = "prepared: two statements of an upload, SQLite"
    _report(name, [partial(transaction, each) for each in both], turns, 100)


def _compare_packed(parts: Parts, turns: int) -> None:
    database = parts.database
    both = Statements(database.query), PackedStatements(database._reader, database.query)
    _compare_lookups(parts, "packed: a file looked up, MariaDB", both, turns)


def _compare_lookups(parts: Parts, name: str, ways: Iterable[Statements], turns: int) -> None:
    file_id = parts.app.test_client().put("/upload/a.txt", data=b"content").get_json()["file_id"]

    def look_up(which: Statements) -> None:
        for _ in range(200):
            which.row(FIND, {"file_id": file_id})

    _report(name, [partial(look_up, each) for each in ways], turns, 200)


def _compare_uploads(parts: Parts, turns: int) -> None:
    """Uploads of eight threads, and the commits of eight threads alone."""
    database = parts.database
    lock, transact = database._write_lock, database._transact
    writer = AuditWriter(database, b"key")
    both = Commits(lock, transact), GroupCommit(lock, transact)

    def commits(which: Commits) -> None:
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(lambda _: which.run(lambda c: writer.append(c, _event())), range(_THREADS * 10)))

    def uploads(which: Commits) -> None:
        database.commits = which
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(lambda _: _upload(parts), range(_THREADS * 10)))

    count = _THREADS * 10
    _report(
        "group commit: a commit, 8 threads, SQLite", [partial(commits, each) for each in both], turns, count
    )
    _report(
        "group commit: an upload, 8 threads, SQLite", [partial(uploads, each) for each in both], turns, count
    )


def _upload(parts: Parts) -> None:
    answer = parts.app.test_client().put("/upload/a.bin", data=secrets.token_bytes(1024))
    assert answer.status_code == 201, answer.get_json()


def _compare_shipping(parts: Parts, turns: int, name: str) -> None:
    """Events made into rows, and those into the database, committed."""
    database = parts.database
    writer, dialect = AuditWriter(database, b"key"), database._writer.dialect
    statement = database.dialect.insert_ignoring(audit_log)

    def ship(inserts: Inserts) -> None:
        rows = [writer.row(vars(_event())) for _ in range(_SHIPPED)]
        with database.begin() as connection:
            inserts.execute(connection, rows)

    both = Inserts(statement, COLUMNS, dialect), database.bulk(statement, COLUMNS)
    _report(
        f"{name}: a row shipped, {database.dialect.title}",
        [partial(ship, each) for each in both],
        turns,
        _SHIPPED,
    )


def _compare_skip_scan(parts: Parts, turns: int) -> None:
    """Compare ways to find the values of a filter on the audit list, in a log of 300,000 rows."""
    database = parts.database
    writer = AuditWriter(database, b"key")
    for _ in range(0, _LOG_ROWS, 10_000):
        with database.begin() as connection:
            writer.send(connection, writer.prepare(vars(_event()) for _ in range(10_000)))
    columns = [audit_log.c.action, audit_log.c.status]

    def ask(distinct: Callable[..., object]) -> None:
        with database.read() as connection:
            distinct(connection, columns, "ix_audit_log_action", [], 200)

    both = partial(Dialect.distinct, database.dialect), database.dialect.distinct
    _report("skip scan: the actions of 300,000 rows, SQLite", [partial(ask, each) for each in both], turns, 1)
    _report("skip scan: the first page of a verb, SQLite", [partial(_list, parts, e) for e in both], turns, 1)


def _list(parts: Parts, distinct: Callable[..., object]) -> None:
    parts.database.dialect.distinct = distinct  # type: ignore[method-assign, assignment]
    list_events(parts.database, AuditFilter(action="read"), with_total=False)


def _compare_routing(parts: Parts, turns: int) -> None:
    """A download in one process without a network: its rule found at once or searched by werkzeug, and its way through
    Flask as Flask has it, or without what has no effect here."""
    client = parts.app.test_client()
    file_id = client.put("/upload/a.bin", data=b"x" * 100_000).get_json()["file_id"]
    environ = EnvironBuilder(f"/download/{file_id}").get_environ()

    def fetch(target: str, way: object) -> None:
        with patch(target, way):
            for _ in range(_FETCHED):
                body = parts.app.wsgi_app(dict(environ), lambda *_: lambda _: None)
                for _ in body:
                    pass
                getattr(body, "close", lambda: None)()

    ways: tuple[tuple[str, str, tuple[object, object]], ...] = (
        ("routing", "filewallball.web.routing.Shortcuts.find", (lambda *_: None, Shortcuts.find)),
        ("cycle", "filewallball.web.app.Cycle", (_StockCycle, Cycle)),
    )
    for name, target, both in ways:
        _report(
            f"{name}: a download, processor time",
            [partial(fetch, target, each) for each in both],
            turns,
            _FETCHED,
            time.thread_time,
        )


class _StockCycle:
    """A request's way through Flask as Flask has it."""

    def __init__(self, app: Flask, environ: "WSGIEnvironment") -> None:
        self._app = app
        self._environ = environ

    def run(self, start_response: "StartResponse") -> Iterable[bytes]:
        return Flask.wsgi_app(self._app, self._environ, start_response)


def _compare_frozen_collection(turns: int) -> None:
    """Memory that a worker no longer shares with the master once it has collected all garbage, in KiB."""
    import_libraries()
    kibibytes: tuple[list[int], list[int]] = ([], [])
    for _ in range(turns):
        for found, prepare in zip(kibibytes, (gc.unfreeze, gc.freeze), strict=True):
            prepare()
            found.append(_own_memory_of_a_child())
    stock, shortcut = (statistics.median(found) for found in kibibytes)
    name = "frozen collection: a worker's own memory"
    print(f"{name:<52}{stock:>8,.0f} KiB{shortcut:>8,.0f} KiB{1 - shortcut / stock:>8.0%}", flush=True)


def _own_memory_of_a_child() -> int:
    """What a fork changes of the memory that it began with by one full collection."""
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        gc.collect()
        text = Path("/proc/self/smaps_rollup").read_text()
        os.write(
            theirs, next(line for line in text.splitlines() if "Private_Dirty" in line).split()[1].encode()
        )
        os._exit(0)
    os.waitpid(child, 0)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        return int(pipe.read())


def _event() -> Event:
    action = secrets.choice(("file:upload", "file:download", "file:view", "file:list", "auth:fail"))
    address = f"10.{secrets.randbelow(200)}.{secrets.randbelow(200)}.1"
    return Event(str(uuid7()), now_us(), action, ip_address=address)


def _report(
    name: str, ways: list[Way], turns: int, count: int, clock: Callable[[], float] = time.perf_counter
) -> None:
    """Both ways in turns, after one that warms up; microseconds of each thing done."""
    seconds: list[list[float]] = [[] for _ in ways]
    for turn in range(turns + 1):
        for way, taken in zip(ways, seconds, strict=True):
            began = clock()
            way()
            if turn:
                taken.append((clock() - began) / count * 1e6)
    stock, shortcut = (statistics.median(taken) for taken in seconds)
    print(f"{name:<52}{stock:>9,.0f} us{shortcut:>9,.0f} us{1 - shortcut / stock:>8.0%}", flush=True)


if __name__ == "__main__":
    main()
