"""Schemas for the requests and answers of the access routes. Times are RFC 3339, sizes bytes."""

from marshmallow import Schema, fields, validate

from filewallball.access.blocks import AUTOMATIC, MANUAL
from filewallball.access.tokens import STATES
from filewallball.permissions import ROLES
from filewallball.web.openapi import EXPIRES_IN
from filewallball.web.schemas import DurationField, TimeField, as_it_reads, without_controls

_TIME = {"type": "string", "format": "date-time"}
_KEY = validate.Range(min=1, max=2**63 - 1)
_COUNT = validate.Range(min=0, max=2**53)
_ROLE = validate.OneOf(tuple(ROLES))


def _part_of(what: str) -> fields.String:
    return fields.String(
        load_default="",
        validate=[validate.Length(max=128), without_controls],
        metadata={"description": f"A text in {what}, upper and lower case told apart"},
    )


class PageSchema(Schema):
    """The page of a list to return."""

    page = fields.Integer(load_default=1, validate=validate.Range(min=1, max=10_000))
    size = fields.Integer(load_default=100, validate=validate.Range(min=1, max=500))
    cursor = fields.String(
        load_default="",
        validate=validate.Length(max=400),
        metadata={"description": "The next_cursor of the answer before; with it `page` counts for nothing"},
    )


class UserSchema(Schema):
    """A user."""

    id = fields.Integer()
    username = fields.String()
    role = fields.String()
    created_at = TimeField(attribute="created_us", metadata=_TIME)
    disabled_at = TimeField(attribute="disabled_us", allow_none=True, metadata=_TIME)


class UserListSchema(Schema):
    """Users, oldest first."""

    users = fields.List(fields.Nested(UserSchema))
    total = fields.Integer()
    next_cursor = fields.String(allow_none=True)


class UserQuerySchema(PageSchema):
    """The users to list."""

    q = _part_of("the name")
    role = fields.String(load_default="", validate=_ROLE)
    disabled = fields.Boolean(load_default=None)


class NewUserSchema(Schema):
    """A user to create."""

    username = fields.String(required=True, validate=validate.Length(min=1, max=128))
    role = fields.String(load_default="user", validate=_ROLE)


class UserChangeSchema(Schema):
    """The fields of a user that are to change."""

    role = fields.String(load_default=None, validate=_ROLE)
    disabled = fields.Boolean(load_default=None)


class TokenQuerySchema(PageSchema):
    """The user whose tokens to list."""

    user_id = fields.Integer(load_default=None, validate=_KEY)
    q = _part_of("the token's name")
    state = fields.String(load_default="", validate=validate.OneOf(STATES))


class TokenSchema(Schema):
    """A token without its text; `prefix` tells people which one it is."""

    id = fields.Integer()
    user_id = fields.Integer()
    username = fields.String()
    role = fields.String()
    name = fields.String()
    prefix = fields.String()
    created_at = TimeField(attribute="created_us", metadata=_TIME)
    expires_at = TimeField(attribute="expires_us", allow_none=True, metadata=_TIME)
    revoked_at = TimeField(attribute="revoked_us", allow_none=True, metadata=_TIME)
    last_used_at = TimeField(attribute="last_used_us", allow_none=True, metadata=_TIME)


class TokenListSchema(Schema):
    """Tokens, newest first."""

    tokens = fields.List(fields.Nested(TokenSchema))
    total = fields.Integer()
    next_cursor = fields.String(allow_none=True)


class NewTokenSchema(Schema):
    """A token to create."""

    user_id = fields.Integer(required=True, validate=_KEY)
    name = fields.String(load_default="", validate=[validate.Length(max=128), as_it_reads])
    expires_in = DurationField(load_default=None, metadata={"description": EXPIRES_IN})


class RotationSchema(Schema):
    """Options for replacing a token."""

    grace = DurationField(
        load_default=None,
        metadata={"description": "The time for which the old token still works, such as 1h"},
    )


