"""Requests that a page of another origin makes its visitor's browser send.

A browser adds to them what the visitor has, here the address, and says so in headers that no page can set. What is not
sent by a browser carries neither header and is nobody's page.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from filewallball.web.hosts import forwarded_hosts, split_authority

_CHANGES_NOTHING = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
_OWN = ("same-origin", "none")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_BEARER = "bearer "


class Pages:
    """Tells the service's own pages, and those that CORS_ORIGINS names, from foreign ones."""

    def __init__(self, public_url: str, allowed_origins: Sequence[str]) -> None:
        self._public = _origin(public_url)
        self._named = frozenset(origin for origin in allowed_origins if origin != "*")
        self._anybody = "*" in allowed_origins

    def may_change(self, environ: Mapping[str, Any], *, is_trusted: bool) -> bool:
        """False for a change that a foreign page asks for, unless CORS allows the page to.

        Whoever shows a bearer token uses what no browser adds by itself.
        """
        return (
            environ["REQUEST_METHOD"] in _CHANGES_NOTHING
            or self._anybody
            or _shows_token(environ)
            or not self._is_foreign(environ, is_trusted)
        )

    def may_use_address(self, environ: Mapping[str, Any], *, is_trusted: bool) -> bool:
        """False for a request of a foreign page that CORS_ORIGINS does not name: it gets no rights from the address.

        A link that somebody follows to a page of ours is theirs.
        """
        return _is_followed_link(environ) or not self._is_foreign(environ, is_trusted)

    def _is_foreign(self, environ: Mapping[str, Any], is_trusted: bool) -> bool:
        site, origin = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_ORIGIN")
        if site is None and origin is None:
            return False
        if origin is not None and origin.lower() in self._named:
            return False
        if site is not None:
            return site not in _OWN
        return not self._is_ours(str(origin), environ, is_trusted)

    def _is_ours(self, text: str, environ: Mapping[str, Any], is_trusted: bool) -> bool:
        """True if an Origin is that of PUBLIC_URL, or names the host that the request went to."""
        origin = _origin(text)
        if origin is None:
            return False
        if origin == self._public:
            return True
        hosts = [environ.get("HTTP_HOST", ""), *(forwarded_hosts(environ) if is_trusted else ())]
        return any(_is_same(origin, host, is_trusted) for host in hosts)


def _origin(url: str) -> tuple[str, str, str] | None:
    """Scheme, host and port of an origin; None for `null` and what is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    host, port = split_authority(parts.netloc)
    default = _DEFAULT_PORTS.get(parts.scheme)
    return (parts.scheme, host, port or default) if host and default else None


def _is_same(origin: tuple[str, str, str], authority: str, is_trusted: bool) -> bool:
    """True if a page of this origin lies at the host; a proxy may have left the scheme and the port out."""
    _, name, port = origin
    host, host_port = split_authority(authority)
    if not host or host != name:
        return False
    return host_port == port or (not host_port and (is_trusted or port in _DEFAULT_PORTS.values()))


def _shows_token(environ: Mapping[str, Any]) -> bool:
    return str(environ.get("HTTP_AUTHORIZATION", ""))[: len(_BEARER)].lower() == _BEARER


def _is_followed_link(environ: Mapping[str, Any]) -> bool:
    return (
        environ["REQUEST_METHOD"] in ("GET", "HEAD")
        and environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
        and environ.get("HTTP_SEC_FETCH_DEST") == "document"
    )
