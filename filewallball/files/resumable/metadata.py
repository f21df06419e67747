"""`Upload-Metadata`: the name, type and options of a file, as pairs of a key and a value in base64."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from filewallball.errors import BadRequest, HeadersTooLarge, ValidationFailed
from filewallball.files.form_fields import OPTION_NAMES, load_options, refuse_misspelt

_MOST_BYTES = 8192
_KEY = re.compile(r"[!-+\--~]+", re.ASCII)  # printable, but for blanks and commas


@dataclass(frozen=True, slots=True)
class Metadata:
    """The name, type and options that a client announces for its file."""

    raw: str = ""
    filename: str = ""
    claimed_type: str = ""
    options: Mapping[str, Any] | None = None

    def option(self, name: str, default: Any = None) -> Any:
        """An option of the upload, as `UploadOptionsSchema` loads it."""
        return (self.options or {}).get(name, default)


def read_metadata(raw: str) -> Metadata:
    """Read the header; keys that mean nothing here only come back with HEAD.

    Raises BadRequest for what is no metadata, ValidationFailed for options as `POST /upload` does.
    """
    if len(raw) > _MOST_BYTES:
        raise HeadersTooLarge(f"Upload-Metadata may have {_MOST_BYTES} bytes.")
    pairs = list(_pairs(raw))
    values = dict(pairs)
    if len(values) < len(pairs):
        raise BadRequest("Upload-Metadata holds a key twice.")
    refuse_misspelt(values)
    text = {name: _text(name, values[name]) for name in ("filename", "filetype") if name in values}
    sent = {name: _text(name, value) for name, value in values.items() if value and name in OPTION_NAMES}
    return Metadata(raw, text.get("filename", ""), text.get("filetype", ""), load_options(sent))


def _pairs(raw: str) -> Iterator[tuple[str, bytes]]:
    if not raw.strip():
        return
    for pair in raw.split(","):
        key, _, value = pair.strip(" \t").partition(" ")
        if not _KEY.fullmatch(key):
            raise BadRequest("Upload-Metadata: a key is ASCII without blanks and commas.")
        try:
            yield key, base64.b64decode(value.strip(" \t"), validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadRequest(f"Upload-Metadata: the value of {key} is no base64.") from error


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise ValidationFailed(errors={name: ["Is no text in UTF-8."]}) from error
