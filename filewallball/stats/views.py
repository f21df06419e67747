"""The statistics routes: validate, ask, serialise."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from flask.views import MethodView

from filewallball import errors, permissions
from filewallball.access.admission import check, current_operation, recorded
from filewallball.addresses import UNKNOWN_CLIENT, normal_address
from filewallball.clock import now_us
from filewallball.observability.exposition import gauge_total
from filewallball.recording.shipper import Shipper
from filewallball.registry import part
from filewallball.settings.service import Settings
from filewallball.stats import schemas
from filewallball.stats.calendar import day_of
from filewallball.stats.clients import rank_clients
from filewallball.stats.detailed import DetailedMetrics, detailed_metrics
from filewallball.stats.expected import Expectation, ExpectedClients
from filewallball.stats.series import read_series
from filewallball.stats.series_schemas import SeriesQuerySchema, SeriesSchema
from filewallball.stats.snapshot import Snapshot, Statistics
from filewallball.stats.uploads import ClientUploads, UploadErrors, client_uploads, upload_errors
from filewallball.storage.local import LocalStore
from filewallball.web.api import Blueprint

T = TypeVar("T")
blueprint = Blueprint(
    "statistics", __name__, url_prefix="/api/v1", description="Exact statistics, fleet-wide, at any moment"
)


@blueprint.route("/metrics/detailed")
class Detailed(MethodView):
    init_every_request = False

    @recorded("stats:read", permissions.STATS)
    @blueprint.arguments(schemas.DayQuerySchema, location="query")
    @blueprint.response(200, schemas.DetailedMetricsSchema)
    def get(self, query: dict[str, Any]) -> DetailedMetrics:
        """The service at a glance: storage, performance, users, security, capacity."""
        space, blocked = part(LocalStore).space(), part(Statistics).blocked_networks()
        now = now_us()
        found = _at_once(lambda snapshot: detailed_metrics(snapshot, now, query["days"], space, blocked))
        return replace(found, active_connections=_active_connections(part(Settings)))


@blueprint.route("/upload/statistics/<client_ip>")
class ClientStatistics(MethodView):
    init_every_request = False

    @recorded("stats:read", permissions.OWN_STATS)
    @blueprint.arguments(schemas.WeekQuerySchema, location="query")
    @blueprint.response(200, schemas.ClientUploadsSchema)
    def get(self, query: dict[str, Any], client_ip: str) -> ClientUploads:
        """Show the uploads of a client; zeros if it is unknown. For your own address, a user's role is enough.

        `unknown` stands for all clients whose address could not be read, and is nobody's own.
        """
        address = UNKNOWN_CLIENT if client_ip == UNKNOWN_CLIENT else _address(client_ip)
        _check_may_read(address)
        return _at_once(lambda snapshot: client_uploads(snapshot, address, day_of(now_us()), query["days"]))


@blueprint.route("/upload/errors")
class Errors(MethodView):
    init_every_request = False

    @recorded("stats:read", permissions.STATS)
    @blueprint.arguments(schemas.MonthQuerySchema, location="query")
    @blueprint.response(200, schemas.UploadErrorsSchema)
    def get(self, query: dict[str, Any]) -> UploadErrors:
        """Failed uploads: causes, daily trend, the clients with the most of them."""
        return _at_once(lambda snapshot: upload_errors(snapshot, day_of(now_us()), query["days"]))


@blueprint.route("/stats/clients")
class Clients(MethodView):
    init_every_request = False

    @recorded("stats:read", permissions.STATS)
    @blueprint.arguments(schemas.ClientsQuerySchema, location="query")
    @blueprint.response(200, schemas.ClientPageSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List the top clients, by operations, bytes or errors."""
        found = _at_once(lambda snapshot: rank_clients(snapshot, day_of(now_us()), **query))
        period = {"period_days": query["days"], "order": query["order"]}
        return {"clients": found.rows, **found.place(), **period}


@blueprint.route("/stats/series")
class Series(MethodView):
    init_every_request = False

    @recorded("stats:read", permissions.OWN_STATS)
    @blueprint.arguments(SeriesQuerySchema, location="query")
    @blueprint.response(200, SeriesSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Statistics over time of the whole service or one client. Your own address needs a user's role alone.

        For charts: one value for each step.
        """
        _check_may_read(query["client"])
        space = part(LocalStore).space()
        return _at_once(lambda snapshot: read_series(snapshot, now_us(), space, **query))


@blueprint.route("/stats/expected")
class ExpectedList(MethodView):
    init_every_request = False

    @recorded("stats:read", permissions.STATS)
    @blueprint.response(200, schemas.ExpectationListSchema)
    def get(self) -> dict[str, list[Expectation]]:
        """List the clients that are expected to upload regularly."""
        part(Shipper).flush()
        return {"clients": part(ExpectedClients).read()}


@blueprint.route("/stats/expected/<client_ip>")
class Expected(MethodView):
    init_every_request = False

    @recorded("client:update", permissions.MANAGE)
    @blueprint.arguments(schemas.ExpectSchema)
    @blueprint.response(200, schemas.ExpectationSchema)
    def put(self, body: dict[str, Any], client_ip: str) -> Expectation:
        """Expect regular uploads from a client; `client_last_upload_age_seconds` shows the age of the last one."""
        address = _address(client_ip)
        return part(ExpectedClients).declare(current_operation(), address, body["expected_within"])

    @recorded("client:delete", permissions.MANAGE)
    @blueprint.response(204)
    def delete(self, client_ip: str) -> None:
        """No longer expect uploads from a client."""
        part(ExpectedClients).withdraw(current_operation(), _address(client_ip))


def _check_may_read(client: str | None) -> None:
    """Let users read of their own address, and of others who may read all. Raises AuthMissing or Forbidden."""
    caller = current_operation().caller
    if client in (None, UNKNOWN_CLIENT) or client != caller.ip_address:
        check(caller, permissions.STATS)


def _at_once(work: Callable[[Snapshot], T]) -> T:
    """Ask for what has ended by now to be on record, then read everything in one snapshot."""
    part(Shipper).flush()
    return part(Statistics).at_once(work)


def _active_connections(settings: Settings) -> int | None:
    if not settings.prometheus_enabled:
        return None
    return round(gauge_total(settings.metrics_dir, "active_connections"))


def _address(text: str) -> str:
    address = normal_address(text)
    if address is None:
        raise errors.ValidationFailed(errors={"client_ip": ["Not an IP address."]})
    return address
