"""The preconditions and ranges of RFC 9110 for one file: what a client has already, and which part it wants."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.http import http_date, parse_date, parse_etags, parse_if_range_header, parse_range_header

from filewallball.errors import PreconditionFailed, RangeNotSatisfiable

_LONGEST_RANGE = 100  # two 20-digit positions need less than half of it
_LAST_ZERO_BYTES = re.compile(r"[ \t]*bytes[ \t]*=[ \t]*-0+[ \t]*", re.IGNORECASE)
# Eighteen digits fit into 64 bits, which is what other servers count in.
_PLAIN_RANGE = re.compile(r"bytes=(?:[0-9]{1,18}-[0-9]{0,18}|-[0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Version:
    """The properties that tell one content from another: its digest, the second it was stored, its length."""

    sha256: str
    modified: int
    size: int


def require_version(environ: Mapping[str, Any], version: Version) -> None:
    """Raise `PreconditionFailed` if If-Match or If-Unmodified-Since ask for another version."""
    expected = environ.get("HTTP_IF_MATCH")
    if expected is not None:
        holds = parse_etags(expected).contains(version.sha256)
    else:
        limit = _seconds(environ.get("HTTP_IF_UNMODIFIED_SINCE"))
        holds = limit is None or version.modified <= limit
    if not holds:
        raise PreconditionFailed


def is_unmodified(environ: Mapping[str, Any], version: Version) -> bool:
    """True if the client holds this version already (If-None-Match, or without it If-Modified-Since)."""
    known = environ.get("HTTP_IF_NONE_MATCH")
    if known is not None:
        return parse_etags(known).contains_weak(version.sha256)
    since = _seconds(environ.get("HTTP_IF_MODIFIED_SINCE"))
    return since is not None and version.modified <= since


def requested_range(environ: Mapping[str, Any], version: Version) -> tuple[int, int] | None:
    """The first byte and the one after the last of a single byte range; None stands for the whole file.

    What is malformed, in other units, for another version or of several ranges is passed over, as the RFC
    allows, before it costs anything. Raises `RangeNotSatisfiable` for a range that begins behind the end, and for
    the last 0 bytes.
    """
    value = environ.get("HTTP_RANGE")
    if value is None or len(value) > _LONGEST_RANGE or "," in value:
        return None
    wanted, is_empty = parse_range_header(value), _LAST_ZERO_BYTES.fullmatch(value) is not None
    is_in_bytes = is_empty or (wanted is not None and wanted.units == "bytes")
    if not is_in_bytes or not _continues(environ.get("HTTP_IF_RANGE"), version):
        return None
    if wanted is None or is_empty:
        raise _outside(version)
    start, stop = wanted.ranges[0]
    if start < 0:
        start, stop = max(0, version.size + start), version.size
        return (start, stop) if stop else None  # the last bytes of nothing
    if start >= version.size:
        raise _outside(version)
    return start, version.size if stop is None else min(stop, version.size)


def is_plain_range(environ: Mapping[str, Any], version: Version) -> bool:
    """True if Range and If-Range are written so that every server understands the same by them."""
    if_range = environ.get("HTTP_IF_RANGE")
    return _PLAIN_RANGE.fullmatch(environ.get("HTTP_RANGE", "")) is not None and (
        if_range is None or if_range in (f'"{version.sha256}"', http_date(version.modified))
    )


def _outside(version: Version) -> RangeNotSatisfiable:
    return RangeNotSatisfiable(headers={"Content-Range": f"bytes */{version.size}"})


def _continues(if_range: str | None, version: Version) -> bool:
    """True if a part of this version may be put beside what the client has. Only a strong match allows it."""
    if if_range is None:
        return True
    if if_range.lstrip()[:2] in ("W/", "w/"):
        return False
    try:
        condition = parse_if_range_header(if_range)
    except OverflowError:
        return False
    if condition.date is not None:
        return condition.date.timestamp() == version.modified
    return condition.etag == version.sha256


def _seconds(value: str | None) -> float | None:
    try:
        date = parse_date(value)
    except OverflowError:  # a year or an offset beyond what a C int holds
        return None
    return None if date is None else date.timestamp()
