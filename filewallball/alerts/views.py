"""The alert routes: Alertmanager's notifications in, alerts firing and past out."""

from typing import Any

from flask.views import MethodView

from filewallball import permissions
from filewallball.access.admission import current_operation, recorded
from filewallball.alerts import schemas
from filewallball.alerts.channels import SmsChannel
from filewallball.alerts.received import count_firing, list_alerts, messages_of, receive
from filewallball.alerts.runbook import section_of
from filewallball.alerts.secret import webhook_secret
from filewallball.database.connections import Database
from filewallball.registry import part
from filewallball.settings.service import Settings
from filewallball.web.api import Blueprint

blueprint = Blueprint(
    "alerts", __name__, url_prefix="/api/v1/alerts", description="What went wrong, and when"
)


@blueprint.route("")
class Alerts(MethodView):
    init_every_request = False

    @recorded("alert:list", permissions.ALERTS)
    @blueprint.arguments(schemas.AlertQuerySchema, location="query")
    @blueprint.response(200, schemas.AlertListSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List alerts, firing and past, newest first."""
        database = part(Database)
        rows, next_cursor = list_alerts(database, **query)
        messages = messages_of(database, [row.id for row in rows])
        return {
            "firing": count_firing(database),
            "page": query["page"],
            "size": query["size"],
            "next_cursor": next_cursor,
            "alerts": [{**row._mapping, "sms": messages[row.id], **_advice(row.name)} for row in rows],
        }


def _advice(alert: str) -> dict[str, str | None]:
    section = section_of(alert)
    if section is None:
        return {"runbook": None, "runbook_url": None}
    return {"runbook": section.text, "runbook_url": f"{part(Settings).public_url}/runbook#{section.anchor}"}


@blueprint.route("/webhook")
class Webhook(MethodView):
    init_every_request = False

    @recorded("alert:receive", permissions.RECEIVE_ALERTS, shared_secret=webhook_secret)
    @blueprint.arguments(schemas.NotificationSchema)
    @blueprint.response(204)
    def post(self, body: dict[str, Any]) -> None:
        """Accept a notification from Alertmanager, which sends ALERT_WEBHOOK_SECRET as its bearer token."""
        receive(current_operation(), part(Database), body, SmsChannel(part(Settings)).recipients())
