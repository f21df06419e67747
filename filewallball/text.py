"""Text from outside made harmless for every sink: one line, no control, bidi or surrogate characters, bounded."""

import unicodedata
from collections.abc import Iterable
from typing import Any

_MAX_DETAIL_TEXT = 512
_MAX_BITS = 53
_MOST = 1 << _MAX_BITS
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Bidirectional embeddings, overrides and isolates reorder what a reader sees; U+2028/2029 break lines.
_DECEPTIVE = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029\ufeff"
)


def sanitize(value: str, max_bytes: int = 512) -> str:
    """`value` with every control, bidi and surrogate character replaced, cut to `max_bytes` of UTF-8."""
    if not value.isprintable():
        value = "".join(
            _REPLACEMENT if _is_harmful(character) else character for character in value[:max_bytes]
        )
    return truncate(value, max_bytes)


def sanitize_lines(value: str, max_bytes: int) -> str:
    """`value` as `sanitize` leaves each of its lines, with a line feed between them however they ended."""
    if value.isprintable():  # one line, then
        return truncate(value, max_bytes)
    lines = value.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return truncate("\n".join(sanitize(line, max_bytes) for line in lines), max_bytes)


def is_deceptive(value: str) -> bool:
    """True if a text has characters that `sanitize` would replace: it does not read as it is."""
    return not value.isprintable() and any(map(_is_harmful, value))


def fold(value: str) -> str:
    """`value` as searches compare it: without the differences between upper and lower case, between composed and
    decomposed characters, and between compatible ones such as full and half width.

    That is Unicode's compatibility caseless match, composed (NFKC). It is at most six times as many characters as
    `value` has bytes, and folding it again changes nothing.
    """
    if value.isascii():
        return value.lower()
    decomposed = unicodedata.normalize("NFD", value).casefold()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", decomposed).casefold())


def truncate(value: str, max_bytes: int) -> str:
    """The longest prefix of `value` that fits into `max_bytes` of UTF-8."""
    if value.isascii():
        return value[:max_bytes]
    return value.encode("utf-8", "replace")[:max_bytes].decode("utf-8", "ignore")


def sanitize_json(value: Any) -> Any:
    """The value with every text in it, keys too, sanitized and cut short; any JSON library can write the result."""
    if isinstance(value, str):
        is_plain = len(value) <= _MAX_DETAIL_TEXT and value.isascii() and value.isprintable()
        return value if is_plain else sanitize(value, _MAX_DETAIL_TEXT)
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return str(value)[:_MAX_DETAIL_TEXT]  # JSON libraries disagree about such numbers
    if isinstance(value, dict):
        if _is_plain(value):
            return value
        return {str(sanitize_json(key)): sanitize_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [sanitize_json(item) for item in value]
    return value


def _is_plain(value: dict[Any, Any]) -> bool:
    """True if sanitizing would change nothing in a flat object, as in nearly all that are."""
    texts = []
    for key, item in value.items():
        if type(key) is not str:  # not even a name of SQLAlchemy's, which orjson does not take for a key
            return False
        texts.append(key)
        kind = type(item)
        if kind is str:
            texts.append(item)
        elif kind is int:
            if not -_MOST < item < _MOST:
                return False
        elif kind is not bool and item is not None:
            return False
    text = "".join(texts)
    return text.isascii() and text.isprintable() and max(map(len, texts), default=0) <= _MAX_DETAIL_TEXT


def _is_harmful(character: str) -> bool:
    return character in _DECEPTIVE or unicodedata.category(character) in ("Cc", "Cs")


def nearly(name: str, known: Iterable[str]) -> str | None:
    """The first known name that differs from this one by at most one edit, if there is any."""
    return next((other for other in known if _is_nearly(name, other)), None)


def _is_nearly(name: str, other: str) -> bool:
    """True if one edit at most makes one of the other: a character more, less or instead, or two that change places."""
    pairs = zip(name, other, strict=False)
    start = next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(name), len(other)))
    left, right = name[start:], other[start:]
    return (
        left[1:] in (right, right[1:])
        or left == right[1:]
        or (left[:2] == right[1::-1] and left[2:] == right[2:])
    )


def is_undecoded(text: str) -> bool:
    """True if it holds bytes that Python could not decode, and passes on as surrogates."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)
