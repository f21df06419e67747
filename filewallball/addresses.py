"""Addresses of clients in the one form that they are compared in, and the networks that hold them."""

import ipaddress
import socket
from collections.abc import Iterable
from functools import cached_property, lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
UNKNOWN_CLIENT = "unknown"
"""The address of a client whose own cannot be read."""
_MAPPED = bytes(10) + b"\xff\xff"
_BY_ADDRESS = tuple(
    map(ipaddress.IPv6Network, ("::/96", "fe80::/10", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32"))
)
"""Ranges whose last 64 bits tell hosts apart that are nothing to each other: loopback, link-local, NAT64, Teredo."""
_6TO4 = ipaddress.IPv6Network("2002::/16")
LOOPBACK: tuple[Network, ...] = (ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Network("::1/128"))


class NetworkSet(tuple[Network, ...]):
    """Networks that answers are remembered by: hashed once, because every request asks."""

    @cached_property
    def _hash(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self._hash


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
    """The network by which a client is counted and blocked: its IPv4 address, or the /64 of its IPv6 address.

    Where a /64 holds strangers the address stands for itself; a 6to4 site, which is one IPv4 address, has a /48.
    """
    if address == UNKNOWN_CLIENT:
        return address
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv4Address) or any(parsed in network for network in _BY_ADDRESS):
        return address
    return str(ipaddress.ip_network((parsed, 48 if parsed in _6TO4 else 64), strict=False))


def shown_network(address: str) -> str:
    """The network that is told where the address itself is not: 24 bits of IPv4, 48 of IPv6.

    Of 6to4, whose third to sixth bytes are an IPv4 address, it tells as much as of that.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return UNKNOWN_CLIENT
    wide = 40 if parsed in _6TO4 else 48
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else wide), strict=False))


def overlaps(network: Network, others: Iterable[Network]) -> bool:
    """True if the network has an address in common with any of the others."""
    return any(network.version == other.version and network.overlaps(other) for other in others)


def unknown_behind(proxy: str) -> str:
    """The name under which the unknown clients of a proxy are counted."""
    return f"{UNKNOWN_CLIENT}:{proxy}" if proxy else UNKNOWN_CLIENT


@lru_cache(4096)
def contains(networks: tuple[Network, ...], address: str) -> bool:
    """True if any network holds the address; none holds an unknown one."""
    if address == UNKNOWN_CLIENT:
        return False
    parsed = ipaddress.ip_address(address)
    return any(parsed in network for network in networks)


def read_network(text: str, *, strict: bool = False) -> Network:
    """A network, an IPv4-mapped one as the IPv4 network it stands for, as clients' addresses are written.

    Raises ValueError, for bits of a host too if it is strict.
    """
    network = ipaddress.ip_network(text, strict=strict)
    first = network.network_address
    if isinstance(first, ipaddress.IPv6Address) and first.ipv4_mapped and network.prefixlen >= 96:
        return ipaddress.ip_network((first.ipv4_mapped, network.prefixlen - 96))
    return network


@lru_cache(4096)
def packed(address: str) -> bytes:
    """An address as 16 bytes, IPv4 mapped into IPv6; empty for what is none."""
    try:
        return _MAPPED + socket.inet_pton(socket.AF_INET, address)
    except (OSError, ValueError):
        pass
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return b""
    return parsed.packed if parsed.version == 6 else _MAPPED + parsed.packed
