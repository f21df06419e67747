"""Time as the service stores it: integer microseconds of UTC since the epoch, shown as RFC 3339 with `Z`."""

import re
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_MOMENT = re.compile(r"\d{4}(-?\d\d-?\d\d|-?W\d\d-?\d)([T ]\d\d[\d:.,]*( ?Z| ?[+-][\d:]+)?)?", re.ASCII)
_SPACE_FOR_PLUS = re.compile(r"(.+\d:\d\d.*) (\d\d:?\d\d)")
_LONGEST = 100
"""Characters beyond those of any date and time: what is longer is not looked at, which would take its square's time."""
_DAY_US = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WATCHED_SECONDS = 3600.0


def now_us() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


def steady_seconds() -> float:
    """Seconds on a clock that nobody sets and that goes on while the host sleeps: for ages, within one boot."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def once_watched(
    run: Callable[[int], object],
    clock: Callable[[], float] = steady_seconds,
    now: Callable[[], int] = now_us,
) -> Callable[[], None]:
    """A job that removes what is old: `run` gets the lowest moment that the wall clock told within the last hour.

    So a clock that is put forward by mistake has removed nothing when it is put right. Within the first hour of a
    process the job does nothing.
    """
    told: deque[tuple[float, int]] = deque()

    def job() -> None:
        at = clock()
        told.append((at, now()))
        while len(told) > 1 and at - told[1][0] >= _WATCHED_SECONDS:
            told.popleft()
        if at - told[0][0] >= _WATCHED_SECONDS:
            run(min(moment for _, moment in told))

    return job


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
    if len(text) > _LONGEST:
        raise ValueError("The text is too long for a date or time.")
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
