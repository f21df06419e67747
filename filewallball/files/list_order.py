"""The orders in which files are listed, each served by an index, and the cursors that lead on in them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, or_

from filewallball.files.tables import files
from filewallball.web import paging

_TIME, _NAME, _SIZE = "time", "name", "size"
_COLUMNS: dict[str, Column[Any]] = {
    _TIME: files.c.upload_us,
    _NAME: files.c.name_sort,
    _SIZE: files.c.file_size,
}
_INDEXES = {_TIME: "ix_files_{}", _NAME: "ix_files_{}_name", _SIZE: "ix_files_{}_size"}
SORTS = tuple(sign + name for name in _COLUMNS for sign in ("", "-"))
NEWEST = f"-{_TIME}"
PUBLIC_INDEX, OWNER_INDEX = "public", "owner"


@dataclass(frozen=True, slots=True)
class Order:
    """An order of files: `name`, `size` or `time`, with a `-` before it the other way round."""

    sort: str = NEWEST

    @property
    def is_newest_first(self) -> bool:
        return self.sort == NEWEST

    @property
    def column(self) -> Column[Any]:
        return _COLUMNS[self.sort.removeprefix("-")]

    def index(self, scope: str) -> str:
        """The index that has the files of a scope in this order."""
        return _INDEXES[self.sort.removeprefix("-")].format(scope)

    def by(self, key: ColumnElement[Any], row_id: ColumnElement[int]) -> tuple[ColumnElement[Any], ...]:
        """The columns to order by."""
        return (key.desc(), row_id.desc()) if self._is_descending else (key.asc(), row_id.asc())

    def after(self, cursor: str) -> ColumnElement[bool]:
        """The rows after that of a cursor, as a range of the index. Raises ValidationFailed for a foreign one."""
        value, row_id = self._decode(cursor)
        key = self.column
        if self._is_descending:
            return and_(key <= value, or_(key < value, files.c.id < row_id))
        return and_(key >= value, or_(key > value, files.c.id > row_id))

    def cursor(self, row: Any) -> str:
        """The cursor that leads on after a row."""
        value = getattr(row, self.column.name)
        if self.is_newest_first:
            return paging.encode(value, row.id)
        return paging.encode_key(self.sort, value, row.id)

    @property
    def _is_descending(self) -> bool:
        return self.sort.startswith("-")

    def _decode(self, cursor: str) -> tuple[Any, Any]:
        if self.is_newest_first:
            return paging.decode(cursor)
        value, row_id = paging.decode_key(cursor, self.sort, self.column.type.python_type, int)
        return value, row_id
