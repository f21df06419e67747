"""Addresses of clients in the one form that they are compared in, and the networks that hold them."""

import ipaddress
import socket
from functools import cached_property, lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
UNKNOWN_CLIENT = "unknown"
"""The address of a client whose own cannot be read."""
_MAPPED = bytes(10) + b"\xff\xff"


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
    """The network by which a client is counted and blocked: its IPv4 address, or the /64 of its IPv6 address."""
    if address == UNKNOWN_CLIENT:
        return address
    parsed = ipaddress.ip_address(address)
    return address if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))


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
