"""Who asks: the Authorization header and the network become one frozen Caller, and every route names its operation."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import g, request

from filewallball import errors, permissions
from filewallball.access.service import Identity, authenticate
from filewallball.observability.exchange import current_exchange
from filewallball.operations import Caller, Operation, operation
from filewallball.runtime import runtime
from filewallball.text import neutral
from filewallball.web.origin import contains


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route is for: the operation it performs and the permission that it needs."""

    action: str
    permission: str


def recorded(action: str, permission: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a view one operation: on record before anything else happens, whatever comes of it.

    Stands outermost, above `arguments`, so that refusals of every kind fall inside. The view finds the operation
    with `current_operation()`. `view.rule` says what the route needs.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def run(*args: Any, **kwargs: Any) -> Any:
            caller, refusal = _identify()
            with _operation(action, caller, str(kwargs.get("file_id", ""))) as op:
                g.operation = op
                if refusal is not None:
                    raise refusal
                check(caller, permission)
                return view(*args, **kwargs)

        run.rule = Rule(action, permission)  # type: ignore[attr-defined]
        return run

    return decorate


def current_operation() -> Operation:
    """The operation of the request under way."""
    op: Operation = g.operation
    return op


def guard(permission: str) -> None:
    """Refuse a request on a route that is no operation (metrics, health); the refusal itself is on record."""
    caller, refusal = _identify()
    if refusal is None and caller.may(permission):
        return
    with _operation("auth:fail", caller, ""):
        if refusal is not None:
            raise refusal
        check(caller, permission)


def may(permission: str) -> bool:
    """Whether the caller of the present request holds the permission; a bad token holds none."""
    caller, refusal = _identify()
    return refusal is None and caller.may(permission)


def check(caller: Caller, permission: str) -> None:
    """Raise AuthMissing where credentials could help, Forbidden where they were given and do not."""
    if caller.may(permission):
        return
    raise errors.AuthMissing if caller.is_anonymous else errors.Forbidden


def _operation(action: str, caller: Caller, resource_id: str) -> Operation:
    rule = request.url_rule
    return operation(
        runtime().ledger,
        action,
        caller,
        resource_id=resource_id,
        endpoint=rule.rule if rule else "",
        exchange=current_exchange(),
    )


def _identify() -> tuple[Caller, errors.ApiError | None]:
    """The caller, and the refusal or failure that asking for the token's owner ended in."""
    parts, exchange = runtime(), current_exchange()
    identity: Identity | None = None
    refusal: errors.ApiError | None = None
    if "HTTP_AUTHORIZATION" in request.environ:
        try:
            identity = authenticate(parts.database, _bearer())
        except Exception as error:
            refusal = errors.translate(error)
    role = identity.role if identity else parts.settings.anonymous_role
    granted = permissions.ROLES[role] if refusal is None else frozenset()
    origin = exchange.origin
    if not (origin.forwarded and not origin.trusted) and contains(
        parts.settings.monitoring_networks, origin.client_ip
    ):
        granted |= permissions.MONITORING
    return Caller(
        user_id=identity.user_id if identity else 0,
        username=identity.username if identity else "",
        token_id=identity.token_id if identity else 0,
        role=role,
        permissions=granted,
        ip_address=origin.client_ip,
        user_agent=neutral(request.environ.get("HTTP_USER_AGENT", "")),
        request_id=exchange.request_id,
    ), refusal


def _bearer() -> str:
    authorization = request.authorization
    if authorization is None or authorization.type != "bearer" or not authorization.token:
        raise errors.AuthMalformed
    return authorization.token
