"""Passwords of links: kept as scrypt hashes, and computed by few threads at once, for each takes 16 MiB and a while."""

import hashlib
import hmac
import secrets
import threading
import unicodedata

from filewallball import errors

SHORTEST, LONGEST = 4, 256
_COST, _BLOCK, _PARALLEL = 2**14, 8, 1
_MEMORY_BYTES = 64 * 1024 * 1024
_KEY_BYTES = 32
_AT_ONCE = 2
_LONGEST_WAIT_SECONDS = 2.0


class Passwords:
    """The hashing of passwords in one process."""

    def __init__(self, at_once: int = _AT_ONCE, longest_wait_seconds: float = _LONGEST_WAIT_SECONDS) -> None:
        self._longest_wait_seconds = longest_wait_seconds
        self._places = threading.BoundedSemaphore(at_once)

    def hash(self, password: str) -> str:
        """The text to store of a password: algorithm, salt and key. Raises Unavailable."""
        salt = secrets.token_bytes(16)
        return f"scrypt:{_COST}:{_BLOCK}:{_PARALLEL}:{salt.hex()}:{self._key(password, salt).hex()}"

    def matches(self, password: str, stored: str) -> bool:
        """True if this is the password that was stored. Raises Unavailable; a text of another kind matches nothing."""
        kind, *fields = stored.split(":")
        if kind != "scrypt" or not SHORTEST <= len(password) <= LONGEST:
            return False
        try:
            cost, block, parallel, salt, key = fields
            found = self._key(password, bytes.fromhex(salt), int(cost), int(block), int(parallel))
            return hmac.compare_digest(found, bytes.fromhex(key))
        except (ValueError, TypeError):  # the latter for numbers beyond what scrypt takes
            return False

    def _key(
        self, password: str, salt: bytes, cost: int = _COST, block: int = _BLOCK, parallel: int = _PARALLEL
    ) -> bytes:
        """One keyboard writes a letter as one character, another as two: both mean the same password."""
        text = unicodedata.normalize("NFC", password).encode()
        if not self._places.acquire(timeout=self._longest_wait_seconds):
            raise errors.Unavailable("Many passwords are being checked.")
        try:
            return hashlib.scrypt(
                text, salt=salt, n=cost, r=block, p=parallel, maxmem=_MEMORY_BYTES, dklen=_KEY_BYTES
            )
        finally:
            self._places.release()
