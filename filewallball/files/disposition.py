"""A part's Content-Disposition: its name and file name, in every form that clients write them (RFC 7578, 8187, 2231).

Not by werkzeug's parser: there `filename*` loses to a `filename` behind it, a quoted one stays as it is, and a name
ends at its first blank unless it is quoted.
"""

import re
from dataclasses import dataclass
from itertools import count, takewhile
from urllib.parse import unquote_to_bytes

from filewallball.errors import ValidationFailed
from filewallball.files.charsets import codec_of

_PARAMETER = re.compile(
    r';[ \t]*+([^=;\s"]++)[ \t]*+=[ \t]*+("(?:[^"\\]|\\.)*+"(?=[ \t]*+(?:;|\Z))|[^;]*+)', re.DOTALL
)
_LONE_BACKSLASH = re.compile(r'(?:[^\\]|\A)(?:\\\\)*+\\(?![\\"])')
_ESCAPED = re.compile(r'\\([\\"])')
_SENT_BY_BROWSERS = re.compile(r"%(22|0D|0A)", re.IGNORECASE)
_SECTION = re.compile(r"(.+)\*(0|[1-9][0-9]{0,3})(\*?)")
_EXTENDED = re.compile(r"([^']*)'[^']*'(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Disposition:
    """The parameters of one header as they were sent, a character for each byte."""

    parameters: dict[str, str]

    @classmethod
    def of(cls, value: bytes) -> "Disposition":
        """Those of a header's value. Raises ValueError for one that is given twice: readers would take either."""
        pairs = [(name.lower(), text) for name, text in _PARAMETER.findall(value.decode("latin-1"))]
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a parameter of Content-Disposition is given twice")
        return cls(found)

    def text(self, name: str, codec: str = "utf-8") -> str | None:
        """The value of a parameter: in its extended form, in sections, or plain, which is read by `codec`.

        What the codec cannot read is replaced. Raises ValidationFailed if all there is has an unknown character set.
        """
        extended = self.parameters.get(f"{name}*")
        found = None if extended is None else _decoded(*_split(_unquoted(extended)))
        if found is None:
            found = self._joined(name)
        if found is None and name in self.parameters:
            plain = _SENT_BY_BROWSERS.sub(_character, _unquoted(self.parameters[name]))
            found = plain.encode("latin-1").decode(codec, "replace")
        if found is None and extended is not None:
            raise ValidationFailed(errors={f"{name}*": ["This character set is not known here; send UTF-8."]})
        return found

    def _joined(self, name: str) -> str | None:
        """The sections `name*0`, `name*1` … in order; those with a second star are percent-encoded."""
        if f"{name}*0" not in self.parameters and f"{name}*0*" not in self.parameters:
            return None
        sections = {
            int(found[2]): (_unquoted(value), bool(found[3]))
            for key, value in self.parameters.items()
            if (found := _SECTION.fullmatch(key)) and found[1] == name
        }
        first, is_encoded = sections[0]
        charset, text = _split(first) if is_encoded else ("utf-8", first)
        content = _bytes_of(text, is_encoded)
        for number in takewhile(sections.__contains__, count(1)):  # what follows a gap belongs to nothing
            content += _bytes_of(*sections[number])
        codec = codec_of(charset)
        return content.decode(codec, "replace") if codec else None


def _unquoted(value: str) -> str:
    """A value without its quotes and escapes; one that is not quoted from end to end, without blanks around it.

    Who escapes backslashes escapes each of them. A lone one is a separator of Windows, and so are the others.
    """
    value = value.strip(" \t")
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value.strip('"')
    value = value[1:-1]
    if "\\" not in value:
        return value
    return value.replace('\\"', '"') if _LONE_BACKSLASH.search(value) else _ESCAPED.sub(r"\1", value)


def _split(value: str) -> tuple[str, str]:
    """Character set and percent-encoded text of `charset'language'text`."""
    found = _EXTENDED.fullmatch(value)
    return (found[1] or "utf-8", found[2]) if found else ("", value)


def _decoded(charset: str, text: str) -> str | None:
    codec = codec_of(charset)
    return _bytes_of(text, True).decode(codec, "replace") if codec else None


def _bytes_of(text: str, is_encoded: bool) -> bytes:
    content = text.encode("latin-1")
    return unquote_to_bytes(content) if is_encoded else content


def _character(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))
