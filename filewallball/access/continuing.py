"""Requests that only go on with what an earlier one began: no operations, unless they are refused."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from limits import RateLimitItemPerMinute

from filewallball import errors
from filewallball.access.admission import Rule, begin_operation, check, identify
from filewallball.access.gate import Gate, is_authentication_failure
from filewallball.access.limits import EXEMPT
from filewallball.recording.caller import Caller
from filewallball.registry import part
from filewallball.web.exchange import Exchange, current_exchange

_FLOOD = RateLimitItemPerMinute(6000)


@dataclass(frozen=True, slots=True)
class Sender:
    """The caller of a request, and the error that speaks against serving it, or None. With AuthExpired the caller is
    the one that the token belonged to."""

    caller: Caller
    refusal: errors.ApiError | None


def recorded_if_refused(
    action: str, permission: str, *, checks: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a view that is no operation while it succeeds; a refusal is one, of this action.

    For requests of which one operation takes many. They count to no limit. The view is given the `Sender`, whose
    refusal it may overlook; where the permission is not checked, it decides alone whom it serves.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def run(*args: Any, **kwargs: Any) -> Any:
            exchange = current_exchange()
            sender = _sender(exchange)
            try:
                if isinstance(sender.refusal, errors.AuthUnknown | errors.AuthMalformed):
                    raise sender.refusal  # of nobody
                if checks and sender.refusal is None:
                    check(sender.caller, permission)
                return view(*args, sender=sender, **kwargs)
            except Exception as error:
                if exchange.event is not None:  # what it ended is on record with this very refusal
                    raise
                with begin_operation(exchange, action, sender.caller, str(kwargs.get("upload_id", ""))):
                    raise error from error.__cause__

        run.rule = Rule(action, permission)  # type: ignore[attr-defined]
        return run

    return decorate


def _sender(exchange: Exchange) -> Sender:
    """The sender of a request that counts towards no limit but one against floods. Wrong credentials count as ever."""
    gate, origin = part(Gate), exchange.origin
    refusal = gate.refusal(origin, EXEMPT, "HTTP_AUTHORIZATION" in exchange.environ, [])
    if refusal is None and not gate.limits.count(_FLOOD, "flood", origin.counted_as).is_within:
        refusal = errors.UploadsBusy()
    was_let_in = refusal is None
    caller, refusal = identify(exchange, refusal, may_have_expired=True)
    if was_let_in and refusal is not None and not caller.token_id and is_authentication_failure(refusal):
        limited = gate.authentication_failed(origin, [])
        refusal = limited if limited is not None and gate.enforces else refusal
    if isinstance(refusal, errors.RateLimited):
        refusal = errors.UploadsBusy()  # a client that went on would give its upload up over any other
    return Sender(caller, refusal)
