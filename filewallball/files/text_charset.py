"""The charset of a stored text, as it is declared to whoever is sent it; none where that would be a guess."""

import codecs
import re
from typing import BinaryIO

from charset_normalizer import from_bytes

_HEAD_BYTES = 64 * 1024
_SAMPLE_BYTES = 4096
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, ""),
    (codecs.BOM_UTF16_LE, "utf-16le"),
    (codecs.BOM_UTF16_BE, "utf-16be"),
)
_LABELS = {
    "cp949": "euc-kr",
    "cp932": "shift_jis",
    "euc_jp": "euc-jp",
    "gb18030": "gb18030",
    "big5": "big5",
    "cp1252": "windows-1252",
    "cp1251": "windows-1251",
    "koi8_r": "koi8-r",
}
"""The charsets that are looked for, by Python's names, and the names that browsers have for them. ASCII means ASCII in
each of them: no UTF-7 and no ISO-2022, in which harmless characters spell markup."""
_GUESSED_TYPES = frozenset({"text/plain", "text/csv"})
_MOST_DISORDER, _LEAST_DISTANCE = 0.06, 0.06
"""Shares of unlikely characters: of the charset that is declared, and by how much more every other one has."""
_SHIFTS = re.compile(rb"\x1b[$(]")  # ISO-2022
_BOUNDARY = re.compile(rb".*[\x00-\x2f]", re.DOTALL)  # no such byte is part of a longer character


def charset_of(file: BinaryIO, media_type: str) -> str:
    """The charset of a text, by its beginning; empty if it is unsure. Only plain text and CSV are ever declared
    anything but UTF-8. Raises OSError."""
    head = file.read(_HEAD_BYTES)
    for mark, label in _MARKS:
        if head.startswith(mark):
            return label if media_type in _GUESSED_TYPES or label == "utf-8" else ""
    if b"\0" in head or _SHIFTS.search(head):
        return ""
    is_cut = len(head) == _HEAD_BYTES
    if _is_utf8(head, is_cut=is_cut):
        return "utf-8"
    return _guess(_sample(head, is_cut=is_cut)) if media_type in _GUESSED_TYPES else ""


def _is_utf8(head: bytes, *, is_cut: bool) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=not is_cut)
    except UnicodeDecodeError:
        return False
    return True


def _sample(head: bytes, *, is_cut: bool) -> bytes:
    """The first lines that are not ASCII, up to a place where no character is cut in two."""
    lines = b"".join(line for line in head.splitlines(keepends=True) if not line.isascii())
    if not is_cut and len(lines) <= _SAMPLE_BYTES:
        return lines
    found = _BOUNDARY.match(lines[:_SAMPLE_BYTES])
    return found[0] if found else lines[:_SAMPLE_BYTES]


def _guess(sample: bytes) -> str:
    """The one charset in which the sample reads well, if there is only one."""
    if sample.isascii():  # of a long line
        return ""
    found = from_bytes(sample, cp_isolation=list(_LABELS), preemptive_behaviour=False, enable_fallback=False)
    ranked = sorted(found, key=lambda each: each.chaos)
    if not ranked or ranked[0].chaos > _MOST_DISORDER:
        return ""
    best, *others = ranked
    is_close = any(each.chaos - best.chaos < _LEAST_DISTANCE for each in others)
    return "" if is_close else _LABELS.get(best.encoding, "")
