"""Credentials taken out of text from outside, whichever sink it goes to: audit row, journal, log, answer, message."""

import re
from collections.abc import Iterable

# As it came, or as a URL holds it.
_TOKEN = re.compile(r"fwb(?:_|%5[Ff])(?:[A-Za-z0-9_-]|%5[Ff]|%2[Dd]){8,}")
_BEARER = re.compile(r"(bearer)(?:\s|%20|\+)+(?:[A-Za-z0-9._~+/=-]|%[0-9A-Fa-f]{2}){8,}", re.IGNORECASE)
_HIDDEN = "[hidden]"
_SHORTEST = 8


class Redactor:
    """Takes known secrets and everything that looks like one of our tokens out of text and of lines."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = [secret for secret in secrets if len(secret) >= _SHORTEST]
        self._signs = (b"fwb", b"earer", b"EARER", *(secret.encode() for secret in self._secrets))

    def text(self, value: str) -> str:
        """The text without them."""
        for secret in self._secrets:
            if secret in value:
                value = value.replace(secret, _HIDDEN)
        return hide_tokens(value)

    def clean(self, line: bytes) -> bytes:
        """The line without them. What is no UTF-8 in a line that holds one is replaced."""
        if not any(sign in line for sign in self._signs):
            return line
        return self.text(line.decode("utf-8", "replace")).encode()


def hide_tokens(value: str) -> str:
    """The text without what looks like one of our tokens, or follows the word Bearer."""
    if "fwb" in value:
        value = _TOKEN.sub(_HIDDEN, value)
    if "earer" in value or "EARER" in value:
        value = _BEARER.sub(rf"\1 {_HIDDEN}", value)
    return value
