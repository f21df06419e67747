"""The one record that every operation leaves behind; each ledger is a view of it (design: one operation, one event)."""

from dataclasses import asdict, dataclass, fields
from typing import Any

import orjson

SUCCESS = "success"
FAILED = "failed"
DENIED = "denied"


@dataclass(slots=True)
class Event:
    """What happened, who did it, from where, and how it ended. Times and durations are integer microseconds."""

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
    cache: str = "none"
    count: int = 1
    details: str = ""
    endpoint: str = ""
    suspicious: bool = False
    timed: bool = True

    def to_json(self) -> dict[str, Any]:
        """The event as JSON types, without fields that hold their default (journal lines stay short)."""
        return {name: value for name, value in asdict(self).items() if value != _DEFAULTS.get(name)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Event":
        """The inverse of `to_json`; unknown keys are ignored so that an older reader survives a newer writer."""
        return cls(**{name: value for name, value in data.items() if name in _NAMES})

    def set_details(self, values: dict[str, Any]) -> None:
        """Store `values` as the details text; lone surrogates and odd types become plain text."""
        self.details = orjson.dumps(_encodable(values), default=str).decode() if values else ""


_DEFAULTS = {field.name: field.default for field in fields(Event)}
_NAMES = frozenset(_DEFAULTS)


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {str(_encodable(str(key))): _encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    return value