class IssuedTokenSchema(Schema):
    """A new token; `token` is shown this once."""

    token = fields.String()
    details = fields.Nested(TokenSchema, attribute="row")


class BlockQuerySchema(PageSchema):
    """The blocks to list."""

    everything = fields.Boolean(load_default=False, metadata={"description": "Also those that ended"})
    origin = fields.String(load_default="", validate=validate.OneOf((MANUAL, AUTOMATIC)))
    q = _part_of("the network")


class NewBlockSchema(Schema):
    """A network to block."""

    network = fields.String(
        required=True,
        validate=validate.Length(min=2, max=49),
        metadata={"description": "An address or a network; an IPv6 address mostly stands for its /64"},
    )
    reason = fields.String(required=True, validate=validate.Length(min=1, max=255))
    expires_in = DurationField(
        load_default=None, metadata={"description": "Such as 1h, or seconds; without it, for good"}
    )
    force = fields.Boolean(
        load_default=False,
        metadata={"description": "Even everybody, yourself, loopback, proxies or monitoring"},
    )


class BlockSchema(Schema):
    """A blocked network."""

    id = fields.Integer()
    network = fields.String()
    reason = fields.String()
    evidence = fields.String()
    origin = fields.String(metadata={"description": "manual or automatic"})
    created_at = TimeField(attribute="created_us", metadata=_TIME)
    expires_at = TimeField(attribute="expires_us", allow_none=True, metadata=_TIME)
    lifted_at = TimeField(attribute="lifted_us", allow_none=True, metadata=_TIME)


class BlockListSchema(Schema):
    """Blocks, newest first."""

    blocks = fields.List(fields.Nested(BlockSchema))
    total = fields.Integer()
    next_cursor = fields.String(allow_none=True)


class UsageSchema(Schema):
    """One limit, and the part of it that is left."""

    name = fields.String()
    limit = fields.String()
    remaining = fields.Integer()
    resets_at = TimeField(attribute="resets_us", metadata=_TIME)


class AllowanceSchema(Schema):
    """The use and the limits of a principal; a limit of 0 is none."""

    principal = fields.String(
        metadata={"description": "`user:` and their id, or the network of an anonymous client"}
    )
    used_bytes = fields.Integer()
    used_files = fields.Integer()
    limit_bytes = fields.Integer()
    limit_files = fields.Integer()


class QuotaQuerySchema(PageSchema):
    """The quotas to list."""

    q = _part_of("the principal")


class QuotaListSchema(Schema):
    """Those to whom a limit applied at any time, the fullest first."""

    quotas = fields.List(fields.Nested(AllowanceSchema))
    total = fields.Integer()
    next_cursor = fields.String(allow_none=True)


class LimitsSchema(Schema):
    """Limits of somebody's own: 0 is none, null follows the settings."""

    limit_bytes = fields.Integer(load_default=None, allow_none=True, validate=_COUNT)
    limit_files = fields.Integer(load_default=None, allow_none=True, validate=_COUNT)


class MeSchema(Schema):
    """The caller as the service sees it."""

    user_id = fields.Integer()
    username = fields.String()
    token_id = fields.Integer()
    role = fields.String()
    permissions = fields.List(fields.String())
    address = fields.String(metadata={"description": "Where the request came from, as far as proxies vouch"})
    counted_as = fields.String(metadata={"description": "The network that limits and blocks go by"})
    peer = fields.String(metadata={"description": "Who connected"})
    peer_is_trusted = fields.Boolean()
    host = fields.String(metadata={"description": "The host that the request names"})
    host_is_known = fields.Boolean(metadata={"description": "False: the address gives no rights"})
    forwarding_headers = fields.Dict(keys=fields.String(), values=fields.String())
    limits = fields.List(fields.Nested(UsageSchema))
    limits_are_shared = fields.Boolean(metadata={"description": "False: each host counts alone"})
    quota = fields.Nested(AllowanceSchema)
