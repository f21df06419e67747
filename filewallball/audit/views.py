"""The audit routes: validate, ask, serialise."""

from typing import Any

from flask import Response, request
from flask.views import MethodView

from filewallball import permissions
from filewallball.access.admission import current_operation, recorded
from filewallball.audit.export import TYPES, Export, filename
from filewallball.audit.presentation import shown, shown_chapter
from filewallball.audit.queries import list_events
from filewallball.audit.schemas import (
    AuditExportSchema,
    AuditPageSchema,
    AuditQuerySchema,
    AuditStandingSchema,
    StorySchema,
)
from filewallball.audit.story import tell
from filewallball.audit.verify_job import Verification
from filewallball.clock import now_us, rfc3339
from filewallball.database.connections import Database
from filewallball.recording.shipper import Shipper
from filewallball.registry import part
from filewallball.text import sanitize
from filewallball.web.api import Blueprint

blueprint = Blueprint("audit", __name__, url_prefix="/api/v1/audit", description="The audit log")


@blueprint.route("/logs")
class AuditLogs(MethodView):
    init_every_request = False

    @recorded("audit:read", permissions.AUDIT)
    @blueprint.arguments(AuditQuerySchema, location="query")
    @blueprint.response(200, AuditPageSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List the audit log, newest first."""
        wanted = query["wanted"]
        current_operation().note(details={"filters": wanted.shown()})
        part(Shipper).flush()
        found = list_events(
            part(Database),
            wanted,
            page=query["page"],
            size=query["size"],
            cursor=query["cursor"],
            with_total=query["total"],
        )
        logs = [shown(row) for row in found.rows]
        return {"logs": logs, **found.place(), "filters": wanted.shown()}


@blueprint.route("/requests/<request_id>")
class AuditRequest(MethodView):
    init_every_request = False

    @recorded("audit:read", permissions.AUDIT)
    @blueprint.response(200, StorySchema)
    def get(self, request_id: str) -> dict[str, Any]:
        """Show everything about a request: its operations, what their errors mean, and the blocks that seal them."""
        current_operation().note(details={"filters": {"request_id": sanitize(request_id, 128)}})
        part(Shipper).flush()
        last = part(Verification).last()
        story = tell(part(Database), request_id, last)
        return {
            "request_id": request_id,
            "operations": [shown_chapter(chapter) for chapter in story.chapters],
            "is_whole": story.is_whole,
            "verified_at": rfc3339(last.report.finished_us) if last is not None else None,
        }


@blueprint.route("/export")
class AuditExport(MethodView):
    init_every_request = False

    @recorded("audit:export", permissions.AUDIT)
    @blueprint.doc(
        responses={
            "200": {
                "description": "All matching rows, newest first",
                "content": {
                    name.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
                    for name in TYPES.values()
                },
            }
        }
    )
    @blueprint.arguments(AuditExportSchema, location="query")
    def get(self, query: dict[str, Any]) -> Response:
        """Stream every matching row as CSV or as JSON lines, newest first."""
        op, form = current_operation(), query["format"]
        op.note(details={"filters": query["wanted"].shown(), "format": form})
        part(Shipper).flush()
        op.detach()
        body = Export(op, part(Database), query["wanted"], form)
        response = Response(
            body,
            content_type=TYPES[form],
            headers={
                "Content-Disposition": f'attachment; filename="{filename(form, now_us())}"',
                "Cache-Control": "no-store",
            },
        )
        if request.method == "HEAD":
            body.close(is_wanted=False)
        return response


@blueprint.route("/verify")
class AuditVerify(MethodView):
    init_every_request = False

    @recorded("audit:read", permissions.AUDIT)
    @blueprint.response(200, AuditStandingSchema)
    def get(self) -> dict[str, Any]:
        """The result of the last verification; `filewallball audit verify` makes a new one."""
        last = part(Verification).last()
        if last is None:
            return {"status": "unknown", "verified_at": None, "last_success_at": None, "findings": []}
        report = last.report
        return {
            "status": "intact" if report.is_intact else "broken",
            "verified_at": rfc3339(report.finished_us),
            "last_success_at": rfc3339(last.last_success_us) if last.last_success_us else None,
            "is_complete": report.is_complete,
            "first_block": report.first_block,
            "last_block": report.last_block,
            "blocks": report.blocks,
            "rows": report.rows,
            "unsealed_rows": report.unsealed,
            "duration_seconds": round(report.seconds, 3),
            "findings": report.findings,
            "not_checked": report.not_checked,
        }
