"""What the audit routes take and give."""

from typing import Any

import orjson
from marshmallow import Schema, fields, validate

from filewallball.clock import rfc3339
from filewallball.event import DENIED, FAILED, SUCCESS


class AuditQuerySchema(Schema):
    """Page and filters of `GET /api/v1/audit/logs`."""

    page = fields.Integer(load_default=1, validate=validate.Range(min=1, max=1_000_000))
    size = fields.Integer(load_default=50, validate=validate.Range(min=1, max=500))
    action = fields.String(load_default="", validate=validate.Length(max=40))
    status = fields.String(load_default="", validate=validate.OneOf(("", SUCCESS, FAILED, DENIED)))


class AuditEventSchema(Schema):
    """One row of the log. `count` says how many equal refusals it stands for; durations are milliseconds."""

    id = fields.Integer()
    event_id = fields.String()
    timestamp = fields.Function(
        lambda row: rfc3339(row.timestamp_us), metadata={"type": "string", "format": "date-time"}
    )
    user_id = fields.Integer()
    username = fields.String()
    action = fields.String()
    resource_type = fields.String()
    resource_id = fields.String()
    status = fields.String()
    error_type = fields.String()
    ip_address = fields.String()
    user_agent = fields.String()
    request_id = fields.String()
    file_type = fields.String()
    file_size = fields.Integer()
    duration_ms = fields.Function(lambda row: row.duration_us / 1000, metadata={"type": "number"})
    count = fields.Integer()
    details = fields.Function(lambda row: _details(row.details), metadata={"type": "object"})


class AuditPageSchema(Schema):
    """One page of the log, newest first."""

    logs = fields.List(fields.Nested(AuditEventSchema))
    total = fields.Integer()
    page = fields.Integer()
    size = fields.Integer()
    pages = fields.Integer()
    filters = fields.Dict()


def _details(text: str) -> dict[str, Any]:
    details: dict[str, Any] = orjson.loads(text) if text else {}
    return details
