"""The caller as the service sees it: identity, address, limits and quota."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from filewallball.access.gate import Gate
from filewallball.access.limits import Usage
from filewallball.access.quotas import Allowance, Quotas
from filewallball.recording.caller import Caller
from filewallball.text import sanitize
from filewallball.web.origin import Origin, forwarding_headers


@dataclass(frozen=True, slots=True)
class Me:
    """The caller as the service sees it: identity, address, limits and quota."""

    user_id: int
    username: str
    token_id: int
    role: str
    permissions: list[str]
    address: str
    counted_as: str
    peer: str
    peer_is_trusted: bool
    host: str
    host_is_known: bool
    forwarding_headers: Mapping[str, str]
    limits: list[Usage]
    limits_are_shared: bool
    quota: Allowance


def describe_caller(
    gate: Gate, quotas: Quotas, caller: Caller, origin: Origin, environ: Mapping[str, Any]
) -> Me:
    """Collect everything that decides what the caller may do."""
    return Me(
        user_id=caller.user_id,
        username=caller.username,
        token_id=caller.token_id,
        role=caller.role,
        permissions=sorted(caller.permissions),
        address=origin.client_ip,
        counted_as=origin.counted_as,
        peer=origin.peer,
        peer_is_trusted=origin.trusted,
        host=sanitize(environ.get("HTTP_HOST", "")),
        host_is_known=origin.host_is_known,
        forwarding_headers={
            name.removeprefix("HTTP_").replace("_", "-").title(): sanitize(str(environ[name]))
            for name in forwarding_headers(environ)
        },
        limits=gate.limits.usage(origin.counted_as),
        limits_are_shared=gate.limits.are_shared,
        quota=quotas.allowance(caller.principal),
    )
