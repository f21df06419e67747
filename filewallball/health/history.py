"""The history of health: a row for each change of a dependency's state, as each host sees it, kept for 90 days."""

import socket
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, func, insert, or_, select
from sqlalchemy.exc import SQLAlchemyError

from filewallball.clock import now_us
from filewallball.database.columns import equals
from filewallball.database.connections import Database
from filewallball.health.checks import DISABLED, CheckResult, HealthChecks, worst
from filewallball.health.tables import health_changes
from filewallball.text import sanitize
from filewallball.web import paging

SERVICE = "service"
"""The name under which the state of the whole is kept beside those of its dependencies."""
KEPT_US = 90 * 86_400_000_000
_MOST_WAITING = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """A state that a dependency came into."""

    changed_us: int
    host: str
    dependency: str
    status: str
    error: str


class HealthHistory:
    """Writes this host's changes. What it sees while the database is away it writes once that is back."""

    def __init__(self, database: Database, checks: HealthChecks, host: str = "") -> None:
        self._database = database
        self._checks = checks
        self._host = sanitize(host or socket.gethostname(), 64)
        self._known: dict[str, str] = {}
        self._waiting: deque[Change] = deque(maxlen=_MOST_WAITING)

    def run(self) -> None:
        """Look at every dependency, and write what has changed since the last row of each."""
        results = self._checks.look()
        results[SERVICE] = CheckResult(worst(results.values()))
        with suppress(SQLAlchemyError):
            self._known = self._database.query(self._newest)
        known = self._known | {change.dependency: change.status for change in self._waiting}
        for name, result in results.items():
            if result.status != known.get(name, DISABLED):
                error = sanitize(result.error, 255)
                self._waiting.append(Change(now_us(), self._host, name, result.status, error))
        if self._waiting:
            self._write()

    def forget_old(self, now: int) -> None:
        """Delete what is older than 90 days, but for the state that each dependency is in."""
        of, later = health_changes.c, health_changes.alias().c
        is_over = exists().where(later.host == of.host, later.dependency == of.dependency, later.id > of.id)
        with self._database.begin() as connection:
            connection.execute(delete(health_changes).where(of.changed_us < now - KEPT_US, is_over))

    def _write(self) -> None:
        changes = list(self._waiting)
        with self._database.begin() as connection:
            known = self._newest(connection)
            for change in changes:
                if known.get(change.dependency) != change.status:
                    connection.execute(insert(health_changes), asdict(change))
                known[change.dependency] = change.status
        self._waiting.clear()

    def _newest(self, connection: Connection) -> dict[str, str]:
        of = health_changes.c
        last = select(func.max(of.id)).where(equals(of.host, self._host)).group_by(of.dependency)
        rows = connection.execute(select(of.dependency, of.status).where(of.id.in_(last)))
        return {row.dependency: row.status for row in rows}


def list_changes(
    database: Database, *, dependency: str, cursor: str, limit: int
) -> tuple[Sequence[Row[Any]], str | None]:
    """One page of the changes on all hosts, newest first, and the cursor that leads on.

    Raises ValidationFailed for a foreign cursor.
    """
    of = health_changes.c
    wanted = [equals(of.dependency, dependency)] if dependency else []
    if cursor:
        moment, row_id = paging.decode(cursor)
        wanted.append(and_(of.changed_us <= moment, or_(of.changed_us < moment, of.id < row_id)))
    statement = select(*of).where(*wanted).order_by(of.changed_us.desc(), of.id.desc()).limit(limit + 1)
    rows = database.rows(statement)
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], paging.encode(rows[limit - 1].changed_us, rows[limit - 1].id)
