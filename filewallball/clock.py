"""Time as the service stores it: integer microseconds of UTC since the epoch, shown as RFC 3339 with `Z`."""

import re
import time
from datetime import UTC, datetime, timedelta

_MOMENT = re.compile(r"\d{4}(-?\d\d-?\d\d|-?W\d\d-?\d)([T ]\d\d[\d:.,]*( ?Z| ?[+-][\d:]+)?)?", re.ASCII)
_SPACE_FOR_PLUS = re.compile(r"(.+\d:\d\d.*) (\d\d:?\d\d)")
_DAY_US = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_US = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
"""The latest moment that is taken from outside, in microseconds; somewhat later ones can still be shown."""


def now_us() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


def steady_seconds() -> float:
    """Seconds on a clock that nobody sets and that goes on while the host sleeps: for ages, within one boot."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def to_us(moment: datetime) -> int:
    """Microseconds of a datetime; a naive one is UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def parse_moment(text: str, *, is_end: bool = False) -> int:
    """Microseconds of an ISO 8601 date or time; without a zone it is UTC. Raises ValueError.

    A date alone means the whole day: its first microsecond or, for an end, its last. A time given to the second as an
    end includes that second.
    """
    text = text.upper()
    if match := _SPACE_FOR_PLUS.fullmatch(text):  # `+` arrives as a space where nobody encoded it
        text = f"{match[1]}+{match[2]}"
    if not _MOMENT.fullmatch(text):
        raise ValueError(f"{text!r} is no date or time")
    try:
        moment = datetime.fromisoformat(text)
        microseconds = to_us(moment if moment.tzinfo is None else moment.astimezone(UTC))
    except OverflowError as error:
        raise ValueError(f"{text!r} is out of range") from error
    if not is_end:
        return microseconds
    if "T" not in text and " " not in text:
        return microseconds + _DAY_US - 1
    return microseconds + 999_999 if "." not in text and "," not in text else microseconds


def rfc3339(microseconds: int) -> str:
    """`2024-01-15T10:30:00Z`, with fractions only where there are any."""
    moment = _EPOCH + timedelta(microseconds=microseconds)
    return moment.replace(tzinfo=None).isoformat() + "Z"
