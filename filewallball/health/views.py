"""The health routes."""

from pathlib import Path
from typing import Any

from flask import Response, request
from flask.views import MethodView

from filewallball import permissions
from filewallball.access.admission import guard
from filewallball.database.connections import Database
from filewallball.health import exposition, report
from filewallball.health.checks import UNHEALTHY, HealthChecks
from filewallball.observability.exposition import preferred_to_json
from filewallball.observability.uptime import uptime_seconds
from filewallball.registry import part
from filewallball.settings.service import Settings
from filewallball.web.api import Blueprint
from filewallball.web.openapi import health_answer

blueprint = Blueprint("health", __name__, url_prefix="/health", description="Is the service well?")
_HEADERS = {"Cache-Control": "no-store", "Vary": "Accept"}


@blueprint.route("")
class Health(MethodView):
    init_every_request = False

    @blueprint.doc(responses=health_answer())
    def get(self) -> Response | tuple[dict[str, Any], int, dict[str, str]]:
        """The state of the service and of what it depends on; as metrics where the Accept header asks for them."""
        up = uptime_seconds()
        results = part(HealthChecks).look()
        body = report.summary(results, dialect=part(Database).dialect.name, uptime_seconds=up)
        status = _status(body)
        content_type = preferred_to_json(request.headers.get("Accept"))
        if content_type is None:
            return body, status, _HEADERS
        text = exposition.render(
            results,
            uptime_seconds=up,
            draining=is_draining(part(Settings).drain_file),
            content_type=content_type,
        )
        return Response(text, status, _HEADERS, content_type=content_type)


@blueprint.route("/detailed")
class Detailed(MethodView):
    init_every_request = False

    @blueprint.doc(responses=health_answer(400, 401, 403, 429), security=[{}, {"bearer": []}])
    def get(self) -> tuple[dict[str, Any], int, dict[str, str]]:
        """Every check with its figures, for monitoring networks and callers who may read statistics."""
        guard(permissions.STATS)
        body = report.detailed(part(HealthChecks).look())
        return body, _status(body), _HEADERS


@blueprint.route("/live")
class Live(MethodView):
    init_every_request = False

    @blueprint.doc(responses={"200": health_answer()["200"]})
    def get(self) -> dict[str, str]:
        """Show that the process answers; nothing else is checked."""
        return {"status": "alive"}


@blueprint.route("/ready")
class Ready(MethodView):
    init_every_request = False

    @blueprint.doc(responses=health_answer())
    def get(self) -> tuple[dict[str, Any], int, dict[str, str]]:
        """Show if requests may be sent here: database, storage and journal work, and the service is not draining."""
        draining = is_draining(part(Settings).drain_file)
        body = report.readiness(part(HealthChecks).look(report.READINESS), draining=draining)
        return body, 503 if draining else _status(body), _HEADERS


def is_draining(switch: Path) -> bool:
    """True if `filewallball drain on` is in force."""
    return switch.exists()


def _status(body: dict[str, Any]) -> int:
    return 503 if body["status"] == UNHEALTHY else 200
