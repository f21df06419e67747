"""`filewallball users|tokens|blocks|quotas`: the access services for whoever may use the machine."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click
from marshmallow import ValidationError

from filewallball import errors
from filewallball.access import blocks as block_service
from filewallball.access import tokens as token_service
from filewallball.access import users as user_service
from filewallball.access.blockable import Blockable
from filewallball.access.listing import Place
from filewallball.access.quotas import Quotas, address_principal
from filewallball.commands import with_service
from filewallball.commands.output import answer, json_option, objects, table
from filewallball.database.connections import Database
from filewallball.permissions import ROLES
from filewallball.recording.caller import command_line
from filewallball.recording.operations import Ledger, Operation, operation
from filewallball.registry import Registry, part
from filewallball.settings.kinds import size
from filewallball.settings.service import Settings
from filewallball.web.schemas import DurationField

_USER_COLUMNS = ("id", "username", "role", "created_us", "disabled_us")
_TOKEN_COLUMNS = (
    "id",
    "username",
    "name",
    "prefix",
    "created_us",
    "expires_us",
    "revoked_us",
    "last_used_us",
)
_BLOCK_COLUMNS = ("id", "network", "origin", "reason", "created_us", "expires_us", "lifted_us")
_QUOTA_COLUMNS = ("principal", "used_bytes", "used_files", "limit_bytes", "limit_files")
_ALL = Place(size=100_000)


class _Checked(click.ParamType[Any]):
    """A value that is read, and refused, as the API's field of the same meaning does it."""

    def __init__(self, name: str, read: Callable[[Any], Any]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._read(value)
        except ValidationError as error:
            self.fail(" ".join(map(str, error.messages)), param, ctx)


def _field(schema: str, name: str) -> Callable[[Any], Any]:
    """A field of a schema of the API, which most commands do without, and do not import."""

    def read(value: Any) -> Any:
        from filewallball.access import schemas

        return getattr(schemas, schema)().fields[name].deserialize(value)

    return read


_DURATION = _Checked("duration", DurationField().deserialize)
_SIZE = _Checked("size", lambda value: _field("LimitsSchema", "limit_bytes")(size(str(value))))
_COUNT = _Checked("integer", _field("LimitsSchema", "limit_files"))
_TOKEN_NAME = _Checked("text", _field("NewTokenSchema", "name"))
_ID = click.IntRange(1, 2**63 - 1)
_ROLE = click.Choice(tuple(ROLES))


@click.command("list")
@json_option
@with_service
def list_users(service: Registry, as_json: bool) -> None:
    """List users."""
    table(user_service.list_users(part(Database, service), _ALL).rows, _USER_COLUMNS, as_json=as_json)


@click.command("create")
@click.argument("username")
@click.option("--role", type=_ROLE, default="user", show_default=True)
@json_option
@with_service
def create_user(service: Registry, username: str, role: str, as_json: bool) -> None:
    """Create a user."""
    with _begin(service, "user:create") as op:
        row = user_service.create_user(op, username, role)
    table([row], _USER_COLUMNS, as_json=as_json)


@click.command("change")
@click.argument("username")
@click.option("--role", type=_ROLE, default=None)
@click.option("--disable/--enable", "disabled", default=None)
@json_option
@with_service
def change_user(
    service: Registry, username: str, role: str | None, disabled: bool | None, as_json: bool
) -> None:
    """Give a user another role, disable or enable them."""
    user_id = user_service.find_user(part(Database, service), username).id
    with _begin(service, "user:update") as op:
        row = user_service.change_user(op, user_id, role=role, disabled=disabled)
    table([row], _USER_COLUMNS, as_json=as_json)


@click.command("list")
@click.option("--user", "username", default=None, help="Only this user's.")
@json_option
@with_service
def list_tokens(service: Registry, username: str | None, as_json: bool) -> None:
    """List tokens, newest first; never their text."""
    database = part(Database, service)
    user_id = None if username is None else user_service.find_user(database, username).id
    table(token_service.list_tokens(database, _ALL, user_id=user_id).rows, _TOKEN_COLUMNS, as_json=as_json)


@click.command("create")
@click.argument("username")
@click.option("--name", type=_TOKEN_NAME, default=None, help="What it is for.")
@click.option("--expires-in", type=_DURATION, default=None, help="Such as 90d.")
@json_option
@with_service
def create_token(
    service: Registry, username: str, name: str | None, expires_in: int | None, as_json: bool
) -> None:
    """Give a user a token and print it, this once."""
    user_id = user_service.find_user(part(Database, service), username).id
    with _begin(service, "token:create") as op:
        issued = token_service.create_token(op, user_id, name or "", expires_in)
    if not as_json:
        click.echo(f"token {issued.row.id}, which is not shown again:", err=True)
    _show_token(issued, as_json=as_json)


@click.command("revoke")
@click.argument("token_id", type=_ID)
@json_option
@with_service
def revoke_token(service: Registry, token_id: int, as_json: bool) -> None:
    """End a token for good."""
    with _begin(service, "token:revoke") as op:
        token_service.revoke_token(op, token_id)
    answer({"id": token_id}, f"token {token_id} is revoked", as_json=as_json)


@click.command("rotate")
@click.argument("token_id", type=_ID)
@click.option("--grace", type=_DURATION, default=None, help="How long the old one still works.")
@json_option
@with_service
def rotate_token(service: Registry, token_id: int, grace: int | None, as_json: bool) -> None:
    """Replace a token and print the new one, this once."""
    with _begin(service, "token:rotate") as op:
        issued = token_service.rotate_token(op, token_id, grace)
    _show_token(issued, as_json=as_json)


@click.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that ended.")
@json_option
@with_service
def list_blocks(service: Registry, everything: bool, as_json: bool) -> None:
    """List blocks, newest first."""
    found = block_service.list_blocks(part(Database, service), _ALL, everything=everything)
    table(found.rows, _BLOCK_COLUMNS, as_json=as_json)


@click.command("add")
@click.argument("network")
@click.option("--reason", required=True)
@click.option("--for", "seconds", type=_DURATION, default=None, help="Such as 1h; without it, for good.")
@click.option("--force", is_flag=True, help="Even loopback, proxies, monitoring, everybody.")
@json_option
@with_service
def add_block(
    service: Registry, network: str, reason: str, seconds: int | None, force: bool, as_json: bool
) -> None:
    """Block an address (IPv6: its /64) or a network; one that is blocked gets the new reason and end."""
    with _begin(service, "block:add") as op:
        blockable = Blockable(part(Settings, service))
        row = block_service.add_block(op, blockable, network, reason, expires_in=seconds, force=force)
    table([row], _BLOCK_COLUMNS, as_json=as_json)


@click.command("lift")
@click.argument("block_id", type=_ID)
@json_option
@with_service
def lift_block(service: Registry, block_id: int, as_json: bool) -> None:
    """End a block before its time."""
    with _begin(service, "block:delete") as op:
        block_service.lift_block(op, block_id)
    answer({"id": block_id}, f"block {block_id} is lifted", as_json=as_json)


@click.command("list")
@json_option
@with_service
def list_quotas(service: Registry, as_json: bool) -> None:
    """List those to whom a limit applied at any time, the fullest first."""
    table(_quotas(service).list_quotas(_ALL).rows, _QUOTA_COLUMNS, as_json=as_json)


@click.command("show")
@click.argument("who")
@json_option
@with_service
def show_quota(service: Registry, who: str, as_json: bool) -> None:
    """Show what WHO, a user or an anonymous client's address, keeps and may keep."""
    table([_quotas(service).allowance(_principal(service, who))], _QUOTA_COLUMNS, as_json=as_json)


@click.command("set")
@click.argument("who")
@click.option("--bytes", "limit_bytes", type=_SIZE, default=None, help="Such as 10GB; 0 = unlimited.")
@click.option("--files", "limit_files", type=_COUNT, default=None, help="0 = unlimited.")
@json_option
@with_service
def set_quota(
    service: Registry, who: str, limit_bytes: int | None, limit_files: int | None, as_json: bool
) -> None:
    """Give WHO, a user or an anonymous client's address, limits of their own, and count their files again.

    What is not given follows the settings.
    """
    principal, quotas = _principal(service, who), _quotas(service)
    with _begin(service, "quota:update") as op:
        allowance = quotas.set_limits(op, principal, limit_bytes=limit_bytes, limit_files=limit_files)
    table([allowance], _QUOTA_COLUMNS, as_json=as_json)


def _show_token(issued: token_service.IssuedToken, *, as_json: bool) -> None:
    shown = objects([issued.row], ("id", "name", "prefix", "created_us", "expires_us"))[0]
    answer({**shown, "token": issued.token}, issued.token, as_json=as_json)


def _quotas(service: Registry) -> Quotas:
    return Quotas(part(Settings, service), part(Database, service))


def _principal(service: Registry, who: str) -> str:
    """An address stands for itself, anything else is a user's name."""
    with suppress(errors.ValidationFailed):
        return address_principal(who)
    return f"user:{user_service.find_user(part(Database, service), who).id}"


def _begin(service: Registry, action: str) -> Operation:
    return operation(part(Ledger, service), action, command_line())
