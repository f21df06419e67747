"""Schemas for the requests and answers of the file routes."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from filewallball.clock import now_us
from filewallball.files.changes import FileChange, expiry_of
from filewallball.files.list_order import NEWEST, SORTS
from filewallball.files.tables import PRIVATE, PUBLIC, UNLISTED
from filewallball.files.thumbnails import DEFAULT, LARGEST, SMALLEST
from filewallball.web.openapi import EXPIRES_IN
from filewallball.web.schemas import (
    LONGEST_US,
    DurationField,
    InstantField,
    MomentField,
    TimeField,
    printable,
    without_controls,
)

_MOMENT = {"type": "string", "format": "date-time"}
_COLUMNS = {"file_name": "filename", "expires_at": "expires_us"}
_DATES = "ISO 8601, UTC without a zone; a date alone is the whole day"


class DigestField(fields.String):
    """A SHA-256 in hexadecimal, loaded in lower case."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return str(super()._deserialize(value, attr, data, **kwargs)).lower()


class MediaTypeField(fields.String):
    """A media type or a pattern of some, loaded in lower case; `*/*` is any."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs)).strip()
        text = text.lower() if text.isascii() else text
        return "" if text == "*/*" else text


class UploadOptionsSchema(Schema):
    """Options of an upload: query parameters, or form fields of a POST. Loaded are those that were sent."""

    visibility = fields.String(
        validate=validate.OneOf((PUBLIC, UNLISTED, PRIVATE)),
        metadata={
            "default": UNLISTED,
            "description": "public (listed), unlisted (by link), private (owner and administrators)",
        },
    )
    expires_in = DurationField(metadata={"description": EXPIRES_IN})
    description = fields.String(validate=validate.Length(max=1000))
    sha256 = DigestField(
        validate=validate.Regexp(r"\A[0-9a-f]{64}\Z", error="Must be 64 hexadecimal digits."),
        metadata={
            "pattern": "^[0-9a-fA-F]{64}$",
            "description": "Expected SHA-256 of the file; a mismatch stores nothing",
        },
    )


class FileChangeSchema(Schema):
    """The fields of a file that are to change; what is left out stays. Loaded as a FileChange."""

    file_name = fields.String(
        validate=validate.Length(min=1, max=1000),
        metadata={"description": "A new name; made safe as at an upload"},
    )
    description = fields.String(validate=validate.Length(max=1000))
    visibility = fields.String(validate=validate.OneOf((PUBLIC, UNLISTED, PRIVATE)))
    expires_in = DurationField(
        allow_none=True,
        metadata={"type": ["string", "integer"], "description": f"{EXPIRES_IN}; null: never"},
    )
    expires_at = InstantField(
        allow_none=True,
        metadata={"type": ["string"], "format": "date-time", "description": "RFC 3339; null: never"},
    )

    @validates_schema
    def _check_expiry(self, data: dict[str, Any], **_: Any) -> None:
        if "expires_in" in data and "expires_at" in data:
            raise ValidationError("Send expires_in or expires_at, not both.", "expires_at")
        if (moment := data.get("expires_at")) is not None and not 0 < moment - now_us() <= LONGEST_US:
            raise ValidationError("Must lie ahead, by ten years at most.", "expires_at")

    @post_load
    def _collect(self, data: dict[str, Any], **_: Any) -> FileChange:
        values = {_COLUMNS.get(name, name): value for name, value in data.items() if name != "expires_in"}
        if "expires_in" in data:
            values["expires_us"] = expiry_of(data["expires_in"])
        return FileChange(values)


class FileSchema(Schema):
    """A file as its readers see it. Sizes are bytes, times RFC 3339."""

    file_id = fields.String()
    filename = fields.String()
    file_size = fields.Integer()
    mime_type = fields.String(metadata={"description": "Media type detected from the content"})
    claimed_type = fields.String(metadata={"description": "Media type the client claimed"})
    file_hash = fields.String(metadata={"description": "SHA-256 of the content, hexadecimal"})
    visibility = fields.String()
    description = fields.String()
    upload_time = TimeField(attribute="upload_us", metadata={"type": "string", "format": "date-time"})
    expires_at = TimeField(
        attribute="expires_us", allow_none=True, metadata={"type": "string", "format": "date-time"}
    )
    is_mislabelled = fields.Boolean(
        metadata={
            "description": "Whether name or claimed type say something else: then it is never shown inline"
        }
    )
    is_quarantined = fields.Boolean(
        metadata={"description": "Whether it is kept but not served until an administrator releases it"}
    )
    download_url = fields.String()
    view_url = fields.String()
    thumbnail_url = fields.String(allow_none=True)


class DescribedSchema(FileSchema):
    """One file, described on its own or in a list."""

    owner = fields.String(
        allow_none=True,
        metadata={
            "description": "Its owner's name, for the owner and administrators; empty if it has none, null for others"
        },
    )


class UploadedSchema(FileSchema):
    """The answer to an upload."""

    is_duplicate = fields.Boolean(
        metadata={"description": "Whether the same bytes are here already, as your own or as a public file"}
    )
    quarantine_reasons = fields.List(
        fields.String(), metadata={"description": "Why it is in quarantine; empty for a file that is served"}
    )
    delete_token = fields.String(
        allow_none=True,
        metadata={"description": "Shown once, to anonymous callers: needed to delete the file"},
    )
    ignored_fields = fields.List(
        fields.String(), metadata={"description": "Fields of the form that mean nothing here"}
    )


class ListQuerySchema(Schema):
    """Page and filters of `GET /files`."""

    page = fields.Integer(load_default=1, validate=validate.Range(min=1, max=10_000))
    size = fields.Integer(load_default=50, validate=validate.Range(min=1, max=500))
    cursor = fields.String(load_default="", validate=validate.Length(max=1000))
    sort = fields.String(
        load_default=NEWEST,
        validate=validate.OneOf(SORTS),
        metadata={
            "description": "With `-` the largest, latest or last in the alphabet first; names by 100 characters"
        },
    )
    visibility = fields.String(load_default="", validate=validate.OneOf((PUBLIC, UNLISTED, PRIVATE)))
    owner = fields.String(
        load_default="",
        validate=[validate.Length(max=128), printable],
        metadata={"description": "`me`, or for administrators a user's name"},
    )
    expired = fields.Boolean(
        load_default=False,
        metadata={
            "description": "Instead of what is there, what has expired: your own, for administrators all"
        },
    )
    type = MediaTypeField(
        load_default="",
        validate=[validate.Length(max=127), printable],
        metadata={"description": "`image/png`, `image/*`; upper and lower case are the same"},
    )
    name = fields.String(
        load_default="",
        validate=[validate.Length(max=255), without_controls],
        metadata={"description": "Part of the name; case, width and composition make no difference"},
    )
    date_from = MomentField(load_default=None, metadata={**_MOMENT, "description": f"From then on. {_DATES}"})
    date_to = MomentField(
        load_default=None, is_end=True, metadata={**_MOMENT, "description": f"Up to then. {_DATES}"}
    )
    size_min = fields.Integer(load_default=None, validate=validate.Range(min=0, max=2**63 - 1))
    size_max = fields.Integer(load_default=None, validate=validate.Range(min=0, max=2**63 - 1))

    @validates_schema
    def _check_ranges(self, data: dict[str, Any], **_: Any) -> None:
        size_min, size_max = data["size_min"], data["size_max"]
        if size_min is not None and size_max is not None and size_max < size_min:
            raise ValidationError("Must not be less than size_min.", "size_max")
        date_from, date_to = data["date_from"], data["date_to"]
        if date_from is not None and date_to is not None and date_to < date_from:
            raise ValidationError("Must not be before date_from.", "date_to")


class ThumbnailQuerySchema(Schema):
    """Size of a thumbnail."""

    size = fields.Integer(
        load_default=DEFAULT,
        validate=validate.Range(min=SMALLEST, max=LARGEST),
        metadata={"description": "Longest side in pixels; a smaller image is not made larger"},
    )


class FileListSchema(Schema):
    """One page of files; `next_cursor` leads on at equal cost at any depth."""

    files = fields.List(fields.Nested(DescribedSchema))
    total = fields.Integer()
    total_is_lower_bound = fields.Boolean()
    page = fields.Integer()
    size = fields.Integer()
    pages = fields.Integer()
    next_cursor = fields.String(allow_none=True)


class QuarantineQuerySchema(Schema):
    """The page of the list to return."""

    page = fields.Integer(load_default=1, validate=validate.Range(min=1, max=10_000))
    size = fields.Integer(load_default=100, validate=validate.Range(min=1, max=500))
    cursor = fields.String(load_default="", validate=validate.Length(max=200))
    name = fields.String(
        load_default="",
        validate=[validate.Length(max=255), without_controls],
        metadata={"description": "Part of the name, as in the list of files"},
    )
    reason = fields.String(
        load_default="",
        validate=validate.Length(max=64),
        metadata={"description": "One of the reasons, such as archive_bomb"},
    )


class QuarantinedFileSchema(Schema):
    """A file in quarantine and why it is there."""

    file_id = fields.String()
    filename = fields.String()
    file_size = fields.Integer()
    mime_type = fields.String()
    claimed_type = fields.String()
    file_hash = fields.String()
    reasons = fields.Function(
        lambda row: row.suspicion.split(","), metadata={"type": "array", "items": {"type": "string"}}
    )
    owner_id = fields.Integer()
    client_ip = fields.String()
    upload_time = TimeField(attribute="upload_us", metadata={"type": "string", "format": "date-time"})


class QuarantineSchema(Schema):
    """Files in quarantine, newest first."""

    files = fields.List(fields.Nested(QuarantinedFileSchema))
    total = fields.Integer()
    next_cursor = fields.String(allow_none=True)
