"""The route of the history of health."""

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields, validate

from filewallball import permissions
from filewallball.access.admission import recorded
from filewallball.database.connections import Database
from filewallball.health.history import list_changes
from filewallball.registry import part
from filewallball.web.api import Blueprint
from filewallball.web.schemas import TimeField

blueprint = Blueprint(
    "health-history", __name__, url_prefix="/api/v1/health", description="When did which dependency fail?"
)


class HealthQuerySchema(Schema):
    """The changes to return."""

    dependency = fields.String(
        load_default="",
        validate=validate.Length(max=40),
        metadata={"description": "One dependency, as `/health` names it, or `service` for the whole"},
    )
    cursor = fields.String(load_default="", validate=validate.Length(max=200))
    limit = fields.Integer(load_default=100, validate=validate.Range(min=1, max=500))


class HealthChangeSchema(Schema):
    """A state that a dependency came into; it lasted until the next change of the same host and dependency."""

    changed_at = TimeField(attribute="changed_us", metadata={"type": "string", "format": "date-time"})
    host = fields.String(metadata={"description": "The host that saw it"})
    dependency = fields.String()
    status = fields.String(metadata={"description": "healthy, degraded, unhealthy or disabled"})
    error = fields.String(metadata={"description": "What was wrong; empty where nothing was"})


class HealthHistorySchema(Schema):
    """One page of changes, newest first."""

    changes = fields.List(fields.Nested(HealthChangeSchema))
    next_cursor = fields.String(allow_none=True)


@blueprint.route("/history")
class HealthHistoryList(MethodView):
    init_every_request = False

    @recorded("health:read", permissions.STATS)
    @blueprint.arguments(HealthQuerySchema, location="query")
    @blueprint.response(200, HealthHistorySchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List the changes of each dependency's state in the last 90 days, newest first."""
        changes, next_cursor = list_changes(part(Database), **query)
        return {"changes": changes, "next_cursor": next_cursor}
