"""The names under which the service is reached: a page that had its own name resolved to our address uses another."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from filewallball.settings.service import Settings

_LONGEST = 300
_HIGHEST_PORT = 65535
_LOCAL = "localhost"
# `name`, `name:8000`, `192.0.2.1:8000`, `[::1]`, `[::1]:8000`; the port may be empty.
_AUTHORITY = re.compile(
    r"(?:\[([0-9A-Fa-f:.]+(?:%[\w.~%-]+)?)\]|([A-Za-z0-9._-]+))(?::([0-9]{0,5}))?", re.ASCII
)


class Hosts:
    """The hosts that requests may name: addresses, localhost, the host of PUBLIC_URL and ALLOWED_HOSTS."""

    def __init__(self, public_url: str, allowed: Sequence[str] = (), own: Sequence[str] = ()) -> None:
        self._names = frozenset((_LOCAL, host_of(public_url), *allowed, *own))
        self._suffixes = tuple(name[1:] for name in allowed if name.startswith("*."))
        self.are_enforced = bool(allowed)

    def know(self, environ: Mapping[str, Any], *, is_trusted: bool) -> bool:
        """True if every host that the request names is known; without any it is not.

        Those are Host, an absolute request target, and X-Forwarded-Host of a trusted proxy.
        """
        if not self._knows(environ.get("HTTP_HOST", "")):
            return False
        target = environ.get("RAW_URI", "")
        if target[:1] not in ("/", "*", "") and not self._knows(_authority(target)):
            return False
        return not is_trusted or all(map(self._knows, forwarded_hosts(environ)))

    def _knows(self, authority: str) -> bool:
        name = name_of(authority)
        return bool(name) and (name in self._names or is_address(name) or name.endswith(self._suffixes))


def hosts_of(settings: Settings) -> Hosts:
    """The hosts of the service; those that Prometheus asks it by and that it listens on are its own too."""
    own = [name_of(host) for host in (settings.bind, *settings.prometheus_targets)]
    return Hosts(settings.public_url, settings.allowed_hosts, own)


def forwarded_hosts(environ: Mapping[str, Any]) -> list[str]:
    """The hosts that X-Forwarded-Host names; only those of a trusted proxy mean anything."""
    text: str | None = environ.get("HTTP_X_FORWARDED_HOST")
    return [] if text is None else [host.strip(" \t") for host in text.split(",")]


def host_of(url: str) -> str:
    """The host of a URL, as `name_of` writes it; empty where there is none."""
    return name_of(_authority(url))


def name_of(authority: str) -> str:
    """The host of `host:port` in lower case, without a final dot; empty for what is malformed."""
    return split_authority(authority)[0] if len(authority) <= _LONGEST else ""


@lru_cache(1024)
def split_authority(authority: str) -> tuple[str, str]:
    """Host and port, either possibly empty; both are for what is malformed."""
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        return "", ""
    literal, name, port = found.groups()
    if port and int(port) > _HIGHEST_PORT:
        return "", ""
    host = _literal(literal) if literal else name.lower().removesuffix(".")
    return (host, port or "") if host else ("", "")


@lru_cache(1024)
def is_address(name: str) -> bool:
    """True for an IP address, which no name service stands behind."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _literal(text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(text.partition("%")[0]))
    except ValueError:
        return ""


def _authority(url: str) -> str:
    """Host and port of an absolute URL; empty where there are none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""
