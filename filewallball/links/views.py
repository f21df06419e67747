"""The routes by which owners make links and tickets: validate, call the service, serialise."""

from typing import Any

from flask.views import MethodView

from filewallball import permissions
from filewallball.access.admission import current_operation, recorded
from filewallball.clock import now_us
from filewallball.links import schemas
from filewallball.links.service import LinkPage, LinkRequest, Links, ShownLink
from filewallball.links.shared import IssuedTicket, SharedFiles
from filewallball.links.usage import LinkUsage, link_usage
from filewallball.recording.shipper import Shipper
from filewallball.registry import part
from filewallball.stats.calendar import day_of
from filewallball.stats.schemas import MonthQuerySchema
from filewallball.stats.snapshot import Statistics
from filewallball.web.api import Blueprint
from filewallball.web.exchange import current_exchange

blueprint = Blueprint("links", __name__, url_prefix="/api/v1", description="Links to files, and tickets")


@blueprint.route("/links")
class LinkCollection(MethodView):
    init_every_request = False

    @recorded("link:list", permissions.SHARE)
    @blueprint.arguments(schemas.LinkQuerySchema, location="query")
    @blueprint.response(200, schemas.LinkListSchema)
    def get(self, query: dict[str, Any]) -> LinkPage:
        """List the links to your files, newest first; an administrator's list has everybody's."""
        return part(Links).page(current_operation().caller, **query)

    @recorded("link:create", permissions.SHARE)
    @blueprint.arguments(schemas.NewLinkSchema)
    @blueprint.response(201, schemas.NewLinkAnswerSchema)
    def post(self, body: dict[str, Any]) -> ShownLink:
        """Make a link to one of your files; its URL is only in this answer."""
        return part(Links).create(current_operation(), LinkRequest(**body))


@blueprint.route("/links/<link_id>")
class LinkItem(MethodView):
    init_every_request = False

    @recorded("link:describe", permissions.SHARE)
    @blueprint.response(200, schemas.LinkSchema)
    def get(self, link_id: str) -> ShownLink:
        """Describe a link to one of your files."""
        return part(Links).get(current_operation(), link_id)

    @recorded("link:revoke", permissions.SHARE)
    @blueprint.response(204)
    def delete(self, link_id: str) -> None:
        """Revoke a link: requests that begin afterwards get nothing."""
        part(Links).revoke(current_operation(), link_id)


@blueprint.route("/links/<link_id>/statistics")
class LinkStatistics(MethodView):
    init_every_request = False

    @recorded("stats:read", permissions.SHARE)
    @blueprint.arguments(MonthQuerySchema, location="query")
    @blueprint.response(200, schemas.LinkUsageSchema)
    def get(self, query: dict[str, Any], link_id: str) -> LinkUsage:
        """Show the downloads by a link to one of your files, by day."""
        part(Links).get(current_operation(), link_id)
        part(Shipper).flush()
        today = day_of(now_us())
        return part(Statistics).at_once(lambda snapshot: link_usage(snapshot, link_id, today, query["days"]))


@blueprint.route("/files/<file_id>/ticket")
class FileTicket(MethodView):
    init_every_request = False

    @recorded("ticket:create", permissions.FETCH)
    @blueprint.response(201, schemas.TicketSchema)
    def post(self, file_id: str) -> IssuedTicket:
        """Create a ticket: addresses of one file that need no token, for ten minutes and from your network."""
        return part(SharedFiles).ticket(current_operation(), file_id, current_exchange().origin)
