"""Reading the audit log, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, select

from filewallball import errors
from filewallball.audit.models import AuditRow
from filewallball.database import Database

DEEPEST_ROW = 10_000
VERBS = {
    "create": ("upload", "create", "add"),
    "read": ("download", "view", "thumbnail", "list", "describe", "check", "read", "export"),
    "update": ("update", "rotate", "release", "login"),
    "delete": ("delete", "expire", "revoke", "prune"),
}


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows. `action` is a full action (`file:upload`) or one of create, read, update, delete."""

    action: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Rows of one page and where it stands."""

    rows: Sequence[Row[Any]]
    total: int
    page: int
    size: int

    @property
    def pages(self) -> int:
        return -(-self.total // self.size)


def list_events(database: Database, wanted: AuditFilter, *, page: int, size: int) -> AuditPage:
    """One page of the log. Raises PageTooDeep past 10,000 rows of offset."""
    if page * size > DEEPEST_ROW:
        raise errors.PageTooDeep(f"page × size may not exceed {DEEPEST_ROW}.")
    conditions = _conditions(wanted)
    rows = (
        select(*AuditRow.__table__.columns)
        .where(*conditions)
        .order_by(AuditRow.timestamp_us.desc(), AuditRow.id.desc())
        .limit(size)
        .offset((page - 1) * size)
    )
    count = select(func.count()).select_from(AuditRow).where(*conditions)

    def work(connection: Any) -> AuditPage:
        return AuditPage(connection.execute(rows).all(), connection.execute(count).scalar_one(), page, size)

    return database.query(work)


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.action in VERBS:
        conditions.append(or_(*(AuditRow.action.endswith(f":{verb}") for verb in VERBS[wanted.action])))
    elif wanted.action:
        conditions.append(AuditRow.action == wanted.action)
    if wanted.status:
        conditions.append(AuditRow.status == wanted.status)
    return conditions
