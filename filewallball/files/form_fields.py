"""The fields of an upload's form: options, and what else widgets and browsers send, which is ignored by name."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from marshmallow import ValidationError
from werkzeug.datastructures import Headers
from werkzeug.http import parse_options_header

from filewallball import errors
from filewallball.files.charsets import codec_of
from filewallball.files.digests import refuse_misplaced
from filewallball.files.multipart import Part
from filewallball.files.schemas import UploadOptionsSchema
from filewallball.text import nearly, sanitize
from filewallball.web.request_headers import HeaderNames, refuse_encoded

_OPTIONS = UploadOptionsSchema()
OPTION_NAMES = frozenset(_OPTIONS.fields)
OPTION_HEADERS = HeaderNames(
    f"{prefix}{name}"
    for prefix in ("", "X-")
    for name in ("Visibility", "Expires-In", "Description", "Sha256")
)
_CHARSET = "_charset_"
# The number of pieces of a file: as Plupload, Dropzone, Resumable.js, Flow.js, Fine Uploader and Syncfusion send it.
_PIECES = (
    "chunks",
    "dztotalchunkcount",
    "resumableTotalChunks",
    "flowTotalChunks",
    "qqtotalparts",
    "total-chunk",
)
_NO_LETTER = re.compile(r"[\W_]+")
_NAME_BYTES = 100


@dataclass(frozen=True, slots=True)
class FormFields:
    """The fields as they arrived, with their bytes."""

    received: list[tuple[Part, bytes]] = field(default_factory=list)

    @property
    def codec(self) -> str:
        """The codec of text that names no character set: by the field `_charset_` (RFC 7578), else as UTF-8."""
        for part, content in self.received:
            if part.name == _CHARSET:
                return codec_of(content.decode("latin-1")) or "utf-8"
        return "utf-8"

    @property
    def ignored(self) -> tuple[str, ...]:
        """The names of the fields that mean nothing here."""
        if not self.received:
            return ()
        known = {*_OPTIONS.fields, _CHARSET}
        names = dict.fromkeys(part.name for part, _ in self.received if part.name not in known)
        return tuple(sanitize(name, _NAME_BYTES) for name in names)

    def options(self, query: Mapping[str, Any]) -> Mapping[str, Any]:
        """The options of the query and of the form, where an empty one counts as not given.

        Raises ValidationFailed for one that is given twice, misspelt, wrong, no text, or something else in each, and
        for a field without a proper name.
        """
        if not self.received:
            return query
        self._refuse_nameless()
        refuse_misspelt(part.name for part, _ in self.received)
        given = [
            (part, content) for part, content in self.received if content and part.name in _OPTIONS.fields
        ]
        sent = {part.name: self._text(part, content) for part, content in given}
        if len(sent) < len(given):
            names = [part.name for part, _ in given]
            raise errors.ValidationFailed(
                errors={name: ["Send this once."] for name in sent if names.count(name) > 1}
            )
        return _together(query, sent) if sent else query

    def refuse_piece(self) -> None:
        """Refuse a file that a widget sends in several forms: each piece would be kept as a file. Raises BadRequest."""
        for part, content in self.received:
            if part.name in _PIECES and content.isdigit() and content.strip(b"0") not in (b"", b"1"):
                raise errors.BadRequest(f"{part.name}: a file can only be sent whole, not in pieces.")

    def _refuse_nameless(self) -> None:
        nameless = [part.name for part, _ in self.received if not part.name or not part.name.isprintable()]
        if nameless:
            raise errors.ValidationFailed(
                errors={name: ["A field needs a printable name."] for name in nameless}
            )

    def _text(self, part: Part, content: bytes) -> str:
        refuse_encoded(part.headers)
        refuse_misplaced(part.headers, "Only the digest of a file is checked.")
        declared = parse_options_header(part.headers.get("Content-Type", ""))[1].get("charset")
        codec = codec_of(declared) if declared else self.codec
        if codec is None:
            raise errors.ValidationFailed(
                errors={part.name: ["This character set is not known here; send UTF-8."]}
            )
        try:
            return content.decode(codec)
        except UnicodeDecodeError as error:
            raise errors.ValidationFailed(errors={part.name: [f"Is not text in {codec}."]}) from error


def refuse_option_headers(headers: Headers) -> None:
    """Refuse options among the headers of a request or of a part. Raises ValidationFailed."""
    if misplaced := OPTION_HEADERS.among(headers):
        raise errors.ValidationFailed(
            errors={name: ["Options are query parameters or form fields."] for name in misplaced}
        )


def refuse_misspelt(names: Iterable[str]) -> None:
    """Refuse names that are nearly those of options. Raises ValidationFailed."""
    known = {_letters(name): name for name in OPTION_NAMES}
    mistakes = {
        name: [f"There is no such option; `{known[near]}` may be meant."]
        for name in names
        if name not in OPTION_NAMES and (near := nearly(_letters(name), known))
    }
    if mistakes:
        raise errors.ValidationFailed(errors=mistakes)


def load_options(sent: Mapping[str, str]) -> dict[str, Any]:
    """The options among text that was sent. Raises ValidationFailed."""
    try:
        fields: dict[str, Any] = _OPTIONS.load(sent)
    except ValidationError as error:
        raise errors.ValidationFailed(errors=dict(error.messages_dict)) from error
    return fields


def _together(query: Mapping[str, Any], form: Mapping[str, str]) -> Mapping[str, Any]:
    fields = load_options(form)
    contrary = [name for name in query if fields.get(name, query[name]) != query[name]]
    if contrary:
        raise errors.ValidationFailed(
            errors={name: ["The query and the form differ; send this once."] for name in contrary}
        )
    return {**query, **fields}


def _letters(name: str) -> str:
    """A name as it is compared: `expiresIn`, `Expires-In` and `expires_in[]` are one."""
    return _NO_LETTER.sub("", name[:_NAME_BYTES]).lower()
