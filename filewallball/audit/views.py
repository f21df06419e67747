"""The audit routes: validate, ask, serialise."""

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from filewallball import permissions
from filewallball.audit.queries import AuditFilter, list_events
from filewallball.audit.schemas import AuditPageSchema, AuditQuerySchema
from filewallball.runtime import runtime
from filewallball.web.caller import recorded

blueprint = Blueprint("audit", __name__, url_prefix="/api/v1/audit", description="The audit log")


@blueprint.route("/logs")
class AuditLogs(MethodView):
    init_every_request = False

    @recorded("audit:read", permissions.AUDIT)
    @blueprint.arguments(AuditQuerySchema, location="query")
    @blueprint.response(200, AuditPageSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List the audit log, newest first."""
        parts = runtime()
        parts.shipper.flush()
        wanted = AuditFilter(action=query["action"], status=query["status"])
        found = list_events(parts.database, wanted, page=query["page"], size=query["size"])
        return {
            "logs": found.rows,
            "total": found.total,
            "page": found.page,
            "size": found.size,
            "pages": found.pages,
            "filters": {
                name: value for name, value in query.items() if value and name not in ("page", "size")
            },
        }
