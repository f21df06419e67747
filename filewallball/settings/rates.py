"""Rate limits as settings write them. Only who counts needs the library that reads them, and most commands do not."""

import re
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError

if TYPE_CHECKING:
    from limits import RateLimitItem

_OFF = ("", "off")
# What the library is certain to read. It is asked about all else.
_PLAIN = re.compile(r"[0-9]{1,9}/(?:second|minute|hour|day|month|year)")


def limits(value: str, **_: Any) -> str:
    """The limits as they are written, empty for none; `read_limits` reads them."""
    if value in _OFF or _PLAIN.fullmatch(value):
        return value
    try:
        read_limits(value)
    except ValueError as error:
        raise ValidationError(f"{value!r} is not a limit such as 10/minute or 5/second;1000/day.") from error
    return value


def read_limits(text: str) -> "tuple[RateLimitItem, ...]":
    """The limits that a setting holds. Raises ValueError."""
    if text in _OFF:
        return ()
    from limits import parse_many

    return tuple(parse_many(text))
