"""The routes of whoever has a link or a ticket: validate, call the service, send."""

from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import EXCLUDE

from filewallball import permissions
from filewallball.access.admission import current_operation, recorded
from filewallball.console.problem_views import wants_page
from filewallball.files.delivery import X_ACCEL_SHARED_PREFIX
from filewallball.files.schemas import ThumbnailQuerySchema
from filewallball.files.sending import send_file, send_thumbnail
from filewallball.links import schemas
from filewallball.links.shared import IssuedTicket, LinkInfo, SharedFile, SharedFiles
from filewallball.registry import part
from filewallball.web.api import Blueprint
from filewallball.web.exchange import current_exchange
from filewallball.web.openapi import binary_answer
from filewallball.web.previews import is_preview

blueprint = Blueprint("shared", __name__, description="Fetch a file by a link or a ticket")


@blueprint.route("/s/<link_id>/<secret>")
class SharedDownload(MethodView):
    init_every_request = False

    @recorded("file:download", permissions.FETCH)
    @blueprint.doc(responses=binary_answer())
    def get(self, link_id: str, secret: str) -> Response:
        """Send the file of a link as an attachment."""
        return _send(_by_url(link_id, secret), "attachment")


@blueprint.route("/s/<link_id>/<secret>/view")
class SharedView(MethodView):
    init_every_request = False

    @recorded("file:view", permissions.FETCH)
    @blueprint.doc(responses=binary_answer())
    def get(self, link_id: str, secret: str) -> Response:
        """Show the file of a link inline where that is safe; it counts as a download."""
        return _send(_by_url(link_id, secret), "inline")


@blueprint.route("/s/<link_id>/<secret>/thumbnail")
class SharedThumbnail(MethodView):
    init_every_request = False

    @recorded("file:thumbnail", permissions.FETCH)
    @blueprint.doc(responses=binary_answer())
    @blueprint.arguments(ThumbnailQuerySchema, location="query", unknown=EXCLUDE)
    def get(self, query: dict[str, Any], link_id: str, secret: str) -> Response:
        """Send a small picture of a link's image; it counts as a download unless one was begun just before."""
        return _send_thumbnail(_by_url(link_id, secret), query["size"])


@blueprint.route("/s/<link_id>/<secret>/unlock")
class Unlock(MethodView):
    init_every_request = False

    @recorded("link:unlock", permissions.FETCH)
    @blueprint.arguments(schemas.UnlockSchema)
    @blueprint.response(200, schemas.TicketSchema)
    def post(self, body: dict[str, Any], link_id: str, secret: str) -> IssuedTicket:
        """Give a ticket to whoever knows the link's password, or the link if it has none."""
        op, origin = current_operation(), current_exchange().origin
        return part(SharedFiles).unlock(op, link_id, secret, body["password"], origin)


@blueprint.route("/s/<link_id>/<secret>/info")
class SharedInfo(MethodView):
    init_every_request = False

    @recorded("link:describe", permissions.FETCH)
    @blueprint.response(200, schemas.LinkInfoSchema)
    def get(self, link_id: str, secret: str) -> LinkInfo:
        """Show what a link leads to, and whether it still works; this counts as no download."""
        return part(SharedFiles).info(current_operation(), link_id, secret, current_exchange().origin)


@blueprint.route("/t/<ticket>")
class TicketDownload(MethodView):
    init_every_request = False

    @recorded("file:download", permissions.FETCH)
    @blueprint.doc(responses=binary_answer())
    def get(self, ticket: str) -> Response:
        """Send the file of a ticket as an attachment."""
        return _send(_by_ticket(ticket), "attachment")


@blueprint.route("/t/<ticket>/view")
class TicketView(MethodView):
    init_every_request = False

    @recorded("file:view", permissions.FETCH)
    @blueprint.doc(responses=binary_answer())
    def get(self, ticket: str) -> Response:
        """Show the file of a ticket inline where that is safe."""
        return _send(_by_ticket(ticket), "inline")


@blueprint.route("/t/<ticket>/thumbnail")
class TicketThumbnail(MethodView):
    init_every_request = False

    @recorded("file:thumbnail", permissions.FETCH)
    @blueprint.doc(responses=binary_answer())
    @blueprint.arguments(ThumbnailQuerySchema, location="query", unknown=EXCLUDE)
    def get(self, query: dict[str, Any], ticket: str) -> Response:
        """Send a small picture of a ticket's image."""
        return _send_thumbnail(_by_ticket(ticket), query["size"])


def _by_url(link_id: str, secret: str) -> SharedFile:
    op, origin = current_operation(), current_exchange().origin
    is_undecided = wants_page() or is_preview()
    return part(SharedFiles).by_url(op, link_id, secret, origin, is_undecided=is_undecided)


def _by_ticket(ticket: str) -> SharedFile:
    return part(SharedFiles).by_ticket(current_operation(), ticket, current_exchange().origin)


def _send(shared: SharedFile, disposition: str) -> Response:
    prefix = X_ACCEL_SHARED_PREFIX
    return send_file(shared.content, disposition, admit=shared.admit, x_accel_prefix=prefix)


def _send_thumbnail(shared: SharedFile, size: int) -> Response:
    # Always as a part: of the download that the client has begun, or begins by this.
    return send_thumbnail(shared.content, size, admit=lambda _: shared.admit(True))
