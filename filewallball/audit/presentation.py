"""A row of the log as answers and exports give it. Whatever a forger has put there, it is shown, and it is harmless."""

from operator import index
from types import SimpleNamespace
from typing import Any, cast

import orjson
from sqlalchemy import Row

from filewallball.audit.story import Chapter
from filewallball.clock import rfc3339
from filewallball.recording.tables import audit_log
from filewallball.text import sanitize, sanitize_json
from filewallball.web.details import ADVICE

_MOST_BRACKETS = 100  # deeper than this some JSON library may give up
_LONGEST = 512


def shown(row: Row[Any]) -> dict[str, Any]:
    """The fields of AuditEventSchema, in its order."""
    try:
        return _shown(cast(SimpleNamespace, row))
    except (TypeError, ValueError, AttributeError, OverflowError):
        return _shown(_mended(row))


def _shown(row: SimpleNamespace) -> dict[str, Any]:
    return {
        "id": row.id,
        "event_id": _text(row.event_id),
        "timestamp": rfc3339(row.timestamp_us),
        "user_id": index(row.user_id),
        "username": _text(row.username),
        "action": _text(row.action),
        "resource_type": _text(row.resource_type),
        "resource_id": _text(row.resource_id),
        "status": _text(row.status),
        "error_type": _text(row.error_type),
        "ip_address": _text(row.ip_address),
        "user_agent": _text(row.user_agent),
        "request_id": _text(row.request_id),
        "link_id": _text(row.link_id or ""),
        "trace_id": _text(row.trace_id or ""),
        "file_type": _text(row.file_type),
        "file_size": index(row.file_size),
        "duration_ms": row.duration_us / 1000,
        "count": index(row.count),
        "integrity": _integrity(row.block_id),
        "details": _details(row),
    }


def shown_chapter(chapter: Chapter) -> dict[str, Any]:
    """The fields of StoryOperationSchema."""
    error, block = chapter.error, chapter.block
    return {
        **shown(chapter.row),
        "error": None
        if error is None
        else {
            "code": error.code,
            "title": error.title,
            "status": error.status,
            "side": error.side,
            "advice": ADVICE[error.code],
            "retry_after": error.retry_after,
        },
        "block": None if block is None else _shown_block(block, chapter.verified),
    }


def _shown_block(block: Row[Any], verified: str) -> dict[str, Any]:
    return {
        "number": block.number,
        "first_id": block.first_id,
        "last_id": block.last_id,
        "row_count": block.row_count,
        "sealed_at": rfc3339(block.sealed_us) if _is_moment(block.sealed_us) else None,
        "seal": _text(block.seal),
        "verified": verified,
    }


def _text(value: str) -> str:
    return value if value.isprintable() else sanitize(value)


def _integrity(block_id: int | None) -> str:
    if block_id is None:
        return "pending"
    return "sealed" if index(block_id) > 0 else "refused"


def _details(row: SimpleNamespace) -> dict[str, Any]:
    """The stored details; for files with size and type, which are columns, beside them."""
    details = _read(row.details) if row.details else {}
    if row.resource_type == "file" and row.file_type:
        details = {
            **details,
            "file_size": details.get("file_size", row.file_size),
            "mime_type": _text(row.file_type),
        }
    return details


def _read(text: str) -> dict[str, Any]:
    """The details in a text that anybody may have written: the service's own is sanitized already."""
    try:
        details = orjson.loads(text)
        if not text.isprintable() or "\\u" in text:
            details = sanitize_json(details)
        if text.count("[") + text.count("{") > _MOST_BRACKETS:
            orjson.dumps(details)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        return {"unreadable": sanitize(text, _LONGEST)}
    return details if isinstance(details, dict) else {"unreadable": sanitize(text, _LONGEST)}


def _mended(row: Row[Any]) -> SimpleNamespace:
    """The row without what no answer can hold, which only its details still tell."""
    values: dict[str, Any] = {}
    odd: dict[str, str] = {}
    for column in audit_log.c:
        name, value = column.name, getattr(row, column.name)
        kind = column.type.python_type
        is_fine = isinstance(value, kind) or (bool(column.nullable) and value is None)
        if name == "timestamp_us" and is_fine:
            is_fine = _is_moment(value)
        values[name] = value if is_fine else kind()
        if not is_fine:
            odd[name] = str(value)
    values["details"] = orjson.dumps({"unreadable": sanitize_json(odd)}).decode()
    return SimpleNamespace(**values)


def _is_moment(microseconds: int) -> bool:
    try:
        return bool(rfc3339(microseconds))
    except OverflowError:
        return False
