"""Log records as single lines of JSON or text: nothing raw that could steer a terminal, and no secret."""

import json
import logging
import re
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson
from pythonjsonlogger.json import JsonFormatter

Fields = dict[str, Any]
Render = Callable[[Fields], bytes]
_HEAD = ("timestamp", "level", "logger", "message")
# JSON escapes C0 controls itself; these would reach a terminal or a viewer raw.
_HARMFUL = re.compile("[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_CONTROL = re.compile("[\x00-\x1f]")
_PLAIN = re.compile(r"[\w./:@+-]+", re.ASCII)


def timestamp(seconds: float) -> str:
    """Unix time as ISO 8601 in UTC, with milliseconds."""
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}Z"


def json_line(fields: Fields) -> bytes:
    """A record as one line of JSON."""
    try:
        data = orjson.dumps(fields, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a lone surrogate, or what only the slower encoder takes
        data = json.dumps(fields, default=str, skipkeys=True).encode()
    return _harmless(data)


def text_line(fields: Fields) -> bytes:
    """`timestamp level logger message` and the other fields as name=value."""
    head = [_CONTROL.sub(_escaped, str(fields.get(name, ""))) for name in _HEAD]
    rest = [f"{name}={_text_value(value)}" for name, value in fields.items() if _is_detail(name, value)]
    return _harmless(" ".join([*head, *rest]).encode("utf-8", "backslashreplace"))


class LineFormatter(JsonFormatter):
    """Standard log records with our four leading fields; `exc_info` becomes `stack_trace`."""

    def __init__(self, render: Render) -> None:
        super().__init__(list(_HEAD), rename_fields={"exc_info": "stack_trace"})
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        record.__dict__.update(
            timestamp=timestamp(record.created), level=record.levelname, logger=record.name
        )
        return super().format(record)

    def jsonify_log_record(self, log_data: Fields) -> str:
        return self._render(log_data).decode()


@lru_cache(maxsize=4)
def _second(whole: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))


def _is_detail(name: str, value: object) -> bool:
    return name not in _HEAD and value is not None


def _text_value(value: object) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _harmless(line: bytes) -> bytes:
    if line.isascii() and b"\x7f" not in line:
        return line
    return _HARMFUL.sub(_escaped, line.decode()).encode()


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
