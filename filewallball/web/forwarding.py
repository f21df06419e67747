"""Forwarding headers that the service cannot use: those of untrusted peers, and unreadable hops of trusted ones.

Where most traffic carries the former, a proxy stands in front of the service that TRUSTED_PROXIES does not name, and
every client looks like the proxy. The latter make clients unknown.
"""

import logging
import time
from collections.abc import Callable

from filewallball.text import sanitize

_JUDGE_AFTER_REQUESTS = 50
_WARN_EVERY_SECONDS = 3600.0
_MOST_PEERS = 1000
_LONGEST_SHOWN = 100
logger = logging.getLogger("filewallball.access")


class ForwardingWatch:
    """The observations of one process. `note` runs on every request, `judge` in a job."""

    def __init__(self, show_suspect: Callable[[bool], None] = lambda is_suspect: None) -> None:
        self.show_suspect = show_suspect
        self._requests = 0
        self._ignored: dict[str, int] = {}
        self._warned_at = 0.0
        self._unreadable: dict[str, str] = {}
        self._warned_of: dict[str, float] = {}

    def note(self, peer: str, was_ignored: bool) -> None:
        """One request from a peer, and whether its forwarding headers were ignored."""
        self._requests += 1
        if was_ignored and (peer in self._ignored or len(self._ignored) < _MOST_PEERS):
            self._ignored[peer] = self._ignored.get(peer, 0) + 1

    def note_unreadable(self, proxy: str, hop: str | None) -> None:
        """A hop of a trusted proxy that cannot be read; None where it forwards without X-Forwarded-For."""
        if len(self._unreadable) < _MOST_PEERS:
            self._unreadable.setdefault(proxy, "no X-Forwarded-For" if hop is None else hop[:_LONGEST_SHOWN])

    def judge(self) -> None:
        """Warn of unreadable hops, and once enough was seen tell whether a proxy setting seems to be missing."""
        self._warn_of_unreadable()
        ignored = dict(self._ignored)
        if self._requests < _JUDGE_AFTER_REQUESTS:
            return
        peer = max(ignored, key=ignored.__getitem__, default="")
        is_suspect = bool(peer) and ignored[peer] > self._requests / 2
        self._requests, self._ignored = 0, {}
        self.show_suspect(is_suspect)
        if is_suspect and (not self._warned_at or time.monotonic() - self._warned_at > _WARN_EVERY_SECONDS):
            self._warned_at = time.monotonic()
            logger.warning(
                "Most requests come from one address that forwards for others; is it missing in TRUSTED_PROXIES?",
                extra={"client_ip": peer},
            )

    def _warn_of_unreadable(self) -> None:
        """Warn of each proxy's unreadable headers, at most once an hour."""
        unreadable, self._unreadable = self._unreadable, {}
        now = time.monotonic()
        self._warned_of = {
            proxy: at for proxy, at in self._warned_of.items() if now - at < _WARN_EVERY_SECONDS
        }
        for proxy in unreadable.keys() - self._warned_of.keys():
            self._warned_of[proxy] = now
            logger.warning(
                "A trusted proxy names no client that can be read: such clients are unknown and share one limit",
                extra={"proxy": proxy, "hop": sanitize(unreadable[proxy])},
            )
