"""The list of unfinished uploads: a user's own, all for administrators."""

from sqlalchemy import func, select

from filewallball import errors, permissions
from filewallball.database.connections import Database
from filewallball.files.resumable.progress import COLUMNS, Upload, of_row
from filewallball.files.resumable.tables import RECEIVING, uploads
from filewallball.recording.caller import Caller
from filewallball.web.paging import Page, Total


def list_unfinished(database: Database, caller: Caller, *, page: int, size: int) -> Page[Upload]:
    """Unfinished uploads, newest first. Raises AuthMissing for callers without a token, who own none by name."""
    if caller.is_anonymous:
        raise errors.AuthMissing("Of an upload without an owner, only its address is known.")
    chosen = [uploads.c.state == RECEIVING]
    if not caller.may(permissions.ANY_FILE):
        chosen.append(uploads.c.principal == caller.principal)
    order = uploads.c.created_us.desc(), uploads.c.upload_id
    statement = select(*COLUMNS).where(*chosen).order_by(*order).limit(size).offset((page - 1) * size)
    total = database.scalar(select(func.count()).select_from(uploads).where(*chosen))
    return Page([of_row(row) for row in database.rows(statement)], Total(total), page, size)
