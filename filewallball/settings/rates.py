"""Rate limits as settings write them. Only who counts needs the library that reads them, and most commands do not."""

import re
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError

if TYPE_CHECKING:
    from limits import RateLimitItem

_OFF = ("", "off")
_MOST_REQUESTS = 1_000_000_000
_LONGEST_WINDOW = 10 * 360 * 86_400  # as the library counts years
# What the library is certain to read. It is asked about all else.
_PLAIN = re.compile(r"[0-9]{1,9}/(?:second|minute|hour|day|month|year)")


def limits(value: str, **_: Any) -> str:
    """The limits as they are written, empty for none; `read_limits` reads them."""
    if value in _OFF or _PLAIN.fullmatch(value):
        return value
    try:
        found = read_limits(value)
    except ValueError as error:
        raise ValidationError(f"{value!r} is not a limit such as 10/minute or 5/second;1000/day.") from error
    if any(each.amount > _MOST_REQUESTS or each.get_expiry() > _LONGEST_WINDOW for each in found):
        raise ValidationError(f"{value!r} is more than {_MOST_REQUESTS} requests, or longer than 10 years.")
    return value


def read_limits(text: str) -> "tuple[RateLimitItem, ...]":
    """The limits that a setting holds. Raises ValueError.

    One that stands there twice is read once, for it would count each request twice.
    """
    if text in _OFF:
        return ()
    from limits import parse_many

    return tuple(dict.fromkeys(parse_many(text)))
