"""Schemas for the requests and answers of links and tickets."""

from marshmallow import Schema, fields, validate

from filewallball.links.lookup import STATES
from filewallball.links.passwords import LONGEST, SHORTEST
from filewallball.web.openapi import EXPIRES_IN
from filewallball.web.schemas import DurationField, TimeField, as_it_reads

_MOST_DOWNLOADS = 1_000_000_000
_TIME = {"type": "string", "format": "date-time"}
_PRIVATE = "for private files alone"


class NewLinkSchema(Schema):
    """A link to make."""

    file_id = fields.String(required=True, validate=validate.Length(min=1, max=36))
    name = fields.String(
        validate=[validate.Length(max=255), as_it_reads],
        metadata={"description": "For its owner: whom or what it is for"},
    )
    expires_in = DurationField(metadata={"description": EXPIRES_IN})
    max_downloads = fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(min=1, max=_MOST_DOWNLOADS),
        metadata={"description": f"Downloads after which it is used up; {_PRIVATE}"},
    )
    one_time = fields.Boolean(metadata={"description": f"One download, which may be resumed; {_PRIVATE}"})
    password = fields.String(
        allow_none=True,
        validate=validate.Length(min=SHORTEST, max=LONGEST),
        metadata={"description": f"Asked for before anything is sent; {_PRIVATE}"},
    )


class LinkSchema(Schema):
    """A link as the owner of its file sees it."""

    link_id = fields.String(attribute="row.link_id")
    file_id = fields.String(attribute="row.file_id")
    file_name = fields.String(
        attribute="row.filename", allow_none=True, metadata={"description": "null: the file is gone"}
    )
    name = fields.String(attribute="row.name")
    state = fields.String(
        metadata={"enum": list(STATES), "description": "`unavailable`: the file is gone or quarantined"}
    )
    created_at = TimeField(attribute="row.created_us", metadata=_TIME)
    expires_at = TimeField(attribute="row.expires_us", allow_none=True, metadata=_TIME)
    max_downloads = fields.Integer(attribute="row.max_downloads", allow_none=True)
    one_time = fields.Function(lambda link: bool(link.row.one_time), metadata={"type": "boolean"})
    has_password = fields.Function(lambda link: bool(link.row.password_hash), metadata={"type": "boolean"})
    downloads = fields.Integer(
        attribute="row.downloads",
        metadata={"description": "Downloads begun: further parts of one within ten minutes count with it"},
    )
    revoked_at = TimeField(attribute="row.revoked_us", allow_none=True, metadata=_TIME)
    created_by = fields.String(attribute="row.username", allow_none=True)


class NewLinkAnswerSchema(LinkSchema):
    """A new link, with its URL."""

    url = fields.String(metadata={"description": "Shown once: the service keeps only a digest of its secret"})


class LinkQuerySchema(Schema):
    """Which links to list."""

    file_id = fields.String(load_default="", validate=validate.Length(max=36))
    cursor = fields.String(load_default="", validate=validate.Length(max=200))
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=500))


class LinkListSchema(Schema):
    """Links, newest first; `next_cursor` leads on at equal cost at any depth."""

    links = fields.List(fields.Nested(LinkSchema))
    next_cursor = fields.String(allow_none=True)


class DayOfLinkSchema(Schema):
    """The transfers by a link on a day."""

    date = fields.String(metadata={"format": "date"})
    downloads = fields.Integer()
    transfers = fields.Integer()
    bytes_sent = fields.Integer()
    refused = fields.Integer()


class LinkUsageSchema(Schema):
    """The transfers by a link. Transfers are answers with content; a resumed download has several."""

    link_id = fields.String()
    period_days = fields.Integer()
    downloads = fields.Integer()
    transfers = fields.Integer()
    bytes_sent = fields.Integer()
    refused = fields.Integer()
    refusals = fields.Dict(
        keys=fields.String(), values=fields.Integer(), metadata={"description": "By error code"}
    )
    days = fields.List(fields.Nested(DayOfLinkSchema))


class UnlockSchema(Schema):
    """The password of a link; one without needs none."""

    password = fields.String(load_default="", validate=validate.Length(max=LONGEST))


class TicketSchema(Schema):
    """A ticket: addresses of one file, good from the network that asked, until it expires."""

    ticket = fields.String()
    url = fields.String()
    view_url = fields.String()
    thumbnail_url = fields.String(allow_none=True)
    expires_at = TimeField(attribute="expires_us", metadata=_TIME)
    file_name = fields.String()
    size = fields.Integer()
    media_type = fields.String()


class LinkInfoSchema(Schema):
    """The facts of a link that a visitor may know: of the file nothing before a password, or once it is over."""

    state = fields.String(metadata={"enum": list(STATES)})
    needs_password = fields.Boolean()
    file_name = fields.String(allow_none=True)
    size = fields.Integer(allow_none=True)
    media_type = fields.String(allow_none=True)
