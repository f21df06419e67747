"""Kinds of settings that OpenTelemetry defines, with its own notations: milliseconds, lists of pairs, shares."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from marshmallow import ValidationError

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_LONGEST_MILLISECONDS = 3_600_000
_DIGITS = re.compile(r"[0-9]{1,20}")

Pairs = tuple[tuple[str, str], ...]


def milliseconds(value: str, **_: Any) -> timedelta:
    if not _DIGITS.fullmatch(value) or not 1 <= int(value) <= _LONGEST_MILLISECONDS:
        raise ValidationError(f"{value!r} is not a number of milliseconds from 1 to {_LONGEST_MILLISECONDS}.")
    return timedelta(milliseconds=int(value))


def share(value: str, **_: Any) -> float:
    try:
        found = float(value)
    except ValueError:
        found = -1
    if not 0 <= found <= 1:
        raise ValidationError(f"{value!r} is not a share from 0 to 1, such as 0.1.")
    return found


def pairs(value: str, **_: Any) -> Pairs:
    found = _pairs(value)
    if found is None:
        raise ValidationError(f"{value!r} is not a list such as deployment.environment.name=staging,team=a.")
    return found


def secret_headers(value: str, **_: Any) -> Pairs:
    found = _pairs(value)
    if found is None or not all(_HEADER_NAME.fullmatch(name) for name, _ in found):
        raise ValidationError("is not a list of headers such as name=value,name=value.")
    if not all(text.isascii() and text.isprintable() and text == text.strip() for _, text in found):
        raise ValidationError(
            "the values of headers must be printable ASCII characters, no space at the ends."
        )
    return found


def collector_url(value: str, **_: Any) -> str:
    """The URL is named in messages, so it may hold no credentials."""
    if not value:
        return value
    try:
        parts = urlsplit(value)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or " " in value or not value.isprintable():
        raise ValidationError("must be a URL that starts with http:// or https://.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValidationError("must hold no password and no query: credentials go into headers.")
    return value


def _pairs(value: str) -> Pairs | None:
    """Names and values, which may be percent-encoded; None if it is no list of them."""
    found = []
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, separator, text = part.partition("=")
        if not separator or not name.strip():
            return None
        found.append((unquote(name.strip()), unquote(text.strip())))
    return tuple(found)


TRACING_PARSERS = (milliseconds, share, pairs, secret_headers, collector_url)
