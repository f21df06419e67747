"""Admission: the Authorization header and the network become one frozen Caller, and every route names its operation."""

import hmac
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any
from urllib.parse import unquote

from flask import request

from filewallball import errors, permissions
from filewallball.access.authentication import Identity, authenticate, digest
from filewallball.access.gate import Gate, is_authentication_failure
from filewallball.access.limit_fields import Standing, limit_fields
from filewallball.access.limits import EXEMPT, bucket_of
from filewallball.addresses import contains
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.errors.translation import translate
from filewallball.recording.caller import Caller
from filewallball.recording.operations import Ledger, Operation, operation
from filewallball.registry import part
from filewallball.settings.service import Settings
from filewallball.text import sanitize
from filewallball.web.exchange import Exchange, current_exchange, current_request
from filewallball.web.pages import Pages
from filewallball.web.parameters import locations, refuse_any, refuse_mistakes, refuse_repeated
from filewallball.web.request_headers import CHANGING, refuse_unheeded

SharedSecret = Callable[[Settings], str]
_PROGRAM = "alertmanager"
_WITHOUT_ADDRESS = permissions.ROLES["user"]
"""The most that a caller without a token may do whose address gives no rights, whatever ANONYMOUS_ROLE says."""
_CREDENTIAL = re.compile(
    r"(?:^|&)(?:access_token|auth_token|api_?key|token|authorization|bearer)=|fwb_[A-Za-z0-9_-]{16}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule of a route: the operation that it performs and the permission that it needs."""

    action: str
    permission: str


def recorded(
    action: str,
    permission: str,
    *,
    shared_secret: SharedSecret | None = None,
    reads_if_match: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a view one operation: on record before anything else happens, whatever comes of it.

    Stands outermost, above `arguments`, so that refusals of every kind fall inside, and before the body is read. The
    view finds the operation with `current_operation()`. `view.rule` says what the route needs. With a `shared_secret`
    it is open to who shows that as bearer token, and to nobody else. A query that the view does not read is refused,
    and so is a condition, but for the `If-Match` that a view `reads_if_match`.
    """
    bucket = bucket_of(action)

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        read_from = locations(view)

        @wraps(view)
        def run(*args: Any, **kwargs: Any) -> Any:
            exchange = current_exchange()
            caller, refusal, excess = _admit(exchange, bucket, shared_secret)
            if refusal is None and shared_secret is not None:
                caller = replace(caller, username=_PROGRAM, permissions=frozenset({permission}))
            with begin_operation(exchange, action, caller, str(kwargs.get("file_id", ""))) as op:
                exchange.operation = op
                if "filename" in kwargs:
                    op.note(details={"filename": sanitize(kwargs["filename"], 255)})
                if excess is not None:
                    op.note(over_limit=True, details={"not_enforced": excess.facts})
                if refusal is not None:
                    raise refusal
                check(caller, permission)
                _refuse_unread(exchange.environ, read_from, permission, shared_secret, reads_if_match)
                return view(*args, **kwargs)

        run.rule = Rule(action, permission)  # type: ignore[attr-defined]
        return run

    return decorate


def _refuse_unread(
    environ: dict[str, Any],
    read_from: Mapping[str, Collection[str]],
    permission: str,
    shared_secret: SharedSecret | None,
    reads_if_match: bool,
) -> None:
    """Refuse headers and parameters that the view would pass over."""
    is_change = environ["REQUEST_METHOD"] in CHANGING
    if is_change:
        is_creation = permission == permissions.UPLOAD
        refuse_unheeded(current_request(), is_creation=is_creation, reads_if_match=reads_if_match)
    if environ.get("QUERY_STRING"):
        # Links travel, and whoever passes them on appends what they like; a program's address is its operator's.
        is_link = permission == permissions.FETCH and not is_change
        _check_query(read_from, is_link=is_link or shared_secret is not None)


def current_operation() -> Operation:
    """The operation of the request under way."""
    op: Operation = current_exchange().operation
    return op


def guard(permission: str) -> None:
    """Refuse a request on a route that is no operation (metrics, health); the refusal itself is on record."""
    exchange = current_exchange()
    caller, refusal, _ = _admit(exchange, EXEMPT)
    if refusal is None and caller.may(permission):
        return
    with begin_operation(exchange, "auth:fail", caller, ""):
        if refusal is not None:
            raise refusal
        check(caller, permission)


def turn_away(bucket: str) -> None:
    """Count a request that is no operation; raise what its address is refused for, which is on record."""
    exchange, gate = current_exchange(), part(Gate)
    standings: list[Standing] = []
    refusal = gate.refusal(exchange.origin, bucket, False, standings)
    _announce(exchange, gate, standings)
    if refusal is None or (isinstance(refusal, errors.RateLimited) and not gate.enforces):
        return
    caller, _ = identify(exchange, refusal)
    with begin_operation(exchange, "auth:fail", caller, ""):
        raise refusal


def may(permission: str) -> bool:
    """True if the caller of the present request holds the permission; a bad token holds none."""
    caller, refusal = identify(current_exchange(), None)
    return refusal is None and caller.may(permission)


def check(caller: Caller, permission: str) -> None:
    """Raise AuthMissing where credentials could help, Forbidden where they were given and do not."""
    if caller.may(permission):
        return
    raise errors.AuthMissing if caller.is_anonymous else errors.Forbidden


def _check_query(read_from: Mapping[str, Collection[str]], *, is_link: bool) -> None:
    """Refuse parameters that would not be done; those that the view reads it checks itself."""
    if is_link:
        refuse_mistakes(request.args, read_from.get("query", ()))
        return
    refuse_repeated(request.args)
    if "query" not in read_from:
        refuse_any(request.args, takes_json="json" in read_from)


def begin_operation(exchange: Exchange, action: str, caller: Caller, resource_id: str) -> Operation:
    """An operation of the present request."""
    rule = exchange.environ["werkzeug.request"].url_rule
    return operation(
        part(Ledger),
        action,
        caller,
        resource_id=resource_id,
        endpoint=rule.rule if rule else "",
        exchange=exchange,
    )


def _admit(
    exchange: Exchange, bucket: str, shared_secret: SharedSecret | None = None
) -> tuple[Caller, errors.ApiError | None, errors.RateLimited | None]:
    """The caller, why they are refused, and the limit they exceed where limits are only watched."""
    gate, origin = part(Gate), exchange.origin
    standings: list[Standing] = []
    refusal = gate.refusal(origin, bucket, "HTTP_AUTHORIZATION" in exchange.environ, standings)
    excess = None
    if isinstance(refusal, errors.RateLimited) and not gate.enforces:
        refusal, excess = None, refusal
    turned_away = refusal is not None
    caller, refusal = identify(exchange, refusal, shared_secret)
    if refusal is not None and not turned_away and is_authentication_failure(refusal):
        limited = gate.authentication_failed(origin, standings)
        if limited is not None and gate.enforces:
            refusal = limited
        elif limited is not None:
            excess = limited
    _announce(exchange, gate, standings)
    return caller, refusal, excess


def _announce(exchange: Exchange, gate: Gate, standings: Sequence[Standing]) -> None:
    """Have the answer tell where the client stands; limits that are only watched are nobody's business."""
    if standings and gate.enforces:
        exchange.limit_fields = limit_fields(standings)


def identify(
    exchange: Exchange,
    refusal: errors.ApiError | None,
    shared_secret: SharedSecret | None = None,
    *,
    may_have_expired: bool = False,
) -> tuple[Caller, errors.ApiError | None]:
    """The caller, and the refusal or failure that asking for the token's owner ended in.

    Who is refused already is not looked up.
    """
    environ, origin, settings = exchange.environ, exchange.origin, part(Settings)
    identity: Identity | None = None
    if refusal is None and environ.get("QUERY_STRING") and _has_credentials(environ["QUERY_STRING"]):
        refusal = errors.AuthMalformed("Credentials belong in the Authorization header, never in a URL.")
    if refusal is None and shared_secret is not None:
        refusal = _refusal_of_program(shared_secret(settings))
    elif refusal is None and "HTTP_AUTHORIZATION" in environ:
        try:
            identity = authenticate(part(Database), _bearer(), may_have_expired=may_have_expired)
            part(Gate).last_use.note(identity.token_id, now_us())
            refusal = errors.AuthExpired() if identity.has_expired else None
        except Exception as error:
            refusal = translate(error)
    role = identity.role if identity else settings.anonymous_role
    granted = permissions.ROLES[role] if refusal is None else frozenset()
    if identity is None and not granted <= _WITHOUT_ADDRESS and not _may_use_address(exchange):
        granted &= _WITHOUT_ADDRESS
    if contains(settings.monitoring_networks, origin.client_ip) and _may_use_address(exchange):
        granted |= permissions.MONITORING
    return Caller(
        user_id=identity.user_id if identity else 0,
        username=identity.username if identity else "",
        token_id=identity.token_id if identity else 0,
        role=role,
        permissions=granted,
        ip_address=origin.client_ip,
        counted_as=origin.counted_as,
        user_agent=sanitize(environ.get("HTTP_USER_AGENT", "")),
        request_id=exchange.request_id,
    ), refusal


def _may_use_address(exchange: Exchange) -> bool:
    """True if the client's address may give rights to this request; see `Origin.gives_rights` and `web/pages.py`."""
    origin = exchange.origin
    return origin.gives_rights and part(Pages).may_use_address(exchange.environ, is_trusted=origin.trusted)


def _refusal_of_program(secret: str) -> errors.ApiError | None:
    """The error for a request that does not show the program's secret, else None; without a secret nobody gets in."""
    if "HTTP_AUTHORIZATION" not in request.environ:
        return errors.AuthMissing()
    try:
        shown = _bearer()
    except errors.AuthMalformed as error:
        return error
    # Digests have one length, so the time that the comparison takes says nothing.
    is_right = hmac.compare_digest(digest(shown), digest(secret))
    return None if secret and is_right else errors.AuthUnknown()


def _bearer() -> str:
    try:
        authorization = request.authorization
    except ValueError as error:  # `Basic` with what is no ASCII
        raise errors.AuthMalformed from error
    if authorization is None or authorization.type != "bearer" or not authorization.token:
        raise errors.AuthMalformed
    return authorization.token


def _has_credentials(query: str) -> bool:
    """True if a query string holds something like a credential, which would end up in logs and histories."""
    return _CREDENTIAL.search(unquote(query) if "%" in query else query) is not None
