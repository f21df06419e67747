"""Field types that the schemas of several packages share."""

import unicodedata
from typing import Any

import humanfriendly
from marshmallow import ValidationError, fields

from filewallball.clock import LATEST_US, parse_moment, rfc3339
from filewallball.text import is_deceptive

_LONGEST_TEXT = 100
"""Characters beyond those of any duration: a longer text takes seconds to be read."""
_LONGEST_SECONDS = 10 * 366 * 86400
LONGEST_US = _LONGEST_SECONDS * 1_000_000
"""The longest duration that is taken, in microseconds."""


def printable(text: str) -> None:
    """A validator: no control characters, which no stored text has either."""
    if not text.isprintable():
        raise ValidationError("Must be printable text.")


def without_controls(text: str) -> None:
    """A validator: no control characters or halves of characters. Names keep other text that is not printable, such as
    the joiners in emoji and the narrow space in the names of screenshots."""
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValidationError("Must be without control characters.")


def as_it_reads(text: str) -> None:
    """A validator: without control characters, and without marks that change the direction of text, by which a name
    reads as another."""
    if is_deceptive(text):
        raise ValidationError("Must be without control characters and marks of direction.")


class DurationField(fields.Field[int]):
    """A duration as people write it (`30s`, `7d`, or seconds), loaded as whole seconds."""

    wrong = "Not a duration such as 30s, 12h or 7d."

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        text = str(value)
        if len(text) > _LONGEST_TEXT:
            raise ValidationError(self.wrong)
        try:
            seconds = int(humanfriendly.parse_timespan(text))
        except (humanfriendly.InvalidTimespan, OverflowError, ValueError) as error:
            raise ValidationError(self.wrong) from error
        if not 1 <= seconds <= _LONGEST_SECONDS:
            raise ValidationError("Must be between one second and ten years.")
        return seconds


class TimeField(fields.Field[int]):
    """Microseconds shown as RFC 3339 with `Z`."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else rfc3339(value)


class MomentField(fields.Field[int]):
    """An ISO 8601 date or time (UTC unless it names a zone), as microseconds; a date alone is the whole day."""

    wrong = "Not a date or time such as 2024-01-15 or 2024-01-15T10:30:00Z."

    def __init__(self, *, is_end: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._is_end = is_end

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        try:
            return parse_moment(str(value), is_end=self._is_end)
        except ValueError as error:
            raise ValidationError(self.wrong) from error


class InstantField(MomentField):
    """An RFC 3339 time, with nanoseconds as Go writes them, as microseconds; what is before 1970 is 1970."""

    wrong = "Not an RFC 3339 time."

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        moment = super()._deserialize(value, attr, data, **kwargs)
        if not isinstance(value, str) or moment > LATEST_US:
            raise ValidationError(self.wrong)
        return max(0, moment)
