"""Schemas for the requests and answers of the alert routes."""

import orjson
from marshmallow import EXCLUDE, Schema, fields, validate

from filewallball.alerts.tables import FIRING, RESOLVED
from filewallball.web.schemas import InstantField, TimeField

_TIME = {"type": "string", "format": "date-time"}
_MAYBE_TIME = {"type": ["string"], "format": "date-time"}
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_STATUS = validate.OneOf((FIRING, RESOLVED))
_LONGEST_TEXT = 10_000
_MOST_LABELS = 100


def _texts() -> fields.Dict:
    text = fields.String(validate=validate.Length(max=_LONGEST_TEXT))
    return fields.Dict(
        keys=fields.String(), values=text, load_default=dict, validate=validate.Length(max=_MOST_LABELS)
    )


class SentAlertSchema(Schema):
    """One alert of a notification."""

    class Meta:
        unknown = EXCLUDE

    status = fields.String(required=True, validate=_STATUS)
    labels = _texts()
    annotations = _texts()
    starts_at = InstantField(data_key="startsAt", required=True, metadata=_TIME)
    ends_at = InstantField(data_key="endsAt", required=True, metadata=_TIME)
    fingerprint = fields.String(required=True, validate=validate.Regexp(r"[0-9a-f]{1,64}\Z"))


class NotificationSchema(Schema):
    """The body that Alertmanager posts (webhook version 4)."""

    class Meta:
        unknown = EXCLUDE

    receiver = fields.String(required=True, validate=validate.Length(min=1, max=1000))
    alerts = fields.List(
        fields.Nested(SentAlertSchema), required=True, validate=validate.Length(min=1, max=1000)
    )


class AlertQuerySchema(Schema):
    """The alerts to list."""

    status = fields.String(load_default="", validate=_STATUS)
    name = fields.String(load_default="", validate=validate.Length(max=128))
    page = fields.Integer(load_default=1, validate=validate.Range(min=1, max=10_000))
    size = fields.Integer(load_default=100, validate=validate.Range(min=1, max=500))
    cursor = fields.String(load_default="", validate=validate.Length(max=200))


class SmsSchema(Schema):
    """One SMS about an alert."""

    status = fields.String(metadata={"description": "What it tells: firing or resolved"})
    state = fields.String(metadata={"description": "waiting, sent or given_up"})
    attempts = fields.Integer()
    sent_at = TimeField(attribute="sent_us", allow_none=True, metadata=_MAYBE_TIME)


class AlertSchema(Schema):
    """An alert as Alertmanager told it."""

    id = fields.Integer()
    fingerprint = fields.String()
    status = fields.String()
    name = fields.String()
    severity = fields.String()
    starts_at = TimeField(attribute="starts_us", metadata=_TIME)
    ends_at = TimeField(attribute="ends_us", allow_none=True, metadata=_MAYBE_TIME)
    received_at = TimeField(attribute="received_us", metadata=_TIME)
    last_heard_at = TimeField(attribute="updated_us", metadata=_TIME)
    receiver = fields.String()
    labels = fields.Function(lambda row: orjson.loads(row["labels"]), metadata=_TEXTS)
    annotations = fields.Function(lambda row: orjson.loads(row["annotations"]), metadata=_TEXTS)
    sms = fields.List(fields.Nested(SmsSchema))
    runbook = fields.String(
        allow_none=True,
        metadata={"description": "What to do about it, as Markdown; null: the runbook says nothing"},
    )
    runbook_url = fields.String(
        allow_none=True, metadata={"description": "The same as a page of this service"}
    )


class AlertListSchema(Schema):
    """Alerts, newest first."""

    firing = fields.Integer(metadata={"description": "How many fire now, whatever was asked for"})
    page = fields.Integer()
    size = fields.Integer()
    next_cursor = fields.String(allow_none=True)
    alerts = fields.List(fields.Nested(AlertSchema))
