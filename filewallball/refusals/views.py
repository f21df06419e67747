"""The internal route by which nginx has the service record and word a refusal of its own."""

from typing import NoReturn

from flask import Blueprint, request

from filewallball import errors
from filewallball.ops.nginx_problems import RECORDED, as_error
from filewallball.recording.caller import Caller
from filewallball.recording.operations import REFUSE, Ledger, operation
from filewallball.registry import part
from filewallball.settings.service import Settings
from filewallball.text import sanitize
from filewallball.web.cors import headers_for
from filewallball.web.exchange import current_exchange

blueprint = Blueprint("refusals", __name__)
_LONGEST = 400


@blueprint.get("/_refused/<int:status>")
def refused(status: int) -> NoReturn:
    """Record and word a refusal of the proxy's own, which alone may ask for it."""
    exchange = current_exchange()
    origin = exchange.origin
    if not origin.trusted or status not in RECORDED:
        raise errors.NotFound
    caller = Caller(
        ip_address=origin.client_ip,
        counted_as=origin.counted_as,
        user_agent=sanitize(request.headers.get("User-Agent", "")),
        request_id=exchange.request_id,
    )
    with operation(part(Ledger), REFUSE, caller, exchange=exchange) as op:
        op.exclude_from_timing()
        op.note(
            details={
                "method": sanitize(request.headers.get("X-Refused-Method", ""), _LONGEST),
                "path": sanitize(request.headers.get("X-Refused-Path", ""), _LONGEST),
                "status_code": status,
            }
        )
        cause = as_error(status)
        if not request.headers.get("Origin"):  # perhaps it stood where nginx did not read on
            cause.headers.update(headers_for(part(Settings).cors_origins, ""))
        raise cause
