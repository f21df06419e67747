"""Where a request really comes from: forwarding headers are believed only from trusted proxies."""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from filewallball.settings.kinds import Network, Networks
from filewallball.web.forwarding import ForwardingWatch

FORWARDING = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_FORWARDED",
    "HTTP_X_REAL_IP",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_VIA",
)
_FORWARDING = frozenset(FORWARDING)
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{7,63}")
_MAX_HOPS = 20


@dataclass(frozen=True, slots=True)
class Origin:
    """The client's address, the peer that connected, and what a trusted proxy said of the request."""

    client_ip: str
    peer: str
    request_id: str | None = None
    forwarded: bool = False
    """Whether a forwarding header is present, believed or not."""
    trusted: bool = False
    """Whether the peer is a trusted proxy."""


class Proxies:
    """Resolves origins for one set of trusted proxies."""

    def __init__(
        self, trusted: Sequence[Network], show_suspect: Callable[[bool], None] = lambda is_suspect: None
    ) -> None:
        self._trusted = Networks(trusted)
        self.watch = ForwardingWatch(show_suspect)

    def origin(self, environ: Mapping[str, Any]) -> Origin:
        """The origin of a WSGI request. A peer on a unix socket counts as loopback."""
        peer = environ.get("REMOTE_ADDR") or "127.0.0.1"
        address = normal_address(peer) or "127.0.0.1"
        forwarded = not _FORWARDING.isdisjoint(environ)
        trusted = bool(self._trusted) and self.trusts(address)
        self.watch.note(address, forwarded and not trusted)
        if not trusted:
            return _direct(address, forwarded)
        request_id = environ.get("HTTP_X_REQUEST_ID", "")
        return Origin(
            client_ip=self._client(address, environ.get("HTTP_X_FORWARDED_FOR", "")),
            peer=address,
            request_id=request_id if _REQUEST_ID.fullmatch(request_id) else None,
            forwarded=forwarded,
            trusted=True,
        )

    def trusts(self, address: str) -> bool:
        """Whether the address is a trusted proxy's."""
        return contains(self._trusted, address)

    def _client(self, peer: str, chain: str) -> str:
        """The last hop that is not ours: each trusted proxy vouches for the address it appended."""
        client = peer
        for hop in reversed(chain.split(",")[-_MAX_HOPS:]):
            address = normal_address(hop.strip())
            if address is None:
                break
            client = address
            if not self.trusts(address):
                break
        return client


@lru_cache(4096)
def _direct(address: str, forwarded: bool) -> Origin:
    """The origin of a request that no trusted proxy passed on."""
    return Origin(address, address, forwarded=forwarded)


@lru_cache(4096)
def normal_address(text: str) -> str | None:
    """An IP address in its shortest spelling, IPv4-mapped IPv6 as IPv4, without a zone; None if it is no address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address).partition("%")[0]


@lru_cache(4096)
def client_network(address: str) -> str:
    """What a client is counted and blocked by: its IPv4 address, or the /64 that its IPv6 address lies in."""
    parsed = ipaddress.ip_address(address)
    return address if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))


@lru_cache(4096)
def contains(networks: tuple[Network, ...], address: str) -> bool:
    """Whether any network holds the address."""
    parsed = ipaddress.ip_address(address)
    return any(parsed.version == network.version and parsed in network for network in networks)
