"""The hours and days of UTC that statistics are kept by: whole numbers, counted from the epoch."""

from datetime import UTC, datetime, timedelta

HOUR_US = 3_600_000_000
DAY_HOURS = 24
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


def hour_of(microseconds: int) -> int:
    """The hour that a moment lies in."""
    return microseconds // HOUR_US


def day_of(microseconds: int) -> int:
    """The day that a moment lies in."""
    return microseconds // (DAY_HOURS * HOUR_US)


def date_of(day: int) -> str:
    """`2024-01-15`; `day 1000000000` for one that no calendar has, as only a changed row can hold."""
    try:
        return (_FIRST + timedelta(days=day)).date().isoformat()
    except OverflowError:
        return f"day {day}"
