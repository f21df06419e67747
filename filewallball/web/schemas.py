"""Field types that several rooms' schemas share."""

from typing import Any

import humanfriendly
from marshmallow import ValidationError, fields

from filewallball.clock import rfc3339

_LONGEST_SECONDS = 10 * 366 * 86400


def printable(text: str) -> None:
    """A validator: no control characters, which no stored text has either."""
    if not text.isprintable():
        raise ValidationError("Must be printable text.")


class DurationField(fields.Field[int]):
    """A duration as people write it (`30s`, `7d`, or seconds), loaded as whole seconds."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        try:
            seconds = int(humanfriendly.parse_timespan(str(value)))
        except (humanfriendly.InvalidTimespan, OverflowError, ValueError) as error:
            raise ValidationError("Not a duration such as 30s, 12h or 7d.") from error
        if not 1 <= seconds <= _LONGEST_SECONDS:
            raise ValidationError("Must be between one second and ten years.")
        return seconds


class TimeField(fields.Field[int]):
    """Microseconds shown as RFC 3339 with `Z`."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else rfc3339(value)
