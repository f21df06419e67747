"""The trace that a request belongs to: W3C Trace Context, taken from `traceparent` and `tracestate` or begun here.

Answers say it by `traceresponse` (W3C Trace Context, editor's draft, section «HTTP response header»): by the
published levels 1 and 2, `traceparent` is a header of requests alone.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from uuid_utils import uuid4

_SAMPLED, _RANDOM = 0x01, 0x02
# Later versions may append fields after a dash; `ff` is no version, and an id is never all zeros.
_PARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII
)
_MEMBER = re.compile(
    r"([a-z0-9][a-z0-9_*/@-]{0,255})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)
_MOST_MEMBERS = 32
_NEW_ID = re.compile(r"req_((?!0{32})[0-9a-f]{16}(?!0{16})[0-9a-f]{16})", re.ASCII)


class Trace(NamedTuple):
    """A trace and this request's place in it. Ids are lower-case hexadecimal digits."""

    trace_id: str
    span_id: str
    """The request itself, 16 digits."""
    parent_id: str = ""
    """The caller's step that this request is part of; empty where the trace begins here."""
    state: str = ""
    """The `tracestate` of tracing systems, as it came."""
    flags: int = 0
    """`sampled` is set only if a trusted caller set it."""
    is_recorded: bool = False
    """True if this service exports it."""

    @property
    def is_sampled(self) -> bool:
        """True if a trusted caller records this trace."""
        return bool(self.flags & _SAMPLED)

    @property
    def response(self) -> str:
        """The value of `traceresponse`, which says `sampled` where the trace is recorded here."""
        flags = (self.flags & _RANDOM) | (_SAMPLED if self.is_recorded else 0)
        return f"00-{self.trace_id}-{self.span_id}-{flags:02x}"


def trace_of(environ: Mapping[str, Any], request_id: str, *, may_sample: bool) -> Trace:
    """The trace of a WSGI request: the caller's, or a new one where there is none that can be read.

    A new trace has the digits of the request's id, so either is found by the other. `may_sample` says whether the
    caller may decide that a trace is recorded.
    """
    begun = _NEW_ID.fullmatch(request_id)
    own = begun[1] if begun else uuid4().hex
    if "HTTP_TRACEPARENT" not in environ:
        return Trace(own, own[16:], flags=_RANDOM)
    found = _PARENT.fullmatch(environ["HTTP_TRACEPARENT"])
    if found is None or (found[1] == "00" and found[5]):
        return Trace(own, own[16:], flags=_RANDOM)
    believed = _SAMPLED | _RANDOM if may_sample else _RANDOM
    state = _state(environ.get("HTTP_TRACESTATE", ""))
    return Trace(found[2], own[16:], found[3], state, int(found[4], 16) & believed)


def _state(value: str) -> str:
    """A tracestate as it came; nothing where it is not one, which leaves the trace as it is."""
    members = [member.strip(" \t") for member in value.split(",", _MOST_MEMBERS + 1) if member.strip(" \t")]
    found = [_MEMBER.fullmatch(member) for member in members]
    keys = {match[1] for match in found if match}
    return ",".join(members) if len(keys) == len(members) <= _MOST_MEMBERS else ""
