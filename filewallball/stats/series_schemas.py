"""Schemas of the statistics over time."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from filewallball.addresses import UNKNOWN_CLIENT, normal_address
from filewallball.clock import parse_moment
from filewallball.stats.schemas import CapacitySchema
from filewallball.stats.series import NAMES, OF_ALL
from filewallball.web.schemas import DurationField, MomentField

_LATEST_US = parse_moment("9000-01-01")


class SeriesQuerySchema(Schema):
    """The series to return, and their window."""

    series = fields.String(
        load_default="uploads,failures",
        metadata={"description": f"Names, separated by commas: {', '.join(NAMES)}"},
    )
    first_us = MomentField(
        data_key="from",
        load_default=None,
        metadata={
            "type": "string",
            "format": "date-time",
            "description": "Beginning of the window, as in the audit log; without it, a day before its end",
        },
    )
    last_us = MomentField(
        data_key="to",
        is_end=True,
        load_default=None,
        metadata={
            "type": "string",
            "format": "date-time",
            "description": "End of the window; without it, now. At most 366 days after its beginning",
        },
    )
    step = DurationField(
        load_default=None,
        metadata={
            "type": "string",
            "example": "6h",
            "description": "Length of a step, in whole hours, or for one client in whole days; without it, one that "
            "gives at most 200 points. At most 500 points",
        },
    )
    client = fields.String(
        load_default=None,
        validate=validate.Length(min=1, max=64),
        metadata={"description": "One client's address, or `unknown`; without it, the whole service"},
    )

    @validates_schema
    def _check(self, data: dict[str, Any], **_: Any) -> None:
        names, client = data["series"].split(","), data["client"]
        for name in names:
            if name not in NAMES or names.count(name) > 1:
                raise ValidationError("Names of series, each once, separated by commas.", "series")
            if client is not None and name in OF_ALL:
                raise ValidationError(f"{name} is known of the whole service alone.", "series")
        if client not in (None, UNKNOWN_CLIENT) and normal_address(client) is None:
            raise ValidationError("Not an IP address.", "client")
        if data["step"] is not None and data["step"] % 3600:
            raise ValidationError("Must be whole hours.", "step")
        first, last = data["first_us"], data["last_us"]
        for name, moment in (("from", first), ("to", last)):
            if moment is not None and not 0 <= moment < _LATEST_US:
                raise ValidationError("Must lie between the years 1970 and 9000.", name)
        if first is not None and last is not None and last < first:
            raise ValidationError("Must not be before from.", "to")

    @post_load
    def _collect(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        client, step = data["client"], data["step"]
        return {
            **data,
            "series": data["series"].split(","),
            "step": None if step is None else step // 3600,
            "client": (client and normal_address(client)) or client,
        }


class PointSchema(Schema):
    """One step of a series. Which further values a point has depends on the series."""

    start = fields.String(metadata={"format": "date-time", "description": "Beginning of the step"})
    value = fields.Raw(
        allow_none=True,
        metadata={
            "type": ["number"],
            "description": "A number of operations, bytes, per cent (`errors`) or seconds (`duration`, whose mean is "
            "null where nothing was timed)",
        },
    )
    failed = fields.Integer(metadata={"description": "`errors` only: operations that failed"})
    total = fields.Integer(metadata={"description": "`errors` only: operations that failed or succeeded"})
    p50 = fields.Float(allow_none=True, metadata={"description": "`duration` only: the median, in seconds"})
    p95 = fields.Float(allow_none=True, metadata={"description": "`duration` only: what 95 % did not exceed"})
    p99 = fields.Float(allow_none=True, metadata={"description": "`duration` only: what 99 % did not exceed"})


class SeriesSchema(Schema):
    """Statistics over time."""

    window_start = fields.String(
        data_key="from",
        attribute="from",
        metadata={"format": "date-time", "description": "Start of the first step"},
    )
    window_end = fields.String(
        data_key="to", attribute="to", metadata={"format": "date-time", "description": "End of the last step"}
    )
    step = fields.Integer(metadata={"description": "Length of a step in seconds"})
    client = fields.String(allow_none=True, metadata={"description": "The client; null: the whole service"})
    series = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.Nested(PointSchema)),
        metadata={
            "description": "The points of each series, the oldest first; steps in which nothing happened too"
        },
    )
    capacity = fields.Nested(
        CapacitySchema, metadata={"description": "With `bytes`: growth, and the time until the disk is full"}
    )
