"""Schemas for the requests and answers of the audit routes."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from filewallball.addresses import UNKNOWN_CLIENT, Network, read_network
from filewallball.audit.filters import STATUSES, VERBS, AuditFilter
from filewallball.observability.vocabulary import ACTIONS, OTHER
from filewallball.web.schemas import MomentField

_MOST_DAYS_OF_SEARCH = 31
_DAY_US = 86_400_000_000
_LARGEST = 2**63 - 1
_MOST_CODES = 20
_TRACE = validate.Regexp(r"\A[0-9a-f]{32}\Z", error="Must be 32 hexadecimal digits in lower case.")
_CODE = validate.Regexp(r"\A[\x20-\x7e]{1,128}\Z", error="Must be 1 to 128 printable ASCII characters.")


def _is_action(value: str) -> None:
    if value not in (VERBS.keys() | set(ACTIONS)) - {OTHER}:
        raise ValidationError("Not an action such as file:upload, nor create, read, update or delete.")


def _are_codes(value: str) -> None:
    codes = value.split(",")
    if len(codes) > _MOST_CODES or len(set(codes)) < len(codes):
        raise ValidationError(f"At most {_MOST_CODES} codes, each once.")
    for code in codes:
        _CODE(code)


def _is_text(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValidationError("Not valid Unicode.") from error


class NetworkField(fields.Field[Network | str]):
    """An IP address, a network such as 10.0.0.0/8, or `unknown`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if value == UNKNOWN_CLIENT:
            return value
        try:
            return read_network(str(value).replace("%", "no zone"))
        except ValueError as error:
            raise ValidationError("Not an IP address or network.") from error


