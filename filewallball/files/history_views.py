"""The route of a file's history."""

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields, validate

from filewallball import permissions
from filewallball.access.admission import current_operation, recorded
from filewallball.files.history import ALL, CHANGES, DOWNLOADS, FETCHES, Histories, HistoryPage
from filewallball.recording.shipper import Shipper
from filewallball.registry import part
from filewallball.web.api import Blueprint

blueprint = Blueprint("file-history", __name__, description="What happened to a file")


class HistoryQuerySchema(Schema):
    """The part of the history to return."""

    include = fields.String(
        load_default=ALL,
        validate=validate.OneOf((ALL, FETCHES, DOWNLOADS, CHANGES)),
        metadata={
            "description": "downloads: downloads and views; fetches: thumbnails as well; "
            "changes: from the upload to the end"
        },
    )
    link_id = fields.String(
        load_default="",
        validate=validate.Length(max=32),
        metadata={"description": "Only requests that came by this link"},
    )
    cursor = fields.String(load_default="", validate=validate.Length(max=200))
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=500))


class HistoryEventSchema(Schema):
    """One thing that happened, or was refused; `count` says how many equal refusals it stands for."""

    timestamp = fields.String(metadata={"format": "date-time"})
    action = fields.String()
    status = fields.String(metadata={"description": "success, failed or denied"})
    error_type = fields.String()
    actor = fields.String(
        metadata={"description": "The user's name, `anonymous`, or `system` for the service itself"}
    )
    address = fields.String(
        allow_none=True, metadata={"description": "As much as HISTORY_ADDRESSES lets be told"}
    )
    link_id = fields.String(allow_none=True, metadata={"description": "The link that it was fetched by"})
    request_id = fields.String()
    bytes = fields.Integer(
        metadata={"description": "Bytes stored or sent; where nginx sends, those it was to send"}
    )
    count = fields.Integer()
    sent_by_nginx = fields.Boolean()
    complete = fields.Boolean(
        allow_none=True,
        metadata={
            "description": "Whether all bytes left; null where nginx sent them, and of what is no fetch"
        },
    )
    changes = fields.Dict(
        allow_none=True, metadata={"description": "Of a change: old and new value of each field"}
    )


class HistorySchema(Schema):
    """One page of a history, newest first; it may be short, or empty, while `next_cursor` still leads on."""

    events = fields.List(fields.Nested(HistoryEventSchema), attribute="rows")
    next_cursor = fields.String(allow_none=True)


@blueprint.route("/files/<file_id>/history")
class History(MethodView):
    init_every_request = False

    @recorded("file:history", permissions.HISTORY)
    @blueprint.arguments(HistoryQuerySchema, location="query")
    @blueprint.response(200, HistorySchema)
    def get(self, query: dict[str, Any], file_id: str) -> HistoryPage:
        """Show a file's owner, or an administrator, who fetched or changed it, when and from where."""
        part(Shipper).flush()
        return part(Histories).read(current_operation(), file_id, **query)
