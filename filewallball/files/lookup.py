"""Looking one file up: the statement that nearly every request asks, built once."""

from sqlalchemy import bindparam, select

from filewallball.database.connections import Database
from filewallball.files.rows import FoundFile
from filewallball.files.tables import blobs, files

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
COLUMNS = tuple(files.c[name] for name in SHOWN)
_FOUND = (
    *COLUMNS,
    *(files.c[name] for name in ("owner_id", "delete_digest", "blob_id")),
    *(blobs.c[name] for name in ("path", "scan_state", "damaged_us")),
)
FIND = (
    select(*_FOUND)
    .outerjoin(blobs, blobs.c.id == files.c.blob_id)
    .where(files.c.file_id == bindparam("file_id"))
)


def find_file(database: Database, file_id: str) -> FoundFile | None:
    """The file, whatever its state; None if there never was one."""
    row = database.find(FIND, {"file_id": file_id})
    if row is None or row.file_id != file_id:  # MariaDB overlooks spaces at the end
        return None
    return FoundFile._make(row)
