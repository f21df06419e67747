"""Tickets: the right to fetch one file from one client network for ten minutes, as text that only the service can make.

Nothing of them is stored. What they rest on, the link or the token, is looked up again whenever one is shown.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import astuple, dataclass

import orjson

from filewallball import errors
from filewallball.clock import now_us

LASTS_US = 600 * 1_000_000
PREFIX = "fwb_t_"  # by which logs know it for a secret
_PURPOSE = b"tickets of links"
_MAC_BYTES = 16
_LONGEST = 512
_TEXT = re.compile(rf"{PREFIX}((?:[A-Za-z0-9_-]{{4}})*(?:[A-Za-z0-9_-]{{2,3}})?)")


@dataclass(frozen=True, slots=True)
class Ticket:
    """The terms of a ticket: a link's, or that of the user who has the token."""

    file_id: str
    network: str
    expires_us: int
    link_id: str = ""
    token_id: int = 0


class Tickets:
    """Makes tickets and reads them. All processes of a service share the key."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, _PURPOSE, hashlib.sha256)

    def issue(
        self, file_id: str, network: str, *, link_id: str = "", token_id: int = 0
    ) -> tuple[str, Ticket]:
        """A new ticket as text, and its terms."""
        ticket = Ticket(file_id, network, now_us() + LASTS_US, link_id, token_id)
        terms = orjson.dumps(astuple(ticket))
        text = base64.urlsafe_b64encode(self._mac(terms) + terms).decode().rstrip("=")
        return PREFIX + text, ticket

    def read(self, text: str, network: str) -> Ticket:
        """The terms of a ticket. Raises NotFound for what the service did not make, TicketExpired for a ticket whose
        time is over or that was made for another network."""
        ticket = self._genuine(text)
        if ticket is None:
            raise errors.NotFound
        if ticket.network != network or not 0 < ticket.expires_us - now_us() <= LASTS_US:
            raise errors.TicketExpired
        return ticket

    def _genuine(self, text: str) -> Ticket | None:
        found = _TEXT.fullmatch(text) if len(text) <= _LONGEST else None
        if found is None:
            return None
        data = base64.urlsafe_b64decode(found[1] + "=" * (-len(found[1]) % 4))
        mac, terms = data[:_MAC_BYTES], data[_MAC_BYTES:]
        return Ticket(*orjson.loads(terms)) if hmac.compare_digest(mac, self._mac(terms)) else None

    def _mac(self, terms: bytes) -> bytes:
        return hmac.digest(self._key, terms, hashlib.sha256)[:_MAC_BYTES]
