"""Macs of the journal: what was not written with the seal key is taken for no operation's line.

A line is a JSON object whose last members are `q`, its number in the segment, and `m`, the mac over slot, segment and
everything before it. A release that knows no macs reads past both.
"""

import hashlib
import hmac
from binascii import hexlify
from pathlib import Path
from typing import Any

import orjson

_DIGEST_BYTES = 16
_MEMBER = b',"m":"'
_END = b'"}'
_TAIL = len(_MEMBER) + 2 * _DIGEST_BYTES + len(_END)
_START = -_TAIL + len(_MEMBER)


class LineMacs:
    """Makes and checks the macs of one host's journal; the key is derived from the one that seals the log."""

    def __init__(self, seal_key: bytes) -> None:
        key = hmac.digest(seal_key, b"filewallball journal", hashlib.sha256)
        self._keyed = hashlib.blake2b(key=key, digest_size=_DIGEST_BYTES)

    def of_segment(self, path: Path) -> "SegmentMacs":
        """The macs of one segment, which are worth nothing in another one or in another slot."""
        keyed = self._keyed.copy()
        keyed.update(f"line;{path.parent.name};{path.name};".encode())
        return SegmentMacs(keyed)

    def seal(self, purpose: bytes, data: bytes) -> bytes:
        """`data` behind a first line with its mac, for a small file that is replaced whole."""
        return self._of(purpose, data) + b"\n" + data

    def unseal(self, purpose: bytes, sealed: bytes) -> bytes:
        """The data of such a file. Raises ValueError where it is not as `seal` made it."""
        mac, _, data = sealed.partition(b"\n")
        if not hmac.compare_digest(mac, self._of(purpose, data)):
            raise ValueError("The file was not written with this key.")
        return data

    def _of(self, purpose: bytes, data: bytes) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(b"file;%b;%b" % (purpose, data))
        return hexlify(keyed.digest())


class SegmentMacs:
    """Signs and reads the lines of one segment."""

    def __init__(self, keyed: "hashlib.blake2b") -> None:
        self._keyed = keyed

    def sign(self, body: bytes, number: int) -> bytes:
        """The line, with its end, of a JSON object that has members."""
        text = b'%b,"q":%d' % (body[:-1], number)
        return b"%b%b%b%b\n" % (text, _MEMBER, self._of(text), _END)

    def read(self, raw: bytes) -> dict[str, Any] | None:
        """The object of a line without its end; None for a line that was not signed for this segment."""
        if not is_signed(raw) or not hmac.compare_digest(raw[_START : -len(_END)], self._of(raw[:-_TAIL])):
            return None
        line: dict[str, Any] = orjson.loads(raw)
        return line

    def _of(self, text: bytes) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(text)
        return hexlify(keyed.digest())


def is_signed(raw: bytes) -> bool:
    """True if the line has the form of one with a mac, right or wrong; an earlier release wrote none."""
    return raw[-_TAIL:_START] == _MEMBER and raw.endswith(_END)
