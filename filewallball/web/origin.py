"""The origin of a request: forwarding headers are believed only from trusted proxies."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from filewallball.addresses import (
    UNKNOWN_CLIENT,
    Network,
    NetworkSet,
    client_network,
    contains,
    normal_address,
    unknown_behind,
)
from filewallball.web.forwarding import ForwardingWatch
from filewallball.web.hosts import Hosts

_CHAIN = "HTTP_X_FORWARDED_FOR"
FORWARDING = (
    _CHAIN,
    *("HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_VIA"),
    *("HTTP_X_FORWARDED", "HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_SERVER", "HTTP_FORWARDED_FOR"),
    *("HTTP_X_ORIGINAL_FORWARDED_FOR", "HTTP_X_CLIENT_IP", "HTTP_CLIENT_IP", "HTTP_X_CLUSTER_CLIENT_IP"),
    *("HTTP_TRUE_CLIENT_IP", "HTTP_CF_CONNECTING_IP", "HTTP_CF_CONNECTING_IPV6", "HTTP_CDN_LOOP"),
    *("HTTP_FASTLY_CLIENT_IP", "HTTP_CLOUDFRONT_VIEWER_ADDRESS", "HTTP_X_AZURE_CLIENTIP"),
    *("HTTP_X_AZURE_SOCKETIP", "HTTP_X_ENVOY_EXTERNAL_ADDRESS", "HTTP_X_APPENGINE_USER_IP"),
    *("HTTP_PROXY_CLIENT_IP", "HTTP_WL_PROXY_CLIENT_IP", "HTTP_FLY_CLIENT_IP", "HTTP_X_PROXYUSER_IP"),
    *(
        "HTTP_X_REMOTE_IP",
        "HTTP_X_REMOTE_ADDR",
        "HTTP_X_ORIGINATING_IP",
        "HTTP_CF_RAY",
        "HTTP_X_AMZN_TRACE_ID",
    ),
)
"""Headers by which a proxy names the client of a request, beside all that begin with `X-Forwarded-`.

Only the first is read for the address.
"""
_ANY_FORWARDED = "HTTP_X_FORWARDED_"
_FORWARDING = frozenset(FORWARDING)
_LOOPBACK = "127.0.0.1"
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{7,63}")
_MAX_HOPS = 20
_LONGEST_HOP = 100
_HIGHEST_PORT = 65535
# `[2001:db8::1]`, `[2001:db8::1]:51234` and `203.0.113.9:51234`; what they hold is read as an address afterwards.
_WRAPPED = re.compile(r"(?:\[([^][]*:[^][]*)\]|([0-9.]+))(?::([0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class Origin:
    """The client's address, the peer that connected, and what a trusted proxy said of the request.

    `client_ip` and `peer` are `unknown` where they cannot be read.
    """

    client_ip: str
    peer: str
    request_id: str | None = None
    forwarded: bool = False
    """True if a forwarding header is present, believed or not."""
    trusted: bool = False
    """True if the peer is a trusted proxy."""
    may_sample: bool = False
    """True if the client itself is a trusted proxy: nobody else had a hand in what the request says of its trace."""
    proxy: str = ""
    """The trusted proxy that forwards for an unknown client."""
    host_is_known: bool = True
    """False if the request names a host that is not known to be ours."""

    @property
    def is_known(self) -> bool:
        """True if the client's address could be read."""
        return self.client_ip != UNKNOWN_CLIENT

    @property
    def gives_rights(self) -> bool:
        """True if the address may give rights: it could be read, nobody untrusted says that it is another's, and the
        request was meant for this service: a foreign page reaches it only under a name of its own."""
        return self.is_known and self.host_is_known and (self.trusted or not self.forwarded)

    @property
    def came_by_proxy(self) -> bool:
        """True if a trusted proxy passed the request on."""
        return self.trusted and self.forwarded

    @property
    def counted_as(self) -> str:
        """The network by which limits and quotas count the client; those unknown count together, for each proxy."""
        return client_network(self.client_ip) if self.is_known else unknown_behind(self.proxy)


