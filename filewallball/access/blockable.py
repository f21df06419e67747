"""The networks that a block may name, and those that it names only by force: for HTTP, command line and the service."""

import ipaddress
from collections.abc import Iterator

from filewallball import errors
from filewallball.addresses import (
    LOOPBACK,
    UNKNOWN_CLIENT,
    Network,
    client_network,
    contains,
    normal_address,
    overlaps,
    read_network,
)
from filewallball.settings.service import Settings

_NOBODY: tuple[Network, ...] = (ipaddress.IPv4Network("0.0.0.0/32"), ipaddress.IPv6Network("::/128"))
_SHORTEST_PREFIX = {4: 8, 6: 16}
_MAPPED_BITS = 96


class Blockable:
    """Says of a network why a block would hit more than an offender."""

    def __init__(self, settings: Settings) -> None:
        self._spared: dict[str, tuple[Network, ...]] = {
            "loopback, the addresses of this host itself": LOOPBACK,
            "the unspecified address": _NOBODY,
            "TRUSTED_PROXIES, which forward for others": settings.trusted_proxies,
            "MONITORING_NETWORKS": settings.monitoring_networks,
        }

    def check(self, network: Network, caller: str = "") -> None:
        """Raise Conflict for a network that is blocked by force alone; `caller` is the address of who asks."""
        for reason in self._objections(network, caller):
            raise errors.Conflict(f"{network} {reason}; `force` blocks it all the same.")

    def spares(self, address: str) -> bool:
        """True if no offence of this client leads to a block: it may be unknown, or blocked by force alone."""
        if address == UNKNOWN_CLIENT:
            return True
        return next(self._objections(parse_network(address), ""), None) is not None

    def _objections(self, network: Network, caller: str) -> Iterator[str]:
        if network.prefixlen == 0:
            yield "is everybody"
        if network.prefixlen < _SHORTEST_PREFIX[network.version]:
            yield f"holds more than a /{_SHORTEST_PREFIX[network.version]}"
        if caller and contains((network,), caller):
            yield f"holds your own address, {caller}"
        for what, others in self._spared.items():
            if overlaps(network, others):
                yield f"overlaps {what}"


def parse_network(text: str) -> Network:
    """`203.0.113.7`, `203.0.113.0/24`, `2001:db8::/48`, or an IPv6 address, which stands for what it is counted by.

    An IPv4-mapped address is that IPv4 address. Raises ValidationFailed.
    """
    try:
        if address := normal_address(text):
            return ipaddress.ip_network(client_network(address))
        network = read_network(text)
        if "%" in text:
            raise ValueError("a network has no zone")
        mapped = getattr(ipaddress.ip_interface(text).ip, "ipv4_mapped", None)
        if mapped and ipaddress.ip_interface(text).network.prefixlen < _MAPPED_BITS:
            raise ValueError("an IPv4-mapped address in a network that is none of IPv4")
    except ValueError as error:
        raise errors.ValidationFailed(errors={"network": ["Not an address or network."]}) from error
    return network
