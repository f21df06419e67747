"""Forwarding headers of untrusted peers: ignored, and warned of when most traffic carries them.

Then a proxy stands in front of the service that TRUSTED_PROXIES does not name, and every client looks like the proxy.
"""

import logging
import time
from collections.abc import Callable

_JUDGE_AFTER_REQUESTS = 50
_WARN_EVERY_SECONDS = 3600.0
_MOST_PEERS = 1000
logger = logging.getLogger("filewallball.access")


class ForwardingWatch:
    """What one process sees. `note` runs on every request, `judge` in a job."""

    def __init__(self, show_suspect: Callable[[bool], None] = lambda is_suspect: None) -> None:
        self.show_suspect = show_suspect
        self._requests = 0
        self._ignored: dict[str, int] = {}
        self._warned_at = 0.0

    def note(self, peer: str, was_ignored: bool) -> None:
        """One request from a peer, and whether its forwarding headers were ignored."""
        self._requests += 1
        if was_ignored and (peer in self._ignored or len(self._ignored) < _MOST_PEERS):
            self._ignored[peer] = self._ignored.get(peer, 0) + 1

    def judge(self) -> None:
        """Once enough was seen, tell whether a proxy setting seems to be missing."""
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
