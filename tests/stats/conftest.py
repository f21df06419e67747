"""The app's parts over an empty audit log, and events to put on record."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event, text

from filewallball.recording.event import Event
from filewallball.stats.snapshot import Statistics
from harness.parts import Parts, put_on_record
from tests.fixtures import audit_log

Record = Callable[..., list[Event]]


@pytest.fixture
def parts(app: Flask) -> Parts:
    """The parts of the app; nothing is on record yet."""
    found = Parts(app)
    with found.database.begin() as connection:
        connection.execute(text("DELETE FROM audit_log"))
    return found


@pytest.fixture
def statistics(app: Flask, parts: Parts) -> Statistics:
    """The statistics of the app."""
    return parts.statistics


@pytest.fixture
def record(parts: Parts) -> Record:
    """Puts events straight into the audit table: `record(3, action="file:view")`."""

    def write(count: int = 1, **fields: Any) -> list[Event]:
        events = [make_event(**fields) for _ in range(count)]
        put_on_record(parts, events)
        return events

    return write


@contextmanager
def seen_statements() -> Iterator[list[str]]:
    """The statements that SQLAlchemy passes to the database meanwhile."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


def make_event(**fields: Any) -> Event:
    """The smallest event of an upload that was timed."""
    return audit_log.make_event(
        **{"action": "file:upload", "username": "", "user_agent": "", "duration_us": 1000, **fields}
    )


def chance_event(chance: random.Random, newest_us: int, span_us: int) -> Event:
    """Any event that could be, within `span_us` before `newest_us`, most of them lately."""
    action = chance.choice(
        ("file:upload", "file:upload", "file:download", "file:view", "file:delete", "auth:fail")
    )
    status = chance.choice(("success", "success", "success", "failed", "denied"))
    codes = {
        "success": ("",),
        "failed": ("file_too_large", "network_error"),
        "denied": ("auth_unknown", "rate_limited"),
    }
    return make_event(
        timestamp_us=newest_us - int(span_us * chance.random() ** 4),
        action=action,
        status=status,
        error_type=chance.choice(codes[status]),
        user_id=chance.choice((0, 0, 1, 2, 3)),
        ip_address=chance.choice(
            ("", "192.0.2.1", "192.0.2.2", "2001:db8::1", f"198.51.100.{chance.randrange(256)}")
        ),
        file_type=chance.choice(("", "image/png", "text/plain", "application/pdf")),
        file_size=chance.choice((0, 1, 1000, 2**40)),
        duration_us=chance.choice((0, 1, chance.randrange(1, 10**8))),
        cache=chance.choice(("none", "hit", "miss")),
        count=1 if status == "success" else chance.choice((1, 1, 7)),
        details=chance.choice(("", '{"suspicious":true}', '{"filename":"\\"suspicious\\":true"}')),
    )
