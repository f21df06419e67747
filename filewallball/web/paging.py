"""Pages of lists, and opaque cursors over (time, id) descending: equally fast at any depth."""

import base64
import binascii
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson

from filewallball import errors

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Total:
    """A number of rows, or the least that there are."""

    rows: int
    is_lower_bound: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows of one page and where it stands; `total` is None where nobody asked for it."""

    rows: Sequence[T]
    total: Total | None
    page: int
    size: int
    next_cursor: str | None = None

    @property
    def pages(self) -> int | None:
        return None if self.total is None else -(-self.total.rows // self.size)

    def place(self) -> dict[str, Any]:
        """The position of the page, as answers give it."""
        return {
            "total": self.total.rows if self.total else None,
            "total_is_lower_bound": bool(self.total and self.total.is_lower_bound),
            "page": self.page,
            "size": self.size,
            "pages": self.pages,
            "next_cursor": self.next_cursor,
        }


def encode(microseconds: int, row_id: int) -> str:
    """The cursor that leads on after this row."""
    return base64.urlsafe_b64encode(struct.pack(">qq", microseconds, row_id)).decode().rstrip("=")


def encode_key(kind: str, *values: int | str) -> str:
    """The cursor that leads on after a row of these values, in the order `kind`."""
    return base64.urlsafe_b64encode(orjson.dumps([kind, *values])).decode().rstrip("=")


def decode_key(cursor: str, kind: str, *types: type) -> list[Any]:
    """The values of the last row seen. Raises ValidationFailed for what `encode_key` did not make of this kind."""
    try:
        values: list[Any]
        found, *values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError) as error:
        raise _foreign() from error
    if found != kind or [type(value) for value in values] != list(types):
        raise _foreign()
    if any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in values):
        raise _foreign()
    return values


def decode(cursor: str) -> tuple[int, int]:
    """(microseconds, id) of the last row seen. Raises ValidationFailed for anything that `encode` did not make."""
    try:
        data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        moment, row_id = struct.unpack(">qq", data)
    except (binascii.Error, ValueError, struct.error) as error:
        raise _foreign() from error
    return moment, row_id


def _foreign() -> errors.ValidationFailed:
    return errors.ValidationFailed(errors={"cursor": ["Not a cursor of this service."]})
