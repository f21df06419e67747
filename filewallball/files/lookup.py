"""Looking one file up: the statement that nearly every request asks, built once."""

from typing import Any

from sqlalchemy import bindparam, select

from filewallball.database.connections import Database
from filewallball.files.models import Blob, File
from filewallball.files.rows import FoundFile

_FILES: Any = File.__table__
_BLOBS: Any = Blob.__table__
SHOWN = (
    "file_id",
    "filename",
    "file_size",
    "mime_type",
    "claimed_type",
    "file_hash",
    "visibility",
    "description",
    "upload_us",
    "expires_us",
    "state",
)
COLUMNS = tuple(_FILES.c[name] for name in SHOWN)
_FOUND = (
    *COLUMNS,
    *(_FILES.c[name] for name in ("owner_id", "delete_digest", "blob_id")),
    *(_BLOBS.c[name] for name in ("path", "scan_state", "damaged_us")),
)
FIND = (
    select(*_FOUND)
    .outerjoin(_BLOBS, _BLOBS.c.id == _FILES.c.blob_id)
    .where(_FILES.c.file_id == bindparam("file_id"))
)


def find_file(database: Database, file_id: str) -> FoundFile | None:
    """The file, whatever its state; None if there never was one."""
    row = database.find(FIND, {"file_id": file_id})
    return None if row is None else FoundFile._make(row)
