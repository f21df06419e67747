"""Names and ids that come from elsewhere: which of them are safe to use here."""

import re
import unicodedata
from urllib.parse import urlsplit

from filewallball_client.connection import checked_server
from filewallball_client.errors import SettingsError

_FILE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FILE_PATH = re.compile(
    r"(?P<prefix>(?:/.*)?)/(?:download|view|files|thumbnail)/(?P<file_id>[A-Za-z0-9_-]{1,64})/?"
)
_LONGEST_BYTES = 200
_JOINERS = "\u200c\u200d"  # of Persian words and of emoji


def read_reference(text: str) -> tuple[str, str]:
    """The server, which is empty for a mere id or path, and the id in a file's URL or id. Raises SettingsError."""
    if _FILE_ID.fullmatch(text):
        return "", text
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise SettingsError(f"{text!r} is neither a file's id nor its URL.") from error
    found = _FILE_PATH.fullmatch(parts.path)
    if found is None or bool(parts.scheme) != bool(parts.netloc):
        raise SettingsError(f"{text!r} is neither a file's id nor its URL.")
    server = f"{parts.scheme}://{parts.netloc}{found['prefix']}" if parts.netloc else ""
    return checked_server(server) if server else "", found["file_id"]


def safe_name(name: str, fallback: str) -> str:
    """A name for a new file, from one that the service tells: no folder, no hidden file, no controls."""
    name = re.split(r"[/\\]", name)[-1]
    name = "".join("_" if is_harmful(character) else character for character in name).strip()
    name = re.sub(r"^[.~-]+", "_", name)
    name = name.encode("utf-8", "replace")[:_LONGEST_BYTES].decode("utf-8", "ignore").rstrip(". ")
    return name or fallback


def is_harmful(character: str) -> bool:
    """True for what a terminal may obey or a reader cannot see: controls, bidirectional marks, surrogates."""
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in _JOINERS
