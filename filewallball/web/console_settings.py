"""`/api/v1/console`: what a page that uses the API has to know before it asks for anything else."""

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields

from filewallball import permissions
from filewallball.errors import TUS_VERSION
from filewallball.installation import __version__
from filewallball.registry import part
from filewallball.settings.service import Settings
from filewallball.web.api import Blueprint

blueprint = Blueprint(
    "console-settings", __name__, url_prefix="/api/v1/console", description="What a page has to know at first"
)


class ResumableSchema(Schema):
    """Resumable uploads (tus) at `/uploads`."""

    enabled = fields.Boolean()
    version = fields.String()
    max_size = fields.Integer(metadata={"description": "Bytes of the largest upload"})
    max_chunk_size = fields.Integer(
        metadata={"description": "Bytes that one PATCH may carry: an upload may be sent in one piece"}
    )
    max_unfinished = fields.Integer(metadata={"description": "Uploads that one caller may leave unfinished"})
    idle_seconds = fields.Integer(
        metadata={"description": "Without progress for this long, an upload expires"}
    )
    expires_seconds = fields.Integer(
        metadata={"description": "Time from an upload's creation to its latest end"}
    )


class AnonymousSchema(Schema):
    """Callers without a token."""

    role = fields.String()
    permissions = fields.List(
        fields.String(),
        metadata={
            "description": "Those of the role; from an address that gives no rights there are fewer, and "
            "`/api/v1/access/me` tells"
        },
    )


class ConsoleSchema(Schema):
    """The settings that everybody may know."""

    version = fields.String()
    grafana_url = fields.String(allow_none=True, metadata={"description": "GRAFANA_URL"})
    max_upload_size = fields.Integer(metadata={"description": "Bytes of the largest file"})
    allowed_file_types = fields.List(
        fields.String(), metadata={"description": "Media types that are accepted; empty: any"}
    )
    blocked_file_types = fields.List(
        fields.String(), metadata={"description": "Media types that are refused"}
    )
    resumable = fields.Nested(ResumableSchema)
    anonymous = fields.Nested(AnonymousSchema)
    features = fields.List(
        fields.String(),
        metadata={"description": "What is switched on, such as virus_scan; more may be added"},
    )


@blueprint.route("")
class Console(MethodView):
    init_every_request = False

    @blueprint.doc(security=[])
    @blueprint.response(200, ConsoleSchema, headers={"Cache-Control": {"schema": {"type": "string"}}})
    def get(self) -> tuple[dict[str, Any], dict[str, str]]:
        """The settings that a page needs first; they are the same for everybody and contain no secret."""
        return console_settings(part(Settings)), {"Cache-Control": "no-cache"}


def console_settings(settings: Settings) -> dict[str, Any]:
    """The fields of ConsoleSchema."""
    return {
        "version": __version__,
        "grafana_url": settings.grafana_url or None,
        "max_upload_size": settings.max_upload_size,
        "allowed_file_types": settings.allowed_file_types,
        "blocked_file_types": settings.blocked_file_types,
        "resumable": {
            "enabled": True,
            "version": TUS_VERSION,
            "max_size": settings.max_upload_size,
            "max_chunk_size": settings.max_upload_size,
            "max_unfinished": settings.uploads_per_client,
            "idle_seconds": round(settings.upload_idle.total_seconds()),
            "expires_seconds": round(settings.upload_expires.total_seconds()),
        },
        "anonymous": {
            "role": settings.anonymous_role,
            "permissions": sorted(permissions.ROLES[settings.anonymous_role]),
        },
        "features": _features(settings),
    }


def _features(settings: Settings) -> list[str]:
    found = {
        "idempotency_keys": True,
        "thumbnails": True,
        "virus_scan": settings.scan_policy != "off",
        "metrics": settings.prometheus_enabled,
        "shared_limits": bool(settings.redis_url),
    }
    return [name for name, is_on in found.items() if is_on]
