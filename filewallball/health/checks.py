"""The checks: each exercises the real path of one dependency and says how long it took."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import text

from filewallball import errors
from filewallball.runtime import Runtime

HEALTHY, UNHEALTHY = "healthy", "unhealthy"


@dataclass(frozen=True, slots=True)
class Result:
    """How one dependency is."""

    name: str
    status: str
    seconds: float
    error: str = ""


def run_checks(parts: Runtime) -> list[Result]:
    """Database, storage and journal, one after the other."""
    return [
        _timed("database", lambda: _database(parts)),
        _timed("storage", lambda: _storage(parts)),
        _timed("audit_journal", parts.journal.probe),
    ]


def _database(parts: Runtime) -> None:
    parts.database.query(lambda connection: connection.execute(text("SELECT 1")).scalar_one())


def _storage(parts: Runtime) -> None:
    """Write, sync, read back and drop a few bytes where uploads begin."""
    content = secrets.token_bytes(64)
    with parts.store.stage(max_bytes=len(content)) as stage:
        stage.write(content)
        stage.sync()
        stage.seek(0)
        if stage.read() != content:
            raise errors.StorageFailed("The canary read back differently.")


def _timed(name: str, check: Callable[[], object]) -> Result:
    started = time.perf_counter()
    try:
        check()
    except Exception as error:
        return Result(name, UNHEALTHY, time.perf_counter() - started, type(error).__name__)
    return Result(name, HEALTHY, time.perf_counter() - started)
