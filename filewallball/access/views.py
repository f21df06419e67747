"""The access routes: who am I, users, tokens, blocks, quotas. Validate, call the service, serialise."""

from typing import Any

from flask.views import MethodView

from filewallball import permissions
from filewallball.access import blocks, schemas, tokens, users
from filewallball.access.admission import current_operation, recorded
from filewallball.access.gate import Gate
from filewallball.access.listing import place_of
from filewallball.access.me import Me, describe_caller
from filewallball.access.quotas import Allowance, Quotas, address_principal, user_principal
from filewallball.database.connections import Database
from filewallball.registry import part
from filewallball.settings.service import Settings
from filewallball.web.api import Blueprint
from filewallball.web.exchange import current_exchange

blueprint = Blueprint(
    "access",
    __name__,
    url_prefix="/api/v1/access",
    description="Who may do what: users, tokens, blocks, quotas",
)


@blueprint.route("/me")
class Myself(MethodView):
    init_every_request = False

    @recorded("user:describe", permissions.SELF)
    @blueprint.response(200, schemas.MeSchema)
    def get(self) -> Me:
        """Show how the service sees you: identity, address and proxies, role, use of limits and quota."""
        exchange = current_exchange()
        caller, gate = current_operation().caller, part(Gate)
        return describe_caller(gate, _quotas(), caller, exchange.origin, exchange.environ)


@blueprint.route("/users")
class Users(MethodView):
    init_every_request = False

    @recorded("user:list", permissions.MANAGE)
    @blueprint.arguments(schemas.UserQuerySchema, location="query")
    @blueprint.response(200, schemas.UserListSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List the users."""
        return users.list_users(part(Database), place_of(query), **query).shown("users")

    @recorded("user:create", permissions.MANAGE)
    @blueprint.arguments(schemas.NewUserSchema)
    @blueprint.response(201, schemas.UserSchema)
    def post(self, body: dict[str, Any]) -> Any:
        """Create a user."""
        return users.create_user(current_operation(), body["username"], body["role"])


@blueprint.route("/users/<int(max=9223372036854775807):user_id>")
class UserItem(MethodView):
    init_every_request = False

    @recorded("user:describe", permissions.MANAGE)
    @blueprint.response(200, schemas.UserSchema)
    def get(self, user_id: int) -> Any:
        """Describe a user."""
        return users.get_user(part(Database), user_id)

    @recorded("user:update", permissions.MANAGE)
    @blueprint.arguments(schemas.UserChangeSchema)
    @blueprint.response(200, schemas.UserSchema)
    def patch(self, body: dict[str, Any], user_id: int) -> Any:
        """Change a user's role, or disable or enable the user."""
        return users.change_user(current_operation(), user_id, **body)


@blueprint.route("/tokens")
class Tokens(MethodView):
    init_every_request = False

    @recorded("token:list", permissions.MANAGE)
    @blueprint.arguments(schemas.TokenQuerySchema, location="query")
    @blueprint.response(200, schemas.TokenListSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List tokens, without their text."""
        return tokens.list_tokens(part(Database), place_of(query), **query).shown("tokens")

    @recorded("token:create", permissions.MANAGE)
    @blueprint.arguments(schemas.NewTokenSchema)
    @blueprint.response(201, schemas.IssuedTokenSchema)
    def post(self, body: dict[str, Any]) -> tokens.IssuedToken:
        """Create a token for a user; its text is only in this answer."""
        return tokens.create_token(current_operation(), **body)


@blueprint.route("/tokens/<int(max=9223372036854775807):token_id>")
class TokenItem(MethodView):
    init_every_request = False

    @recorded("token:revoke", permissions.MANAGE)
    @blueprint.response(204)
    def delete(self, token_id: int) -> None:
        """Revoke a token."""
        tokens.revoke_token(current_operation(), token_id)


@blueprint.route("/tokens/<int(max=9223372036854775807):token_id>/rotate")
class TokenRotation(MethodView):
    init_every_request = False

    @recorded("token:rotate", permissions.MANAGE)
    @blueprint.arguments(schemas.RotationSchema)
    @blueprint.response(201, schemas.IssuedTokenSchema)
    def post(self, body: dict[str, Any], token_id: int) -> tokens.IssuedToken:
        """Replace a token by a new one."""
        return tokens.rotate_token(current_operation(), token_id, body["grace"])


@blueprint.route("/blocks")
class Blocks(MethodView):
    init_every_request = False

    @recorded("block:list", permissions.MANAGE)
    @blueprint.arguments(schemas.BlockQuerySchema, location="query")
    @blueprint.response(200, schemas.BlockListSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List blocked networks."""
        return blocks.list_blocks(part(Database), place_of(query), **query).shown("blocks")

    @recorded("block:add", permissions.MANAGE)
    @blueprint.arguments(schemas.NewBlockSchema)
    @blueprint.response(201, schemas.BlockSchema)
    def post(self, body: dict[str, Any]) -> Any:
        """Block an address or a network, or renew its block; it applies on every worker within a second."""
        row = blocks.add_block(current_operation(), part(Gate).blockable, **body)
        part(Gate).blocks.refresh()
        return row


@blueprint.route("/blocks/<int(max=9223372036854775807):block_id>")
class BlockItem(MethodView):
    init_every_request = False

    @recorded("block:delete", permissions.MANAGE)
    @blueprint.response(204)
    def delete(self, block_id: int) -> None:
        """Lift a block."""
        blocks.lift_block(current_operation(), block_id)
        part(Gate).blocks.refresh()


@blueprint.route("/quotas")
class QuotaList(MethodView):
    init_every_request = False

    @recorded("quota:list", permissions.MANAGE)
    @blueprint.arguments(schemas.QuotaQuerySchema, location="query")
    @blueprint.response(200, schemas.QuotaListSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List everybody to whom a quota has ever applied, the fullest first."""
        return _quotas().list_quotas(place_of(query), **query).shown("quotas")


@blueprint.route("/quotas/users/<int(max=9223372036854775807):user_id>")
class UserQuota(MethodView):
    init_every_request = False

    @recorded("quota:describe", permissions.MANAGE)
    @blueprint.response(200, schemas.AllowanceSchema)
    def get(self, user_id: int) -> Allowance:
        """Show the use and the quota of a user."""
        return _quotas().allowance(user_principal(part(Database), user_id))

    @recorded("quota:update", permissions.MANAGE)
    @blueprint.arguments(schemas.LimitsSchema)
    @blueprint.response(200, schemas.AllowanceSchema)
    def put(self, body: dict[str, Any], user_id: int) -> Allowance:
        """Set a quota for a user."""
        principal = user_principal(part(Database), user_id)
        return _quotas().set_limits(current_operation(), principal, **body)


@blueprint.route("/quotas/addresses/<address>")
class AddressQuota(MethodView):
    init_every_request = False

    @recorded("quota:describe", permissions.MANAGE)
    @blueprint.response(200, schemas.AllowanceSchema)
    def get(self, address: str) -> Allowance:
        """Show the use and the quota of anonymous clients at an address (IPv6: in its /64)."""
        return _quotas().allowance(address_principal(address))

    @recorded("quota:update", permissions.MANAGE)
    @blueprint.arguments(schemas.LimitsSchema)
    @blueprint.response(200, schemas.AllowanceSchema)
    def put(self, body: dict[str, Any], address: str) -> Allowance:
        """Set a quota for anonymous clients at an address (IPv6: in its /64)."""
        return _quotas().set_limits(current_operation(), address_principal(address), **body)


def _quotas() -> Quotas:
    return Quotas(part(Settings), part(Database))