class AuditFilterSchema(Schema):
    """The filters of the audit log."""

    user_id = fields.Integer(
        validate=validate.Range(min=0, max=_LARGEST), metadata={"description": "0 = nobody"}
    )
    action = fields.String(
        validate=_is_action,
        metadata={"description": "A full action such as `file:upload`, or create, read, update, delete"},
    )
    resource_type = fields.String(validate=validate.OneOf(("file", "user", "system")))
    status = fields.String(validate=validate.OneOf(STATUSES))
    date_from = MomentField(is_end=False, metadata={"type": "string", "format": "date-time"})
    date_to = MomentField(is_end=True, metadata={"type": "string", "format": "date-time"})
    ip_address = NetworkField(
        metadata={
            "type": "string",
            "description": "An address, a network (CIDR), or `unknown` where it could not be read",
        }
    )
    request_id = fields.String(validate=_CODE)
    trace_id = fields.String(validate=_TRACE, metadata={"description": "32 hexadecimal digits"})
    link_id = fields.String(validate=_CODE, metadata={"description": "The link that requests came by"})
    resource_id = fields.String(validate=_CODE)
    error_type = fields.String(
        validate=_are_codes,
        metadata={"description": f"An error code, or up to {_MOST_CODES}, separated by commas: any of them"},
    )
    q = fields.String(
        validate=[validate.Length(min=2, max=200), _is_text],
        metadata={
            "description": "Text within user name, user agent, resource id or details, upper and lower case told "
            "apart; needs date_from and date_to at "
            f"most {_MOST_DAYS_OF_SEARCH} days apart"
        },
    )

    @validates_schema
    def _check_dates(self, data: dict[str, Any], **_: Any) -> None:
        start, end = data.get("date_from"), data.get("date_to")
        if start is not None and end is not None and end < start:
            raise ValidationError("Must not be before date_from.", "date_to")
        if "q" not in data:
            return
        if start is None or end is None or end - start > _MOST_DAYS_OF_SEARCH * _DAY_US:
            raise ValidationError(
                f"Needs date_from and date_to, at most {_MOST_DAYS_OF_SEARCH} days apart.", "q"
            )

    @post_load
    def _collect(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        names = AuditFilter.__dataclass_fields__.keys() & data.keys()
        return {"wanted": AuditFilter(**{name: data.pop(name) for name in names}), **data}


class AuditQuerySchema(AuditFilterSchema):
    """Page and filters of `GET /api/v1/audit/logs`."""

    page = fields.Integer(load_default=1, validate=validate.Range(min=1, max=_LARGEST))
    size = fields.Integer(load_default=50, validate=validate.Range(min=1, max=500))
    cursor = fields.String(load_default="", validate=validate.Length(max=200))
    total = fields.Boolean(load_default=True, metadata={"description": "false: do without the total"})


class AuditExportSchema(AuditFilterSchema):
    """Format and filters of `GET /api/v1/audit/export`."""

    format = fields.String(
        load_default="ndjson",
        validate=validate.OneOf(("csv", "csv-excel", "ndjson")),
        metadata={"description": "csv-excel: CSV with a byte order mark, which Excel needs to read Korean"},
    )


class AuditEventSchema(Schema):
    """One row of the log. `count` says how many equal refusals it stands for; durations are milliseconds."""

    id = fields.Integer()
    event_id = fields.String()
    timestamp = fields.String(metadata={"format": "date-time"})
    user_id = fields.Integer(metadata={"description": "0 = nobody"})
    username = fields.String()
    action = fields.String()
    resource_type = fields.String()
    resource_id = fields.String()
    status = fields.String()
    error_type = fields.String()
    ip_address = fields.String()
    user_agent = fields.String()
    request_id = fields.String()
    link_id = fields.String(metadata={"description": "The link that the request came by, or was about"})
    trace_id = fields.String(metadata={"description": "The trace that the request belongs to"})
    file_type = fields.String()
    file_size = fields.Integer(metadata={"description": "Bytes stored or sent"})
    duration_ms = fields.Float(metadata={"description": "0 = not measured"})
    count = fields.Integer()
    integrity = fields.String(
        metadata={"description": "sealed, pending (not sealed yet) or refused (not written by the service)"}
    )
    details = fields.Dict()


class ShownEvents(fields.List[Any]):
    """Rows as `presentation.shown` makes them: with the names, types and order of the schema, which need not look them
    through again. That would be a quarter of the time that a long page takes."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value


class AuditPageSchema(Schema):
    """One page of the log, newest first; `next_cursor` leads on at equal cost at any depth."""

    logs = ShownEvents(fields.Nested(AuditEventSchema))
    total = fields.Integer(allow_none=True)
    total_is_lower_bound = fields.Boolean()
    page = fields.Integer()
    size = fields.Integer()
    pages = fields.Integer(allow_none=True)
    next_cursor = fields.String(allow_none=True)
    filters = fields.Dict()


class StoryErrorSchema(Schema):
    """The meaning of the error that an operation ended with."""

    code = fields.String()
    title = fields.String()
    status = fields.Integer(metadata={"description": "The HTTP status that it is answered with"})
    side = fields.String(metadata={"description": "client or server: whose doing it is"})
    advice = fields.String(metadata={"description": "What to do about it; may be empty"})
    retry_after = fields.Integer(allow_none=True, metadata={"description": "Seconds"})


class StoryBlockSchema(Schema):
    """The block that seals a row."""

    number = fields.Integer()
    first_id = fields.Integer(metadata={"description": "The first row that it seals"})
    last_id = fields.Integer()
    row_count = fields.Integer()
    sealed_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    seal = fields.String()
    verified = fields.String(
        metadata={"description": "What this host's last verification says: intact, broken or not_checked"}
    )


class StoryOperationSchema(AuditEventSchema):
    """One operation of a request; what there is beside its row."""

    error = fields.Nested(StoryErrorSchema, allow_none=True)
    block = fields.Nested(
        StoryBlockSchema, allow_none=True, metadata={"description": "null while the row is not sealed yet"}
    )


class StorySchema(Schema):
    """All that is on record of one request."""

    request_id = fields.String()
    operations = fields.List(
        fields.Nested(StoryOperationSchema), metadata={"description": "In the order of their rows"}
    )
    is_whole = fields.Boolean(metadata={"description": "False: there are more operations than are shown"})
    verified_at = fields.String(
        allow_none=True,
        metadata={"format": "date-time", "description": "When this host last verified the log"},
    )


class AuditFindingSchema(Schema):
    """Something wrong with one block; block 0 stands for rows in no block."""

    block = fields.Integer()
    problem = fields.String()


class AuditStandingSchema(Schema):
    """The last verification on this host."""

    status = fields.String(metadata={"description": "intact, broken or unknown (never verified)"})
    verified_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    last_success_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    is_complete = fields.Boolean(metadata={"description": "Whether it was the whole log, not a range"})
    first_block = fields.Integer()
    last_block = fields.Integer()
    blocks = fields.Integer()
    rows = fields.Integer()
    unsealed_rows = fields.Integer()
    duration_seconds = fields.Float()
    findings = fields.List(fields.Nested(AuditFindingSchema))
    not_checked = fields.List(
        fields.String(), metadata={"description": "What the account that verified cannot find out"}
    )
