"""The quarantine's routes."""

from typing import Any

from flask.views import MethodView

from filewallball import permissions
from filewallball.access.admission import current_operation, recorded
from filewallball.database.connections import Database
from filewallball.files.quarantine import purge, release, search_quarantined
from filewallball.files.schemas import QuarantineQuerySchema, QuarantineSchema
from filewallball.registry import part
from filewallball.web.api import Blueprint

blueprint = Blueprint(
    "quarantine",
    __name__,
    url_prefix="/api/v1/quarantine",
    description="Suspicious files, kept but not served",
)


@blueprint.route("")
class Quarantine(MethodView):
    init_every_request = False

    @recorded("file:list", permissions.QUARANTINE)
    @blueprint.arguments(QuarantineQuerySchema, location="query")
    @blueprint.response(200, QuarantineSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List the files in quarantine."""
        files, total, next_cursor = search_quarantined(part(Database), **query)
        return {"files": files, "total": total, "next_cursor": next_cursor}


@blueprint.route("/<file_id>")
class QuarantinedItem(MethodView):
    init_every_request = False

    @recorded("file:delete", permissions.QUARANTINE)
    @blueprint.response(204)
    def delete(self, file_id: str) -> None:
        """Purge a file from quarantine."""
        purge(current_operation(), file_id)


@blueprint.route("/<file_id>/release")
class Release(MethodView):
    init_every_request = False

    @recorded("file:release", permissions.QUARANTINE)
    @blueprint.response(204)
    def post(self, file_id: str) -> None:
        """Release a file from quarantine, so that it is served."""
        release(current_operation(), file_id)
