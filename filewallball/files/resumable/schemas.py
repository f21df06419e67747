"""Schemas for the list of unfinished uploads."""

from marshmallow import Schema, fields, validate

from filewallball.web.schemas import TimeField

_MOMENT = {"type": "string", "format": "date-time"}


class UploadListQuerySchema(Schema):
    """The page of the list to return."""

    page = fields.Integer(load_default=1, validate=validate.Range(min=1, max=10_000))
    size = fields.Integer(load_default=50, validate=validate.Range(min=1, max=500))


class UnfinishedUploadSchema(Schema):
    """An unfinished upload. Sizes are bytes, times RFC 3339."""

    upload_id = fields.String()
    filename = fields.String()
    kind = fields.String(metadata={"description": "Empty, or `partial` or `final` of a concatenation"})
    length = fields.Integer(allow_none=True, metadata={"description": "Null until the client tells it"})
    offset = fields.Integer(attribute="received", metadata={"description": "Bytes that are kept"})
    user_id = fields.Integer()
    username = fields.String()
    client_ip = fields.String()
    pauses = fields.Integer(attribute="breaks", metadata={"description": "Times that it was broken off"})
    created_at = TimeField(attribute="created_us", metadata=_MOMENT)
    active_at = TimeField(attribute="active_us", metadata=_MOMENT)
    expires_at = TimeField(attribute="expires_us", metadata=_MOMENT)


class UnfinishedUploadsSchema(Schema):
    """One page of unfinished uploads, newest first."""

    uploads = fields.List(fields.Nested(UnfinishedUploadSchema))
    total = fields.Integer()
    page = fields.Integer()
    size = fields.Integer()
    pages = fields.Integer()
