"""Names that callers gave: safe to show, safe in a header, and honest about what they try to hide."""

import re
import unicodedata
from urllib.parse import quote

MAX_BYTES = 255
FALLBACK = "unnamed"
_MAX_EXTENSION_BYTES = 32

_BIDI = "\u202a-\u202e\u2066-\u2069"  # embeddings, overrides, isolates
_BREAKS = "\u2028\u2029"
_CONTROL = "\x00-\x1f\x7f-\x9f"
_SURROGATES = "\ud800-\udfff"
_UNSAFE = re.compile(f"[{_CONTROL}{_BREAKS}{_BIDI}{_SURROGATES}/\\\\]")
_WINDOWS_PATH = re.compile(r"(?:[A-Za-z]:(?=[/\\])|\\\\).*[/\\]", re.DOTALL)
_DOTS = re.compile(r"\.{2,}")
_LOOSE_END = re.compile(r"(?<![\s.])[\s.]+$")  # looks at a run once, not from each of its characters
_CLEAN = re.compile(r"[A-Za-z0-9_(](?:[A-Za-z0-9_()+, -]|\.(?=[A-Za-z0-9_(+,-])){0,99}(?<! )")
_NOT_IN_QUOTES = re.compile(r"[^A-Za-z0-9 !#$&'()+,.=@^_`{}~\[\]-]")
_ATTR_CHARS = "!#$&+-.^_`|~"  # RFC 8187; letters and digits are safe anyway

_SPOOFED = re.compile(f"[{_BIDI}]")
_CONTROLS = re.compile(f"[{_CONTROL}{_BREAKS}]")
_TRAVERSAL = re.compile(r"(?:^|[/\\])\.\.(?:[/\\]|$)")
_PADDED = re.compile(r"\s{8,}\S*\.\w+\s*$")
_RUNS = "exe|com|scr|pif|bat|cmd|msi|cpl|hta|jar|js|jse|vbs|vbe|wsf|ps1|sh|lnk|app|apk"
_LOOKS_LIKE = "pdf|docx?|xlsx?|pptx?|txt|rtf|csv|jpe?g|png|gif|webp|bmp|mp[34]|avi|mov|zip|html?|hwpx?"
_DOUBLE = re.compile(rf"\.(?:{_LOOKS_LIKE})[\s.]*\.(?:{_RUNS})[\s.]*$", re.IGNORECASE)
_ANYWHERE = (("bidi_override", _SPOOFED), ("control_character", _CONTROLS), ("path_traversal", _TRAVERSAL))
_AT_THE_END = (("padded_extension", _PADDED), ("double_extension", _DOUBLE))


def display_name(raw: str) -> str:
    """The name to keep and show: any Unicode, with nothing that a terminal, shell or path would act upon.

    Of a path as Windows writes it, only the last part is the name. Control, bidi-formatting and path characters
    and a leading dot or hyphen become `_`, runs of dots become one, trailing dots and spaces go. At most 255 bytes
    of UTF-8, cut before the extension; never empty.
    Giving it a name it made changes nothing.
    """
    if _CLEAN.fullmatch(raw):
        return raw
    if path := _WINDOWS_PATH.match(raw):
        raw = raw[path.end() :]
    name = _LOOSE_END.sub("", _DOTS.sub(".", _UNSAFE.sub("_", raw)).lstrip())
    if name[:1] in (".", "-"):
        name = "_" + name[1:]
    name = _shorten(name)
    return name if name.strip("_") else FALLBACK


def content_disposition(name: str, inline: bool) -> str:
    """One header value (RFC 6266): a plain name for every client, beside the true one where they differ."""
    kind = "inline" if inline else "attachment"
    name = display_name(name)
    plain = _plain(name)
    if plain == name:
        return f'{kind}; filename="{name}"'
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_ATTR_CHARS)}"


def deceptions(raw: str) -> tuple[str, ...]:
    """Find tricks by which a name, as it was sent, misleads people; empty for an honest one."""
    end = raw[-MAX_BYTES:]  # these patterns backtrack, so they get no more than a name's length
    found = [label for label, pattern in _ANYWHERE if pattern.search(raw)]
    return (*found, *(label for label, pattern in _AT_THE_END if pattern.search(end)))


def _shorten(name: str) -> str:
    if len(name.encode()) <= MAX_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    ending = (dot + extension).encode()
    if not stem or len(ending) > _MAX_EXTENSION_BYTES:
        stem, ending = name, b""
    kept = stem.encode()[: MAX_BYTES - len(ending)].decode(errors="ignore")
    return _LOOSE_END.sub("", kept) + ending.decode()


def _plain(name: str) -> str:
    """The nearest name in characters that mean the same quoted or not; what has no such neighbour is `_`."""
    if not name.isascii():
        name = "".join(character if character.isascii() else _nearest(character) for character in name)
    return display_name(_NOT_IN_QUOTES.sub("_", name))


def _nearest(character: str) -> str:
    if unicodedata.combining(character):
        return ""
    base = unicodedata.normalize("NFKD", character)[0]
    return base if base.isascii() else "_"
