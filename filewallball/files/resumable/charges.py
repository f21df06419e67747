"""What an upload was charged for before it is a file."""

from sqlalchemy import Connection, select, update

from filewallball.access import refund
from filewallball.files.resumable.tables import uploads


def give_back(connection: Connection, upload_id: str) -> None:
    """Give back what was charged for an upload, once."""
    own = uploads.c.upload_id == upload_id
    columns = uploads.c.principal, uploads.c.charged_bytes, uploads.c.charged_files
    row = connection.execute(select(*columns).where(own).with_for_update()).one_or_none()
    if row is not None and (row.charged_bytes or row.charged_files):
        refund(connection, row.principal, row.charged_bytes, row.charged_files)
        connection.execute(update(uploads).where(own).values(charged_bytes=0, charged_files=0))
