"""The faults of each field of a request: in one shape for answers, and cut short for logs and the audit row."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from filewallball.errors import ApiError
from filewallball.redaction import hide_tokens
from filewallball.text import sanitize

WHOLE = "_schema"
"""The name that stands for the request as a whole."""
_LOCATIONS = ("json", "query", "form", "headers", "path", "files", "cookies")
_MOST_FIELDS, _NAME_BYTES, _REASON_BYTES = 10, 64, 200


def by_field(messages: Mapping[str, Any]) -> dict[str, list[str]]:
    """The faults of each field, in one shape whoever found them: `a.b` for nested ones, `_schema` for the whole."""
    found: dict[str, list[str]] = {}
    for name, text in _flat(messages):
        found.setdefault(name, []).append(text)
    return found


def recorded_faults(cause: ApiError) -> dict[str, str]:
    """The first fault of each field, of ten fields at most, short and without tokens; empty for errors of other kinds.

    A client may put anything into a name, so neither names nor reasons are trusted.
    """
    found = by_field(cause.errors)
    if not found and cause.code == "validation_error" and cause.detail:
        found = {WHOLE: [cause.detail]}
    return {
        _harmless(name, _NAME_BYTES): _harmless(reason, _REASON_BYTES)
        for name, (reason, *_) in islice(found.items(), _MOST_FIELDS)
    }


def _flat(messages: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in messages.items():
        inner = f"{prefix}{name}"
        if isinstance(value, Mapping):
            is_location = not prefix and name in _LOCATIONS
            yield from _flat(value, "" if is_location else f"{inner}.")
            continue
        for text in value if isinstance(value, list | tuple) else [value]:
            yield (WHOLE if not prefix and name in _LOCATIONS else inner), str(text)


def _harmless(text: str, most: int) -> str:
    return sanitize(hide_tokens(text), most)
