"""The inventory: number and size of the files that are kept, by media type."""

from sqlalchemy import Connection, func, select

from filewallball.files.tables import KEPT, files

_BY_TYPE = (
    select(files.c.mime_type, func.count(), func.sum(files.c.file_size))
    .where(files.c.state.in_(KEPT))
    .group_by(files.c.mime_type)
)


def count_files(connection: Connection) -> dict[str, tuple[int, int]]:
    """The number of kept files of each media type, and their bytes, from their own table."""
    return {name: (count, int(size)) for name, count, size in connection.execute(_BY_TYPE)}
