"""Screening: refuses requests for the host that they name or the page that sent them, before anything counts them."""

from collections.abc import Callable

from flask import current_app, request

from filewallball import errors
from filewallball.recording.caller import Caller
from filewallball.recording.operations import Ledger, operation
from filewallball.registry import part
from filewallball.text import sanitize
from filewallball.web.exchange import Exchange, current_exchange
from filewallball.web.hosts import Hosts
from filewallball.web.pages import Pages

_NEEDS_NO_HOST = "/health/live"
_ELSEWHERE = "auth:fail"


def screen() -> None:
    """Refuse the present request if it is not meant for this service, or its sender does not know of it.

    The refusal is on record under the route's own action, and counts towards no limit and no block: the address is that
    of somebody whose browser was used. Raises HostNotAllowed or ForeignPage.
    """
    exchange = current_exchange()
    refusal = _refusal(exchange)
    if refusal is None:
        return
    origin = exchange.origin
    caller = Caller(
        ip_address=origin.client_ip,
        counted_as=origin.counted_as,
        user_agent=sanitize(exchange.environ.get("HTTP_USER_AGENT", "")),
        request_id=exchange.request_id,
    )
    endpoint = request.url_rule.rule if request.url_rule else ""
    with operation(part(Ledger), _action(), caller, endpoint=endpoint, exchange=exchange):
        raise refusal


def _refusal(exchange: Exchange) -> errors.ApiError | None:
    environ, origin = exchange.environ, exchange.origin
    if not origin.host_is_known and part(Hosts).are_enforced and environ["PATH_INFO"] != _NEEDS_NO_HOST:
        return errors.HostNotAllowed()
    if not part(Pages).may_change(environ, is_trusted=origin.trusted):
        return errors.ForeignPage()
    return None


def _action() -> str:
    """The action of the route that was asked for; a failed authentication where it has none."""
    if request.endpoint is None:
        return _ELSEWHERE
    view = current_app.view_functions[request.endpoint]
    method: Callable[..., object] = getattr(getattr(view, "view_class", None), request.method.lower(), view)
    rule = getattr(method, "rule", None)
    return rule.action if rule is not None else _ELSEWHERE
