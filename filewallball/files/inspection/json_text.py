"""JSON by its beginning, so that a document of any length is one."""

import codecs
import json
from typing import Any

_BLANKS = " \t\r\n"
_CUT_CHARACTERS = 12  # the longest piece that a cut may leave: a surrogate pair of two escapes


def begins_json(head: bytes, whole: bool) -> bool:
    """True if this is an object or array, or the beginning of one, or of a file with one on each line.

    `whole` says that nothing follows, so that it must be complete.
    """
    head = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if head[:1] not in (b"{", b"["):
        return False
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head, whole)
    except UnicodeDecodeError:
        return False
    return _begins(text, whole)


def _begins(text: str, whole: bool) -> bool:
    try:
        _, end = _DECODER.raw_decode(text)
    except json.JSONDecodeError as error:
        is_cut = error.pos >= len(text) - _CUT_CHARACTERS or error.msg.startswith("Unterminated string")
        return is_cut and not whole
    except (RecursionError, ValueError):
        return False
    rest = text[end:]
    following = rest.lstrip(_BLANKS)
    return not following or ("\n" in rest[: len(rest) - len(following)] and following[0] in "{[")


def _refuse(name: str) -> Any:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_int=str, parse_float=str)
