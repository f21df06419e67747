"""The one record that every operation leaves behind; each ledger is a view of it (design: one operation, one event)."""

from dataclasses import dataclass, fields
from typing import Any

import orjson

from filewallball.redaction import Redactor
from filewallball.text import sanitize_json

SUCCESS = "success"
FAILED = "failed"
DENIED = "denied"
_MAX_DETAILS = 8000


@dataclass
class Event:
    """An event: the action, its caller, the address, and the outcome. Times and durations are integer microseconds.

    Without slots: orjson writes an instance's dictionary twice as fast, and every operation is written twice.
    """

    event_id: str
    timestamp_us: int
    action: str
    resource_type: str = ""
    resource_id: str = ""
    status: str = SUCCESS
    error_type: str = ""
    user_id: int = 0
    username: str = ""
    token_id: int = 0
    ip_address: str = ""
    user_agent: str = ""
    request_id: str = ""
    file_type: str = ""
    file_size: int = 0
    duration_us: int = 0
    commit_us: int = 0
    """From the last byte of an upload to its commit; 0 where nothing was timed."""
    cache: str = "none"
    count: int = 1
    details: str = ""
    endpoint: str = ""
    link_id: str = ""
    """The id of the link that the request came by, or was about."""
    trace_id: str = ""
    """The trace that the request belongs to: 32 lower-case hexadecimal digits."""
    suspicious: bool = False
    over_limit: bool = False

    @property
    def timed(self) -> bool:
        """True if the duration counts in averages: 0 stands for «not observed» (aborted, or sent by nginx)."""
        return self.duration_us > 0

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Event":
        """An event from a journal line; unknown keys are ignored, so an older reader survives a newer writer."""
        if data.keys() <= _NAMES:
            return cls(**data)
        return cls(**{name: value for name, value in data.items() if name in _NAMES})

    def set_details(self, values: dict[str, Any]) -> None:
        """Store `values` as JSON text; strings in it are sanitized and cut short, so that the text stays bounded."""
        text = orjson.dumps(sanitize_json(values), default=str).decode() if values else ""
        self.details = text if len(text) <= _MAX_DETAILS else '{"truncated":true}'

    def hide_secrets(self, redactor: Redactor) -> None:
        """Take credentials out of what came from outside."""
        if redactor.is_clean(f"{self.user_agent}\n{self.resource_id}\n{self.details}"):
            return
        self.user_agent = redactor.text(self.user_agent)
        self.resource_id = redactor.text(self.resource_id)
        self.details = redactor.text(self.details)


_NAMES = frozenset(field.name for field in fields(Event))


_TEXT = {field.name for field in fields(Event) if field.type in (str, "str")}
_FLAGS = {field.name for field in fields(Event) if field.type in (bool, "bool")}
_MOST = 2**63 - 1


def is_event(data: dict[str, Any]) -> bool:
    """True if every known field has its kind and a number that databases take; for events that nobody signed."""
    return all(
        isinstance(value, str)
        if name in _TEXT
        else isinstance(value, bool)
        if name in _FLAGS
        else type(value) is int and 0 <= value <= _MOST
        for name, value in data.items()
        if name in _NAMES
    )


def fields_from_json(data: dict[str, Any]) -> dict[str, Any]:
    """The value of `vars(Event.from_json(data))`, without an event; `data` itself where it has every field."""
    return data if data.keys() >= _NAMES else vars(Event.from_json(data))
