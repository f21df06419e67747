"""The app's parts over an audit log that is empty at first, and events to put on record."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from uuid_utils import uuid7

from filewallball.audit.journal import Journal
from filewallball.clock import now_us
from filewallball.event import Event
from filewallball.observability.slots import Slots
from filewallball.runtime import Runtime, runtime


@pytest.fixture
def parts(app: Flask) -> Runtime:
    """What the app is made of; nothing is on record yet."""
    found = runtime(app)
    alter(found, "DELETE FROM audit_log", *_FROM_ONE[found.database.is_sqlite])
    return found


@pytest.fixture
def record(parts: Runtime) -> Callable[..., list[Event]]:
    """Puts events straight into the audit table: `record(3, action="file:view")`."""

    def write(count: int = 1, **fields: Any) -> list[Event]:
        events = [make_event(**fields) for _ in range(count)]
        with parts.database.begin() as connection:
            parts.ledger.trail.append_once(connection, events)
        return events

    return write


@pytest.fixture
def make_journal(tmp_path: Path) -> Iterator[Callable[..., Journal]]:
    """Builds journals over one folder, each with a slot of its own."""
    held: list[Slots] = []

    def make(*, sync_each: bool = False) -> Journal:
        slots = Slots(tmp_path / "slots")
        held.append(slots)
        made = Journal(tmp_path / "journal", slots.number, sync_each=sync_each)
        (tmp_path / "journal").mkdir(exist_ok=True)
        return made

    yield make
    for slots in held:
        slots.release()


def make_event(**fields: Any) -> Event:
    """The smallest event that says who, what and where."""
    defaults: dict[str, Any] = {
        "event_id": str(uuid7()),
        "timestamp_us": now_us(),
        "action": "file:download",
        "resource_type": "file",
        "ip_address": "192.0.2.7",
        "username": "쿠키 🍪",
        "user_agent": "curl/8",
    }
    return Event(**{**defaults, **fields})


def alter(parts: Runtime, *statements: str) -> None:
    """Change the database behind the service's back."""
    with parts.database.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def rewrite_schema(parts: Runtime, name: str, before: str, after: str, *, reindex: bool = False) -> None:
    """Change the text that SQLite keeps of a table or index, as whoever can write to the file may."""
    parts.database.close()
    path = parts.settings.database_url.removeprefix("sqlite:///")
    change = "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE name = ? AND instr(sql, ?)"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        assert connection.execute(change, (before, after, name, before)).rowcount == 1
        (version,) = connection.execute("PRAGMA schema_version").fetchone()
        connection.execute(f"PRAGMA schema_version = {version + 1}")
    if reindex:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(f"REINDEX {name}")


def seal_blocks(parts: Runtime, record: Callable[..., list[Event]], count: int) -> None:
    """So many blocks of four rows each."""
    for _ in range(count):
        record(4)
        parts.digest.run()


def rows_of(parts: Runtime, statement: Any) -> list[Any]:
    """What the database answers now."""
    if isinstance(statement, str):
        statement = text(statement)
    return parts.database.query(lambda connection: list(connection.execute(statement)))


_FROM_ONE: dict[bool, tuple[str, ...]] = {True: (), False: ("ALTER TABLE audit_log AUTO_INCREMENT = 1",)}
