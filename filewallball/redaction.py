"""Credentials taken out of text from outside, whichever sink it goes to: audit row, journal, log, answer, message."""

import re
from collections.abc import Iterable

# As it came, or as a URL holds it, whichever of its letters are escaped, and however often.
_TOKEN = re.compile(
    r"(?:f|%(?:25)*66)(?:w|%(?:25)*77)(?:b|%(?:25)*62)(?:_|%(?:25)*5[Ff])"
    r"(?:[A-Za-z0-9_-]|%(?:25)*(?:2[Dd]|3[0-9]|[4-7][0-9A-Fa-f])){8,}"
)
_ESCAPED = ("%66", "%77", "%62", "%25")
_BEARER = re.compile(r"(bearer)(?:\s|%20|\+)+(?:[A-Za-z0-9._~+/=-]|%[0-9A-Fa-f]{2}){8,}", re.IGNORECASE)
_HIDDEN = "[hidden]"
_SHORTEST = 8


class Redactor:
    """Takes known secrets and everything that looks like one of our tokens out of text and of lines."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = [secret for secret in secrets if len(secret) >= _SHORTEST]
        escaped = (each.encode() for each in _ESCAPED)
        self._signs = (b"fwb", b"earer", b"EARER", *escaped, *(secret.encode() for secret in self._secrets))
        self._text_signs = tuple(sign.decode() for sign in self._signs)

    def text(self, value: str) -> str:
        """The text without them."""
        for secret in self._secrets:
            if secret in value:
                value = value.replace(secret, _HIDDEN)
        return hide_tokens(value)

    def clean(self, line: bytes) -> bytes:
        """The line without them. What is no UTF-8 in a line that holds one is replaced."""
        for sign in self._signs:
            if sign in line:
                return self.text(line.decode("utf-8", "replace")).encode()
        return line

    def is_clean(self, value: str) -> bool:
        """True if there is nothing like them in the text."""
        return not [sign for sign in self._text_signs if sign in value]


def hide_tokens(value: str) -> str:
    """The text without what looks like one of our tokens, or follows the word Bearer."""
    if "fwb" in value or ("%" in value and any(each in value for each in _ESCAPED)):
        value = _TOKEN.sub(_HIDDEN, value)
    if "earer" in value or "EARER" in value:
        value = _BEARER.sub(rf"\1 {_HIDDEN}", value)
    return value
