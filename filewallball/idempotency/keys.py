"""The header `Idempotency-Key`: how it is written, and whether nobody else can guess it."""

import hashlib
import math
import os
import re
import uuid
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from http_sfv import Item  # type: ignore[attr-defined]

from filewallball import errors
from filewallball.recording.caller import Caller

HEADER = "Idempotency-Key"
_MOST_CHARACTERS = 255
_BARE = re.compile(r"[!#-+\--\[\]-~]+")
"""Visible ASCII but `"`, `\\` and the comma that joins headers."""
_LEAST_BITS = 108
"""A nanoid of 21 characters shows as much where chance gave it no capitals: one in 90,000 of honest clients' keys."""
_LEAST_DISTINCT = 6
_ALPHABETS = (("[0-9]+", 10), ("[0-9a-f]+|[0-9A-F]+", 16), ("[0-9a-z]+|[0-9A-Z]+", 36), ("[0-9A-Za-z]+", 62))
_ANY_ALPHABET = 64
_GUESSABLE_UUIDS = (1, 2, 3, 5, 6)  # made of the time and the host, or of a name
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key as one principal uses it. Its text is a secret: it opens the answer that is kept under it."""

    principal: str
    text: str = field(repr=False)

    @property
    def digest(self) -> str:
        """The stored form of the key: its SHA-256, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def seal(self, answer: bytes) -> bytes:
        """Encrypt an answer so that only who knows the key can read it."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher().encrypt(nonce, answer, self.digest.encode())

    def unseal(self, sealed: bytes) -> bytes:
        """Decrypt what `seal` gave. Raises InternalError if it was changed."""
        nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher().decrypt(nonce, content, self.digest.encode())
        except (InvalidTag, ValueError) as error:
            raise errors.InternalError from error

    def _cipher(self) -> AESGCM:
        info = f"filewallball idempotency {self.principal}".encode()
        return AESGCM(HKDF(SHA256(), 32, salt=None, info=info).derive(self.text.encode()))


def read_key(value: str, caller: Caller) -> IdempotencyKey:
    """The key of a header: a string in quotes, as the draft of the IETF has it, or the same without quotes.

    Raises ValidationFailed, also for a key of an anonymous caller that somebody at the same address could guess.
    """
    is_short = len(value) <= 2 * _MOST_CHARACTERS + 2  # in quotes, with each character escaped
    text = (_string(value) if value.startswith('"') else _bare(value)) if is_short else ""
    if not 1 <= len(text) <= _MOST_CHARACTERS:
        raise _invalid(f"Must have 1 to {_MOST_CHARACTERS} characters.")
    if caller.is_anonymous and not is_unguessable(text):
        raise _invalid(
            "Without a token it must be random, for others may share the address: send a new random UUID "
            "(version 4) or 32 random hexadecimal digits for each upload."
        )
    return IdempotencyKey(caller.principal, text)


def is_unguessable(text: str) -> bool:
    """True if a text has the form of enough random bits.

    Only its form can be judged: its length, the alphabet that its characters come from, and what a UUID says of itself.
    """
    if (version := _uuid_version(text)) is not None:
        return version not in _GUESSABLE_UUIDS and len(set(text)) > _LEAST_DISTINCT
    alphabet = next((size for form, size in _ALPHABETS if re.fullmatch(form, text, re.ASCII)), _ANY_ALPHABET)
    return len(text) * math.log2(alphabet) >= _LEAST_BITS and len(set(text)) >= _LEAST_DISTINCT


def _uuid_version(text: str) -> int | None:
    """The version of a UUID in its usual form, 0 for one that tells none; None for other texts."""
    if not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text, re.ASCII):
        return None
    return uuid.UUID(text).version or 0


def _string(value: str) -> str:
    item = Item()
    try:
        item.parse(value.encode("latin-1"))
    except (ValueError, UnicodeError) as error:
        raise _invalid("Must be one string in double quotes, or bare without blanks and commas.") from error
    return str(item.value)


def _bare(value: str) -> str:
    if not _BARE.fullmatch(value):
        raise _invalid("Must be one string in double quotes, or bare without blanks and commas.")
    return value


def _invalid(told: str) -> errors.ValidationFailed:
    return errors.ValidationFailed(errors={HEADER: [told]})