def at_known_hosts(
    origin: Callable[[Mapping[str, Any]], Origin], hosts: Hosts
) -> Callable[[Mapping[str, Any]], Origin]:
    """A function that resolves origins as `origin` does, and says whether the host is known."""

    def resolve(environ: Mapping[str, Any]) -> Origin:
        found = origin(environ)
        is_known = hosts.know(environ, is_trusted=found.trusted)
        return found if is_known else replace(found, host_is_known=False)

    return resolve


class Proxies:
    """Resolves origins for one set of trusted proxies."""

    def __init__(
        self, trusted: Sequence[Network], show_suspect: Callable[[bool], None] = lambda is_suspect: None
    ) -> None:
        self._trusted = NetworkSet(trusted)
        self.watch = ForwardingWatch(show_suspect)

    def origin(self, environ: Mapping[str, Any]) -> Origin:
        """The origin of a WSGI request. A peer on a unix socket counts as loopback."""
        peer = normal_address(environ.get("REMOTE_ADDR") or _LOOPBACK) or UNKNOWN_CLIENT
        forwarded = _is_forwarded(environ)
        trusted = bool(self._trusted) and self.trusts(peer)
        self.watch.note(peer, forwarded and not trusted)
        if not trusted:
            return _direct(peer, forwarded)
        client, proxy = self._client(peer, environ.get(_CHAIN)) if forwarded else (peer, "")
        request_id = environ.get("HTTP_X_REQUEST_ID", "")
        return Origin(
            client_ip=client,
            peer=peer,
            request_id=request_id if _REQUEST_ID.fullmatch(request_id) else None,
            forwarded=forwarded,
            trusted=True,
            may_sample="HTTP_TRACEPARENT" in environ and (client == peer or self.trusts(client)),
            proxy=proxy,
        )

    def trusts(self, address: str) -> bool:
        """True if the address is a trusted proxy's."""
        return contains(self._trusted, address)

    def _client(self, peer: str, chain: str | None) -> tuple[str, str]:
        """The last hop that is not ours: each trusted proxy vouches for the address it appended.

        Where that hop cannot be read the client is unknown, and the proxy that appended it comes second. So it is
        where the last 20 hops are all ours and others stand before them.
        """
        proxy = peer
        if chain is None:
            return self._unknown(proxy, None)
        hops = chain.rsplit(",", _MAX_HOPS)
        for hop in reversed(hops[-_MAX_HOPS:]):
            address = hop_address(hop) if len(hop) <= _LONGEST_HOP else None
            if address is None:
                return self._unknown(proxy, hop)
            if not self.trusts(address):
                return address, ""
            proxy = address
        return (proxy, "") if len(hops) <= _MAX_HOPS else self._unknown(proxy, hops[0])

    def _unknown(self, proxy: str, hop: str | None) -> tuple[str, str]:
        self.watch.note_unreadable(proxy, hop)
        return UNKNOWN_CLIENT, proxy


def forwarding_headers(environ: Mapping[str, Any]) -> list[str]:
    """The forwarding headers of a WSGI request, by their keys in it."""
    return [name for name in environ if name in _FORWARDING or name.startswith(_ANY_FORWARDED)]


def _is_forwarded(environ: Mapping[str, Any]) -> bool:
    if not _FORWARDING.isdisjoint(environ):
        return True
    # One search in all names is cheaper than one in each.
    return _ANY_FORWARDED in " ".join(environ) and bool(forwarding_headers(environ))


@lru_cache(4096)
def _direct(address: str, forwarded: bool) -> Origin:
    """The origin of a request that no trusted proxy passed on."""
    return Origin(address, address, forwarded=forwarded)


@lru_cache(4096)
def hop_address(hop: str) -> str | None:
    """The address of one hop, which may have a port, and brackets if it is IPv6; None if it is not readable."""
    text = hop.strip(" \t")
    wrapped = _WRAPPED.fullmatch(text)
    if wrapped is None:
        return normal_address(text)
    inside, bare, port = wrapped.groups()
    return normal_address(inside or bare) if int(port or 0) <= _HIGHEST_PORT else None
