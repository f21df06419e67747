"""Files that only have a row, by name: as this release writes it, or as an earlier one did."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, insert

from filewallball.clock import now_us
from filewallball.files.tables import LIVE, PUBLIC, backfills, files
from filewallball.text import fold
from harness.parts import Parts


def put_names(parts: Parts, names: Iterable[str], *, folded: bool = True, **columns: Any) -> None:
    """Insert public files with these names, each newer than the one before; without folded names, as an earlier release
    would, unless `folded`."""
    began = now_us()
    rows = [
        {
            "file_id": f"{began}-{number}",
            "state": LIVE,
            "visibility": PUBLIC,
            "filename": name,
            "name_folded": fold(name) if folded else None,
            "description": "",
            "file_size": 1,
            "mime_type": "text/plain",
            "claimed_type": "",
            "file_hash": "",
            "blob_id": 0,
            "owner_id": 0,
            "delete_digest": "",
            "client_ip": "192.0.2.7",
            "upload_us": began + number,
            **columns,
        }
        for number, name in enumerate(names)
    ]
    if rows:
        with parts.database.begin() as connection:
            connection.execute(insert(files), rows)


def forget_names(parts: Parts) -> None:
    """Remove all files, as in a new database."""
    with parts.database.begin() as connection:
        connection.execute(delete(files))
        connection.execute(delete(backfills))
