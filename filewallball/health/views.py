"""The health routes."""

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from filewallball.clock import now_us, rfc3339
from filewallball.health.checks import HEALTHY, UNHEALTHY, Result, run_checks
from filewallball.runtime import runtime

blueprint = Blueprint("health", __name__, url_prefix="/health", description="Is the service well?")


@blueprint.route("")
class Health(MethodView):
    init_every_request = False

    def get(self) -> tuple[dict[str, Any], int]:
        """The state of the service and of what it depends on."""
        return _answer(run_checks(runtime()))


@blueprint.route("/live")
class Live(MethodView):
    init_every_request = False

    def get(self) -> dict[str, str]:
        """The process answers; nothing else is touched."""
        return {"status": "alive"}


@blueprint.route("/ready")
class Ready(MethodView):
    init_every_request = False

    def get(self) -> tuple[dict[str, Any], int]:
        """Whether requests may be sent here: database, storage and journal work."""
        return _answer(run_checks(runtime()))


def _answer(results: list[Result]) -> tuple[dict[str, Any], int]:
    well = all(result.status == HEALTHY for result in results)
    body = {
        "status": HEALTHY if well else UNHEALTHY,
        "timestamp": rfc3339(now_us()),
        "services": {
            result.name: {"status": result.status, "response_time": f"{result.seconds:.3f}s"}
            for result in results
        },
    }
    return body, 200 if well else 503
