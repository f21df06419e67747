"""`filewallball users|tokens|blocks|quotas`: the access services for whoever may use the machine."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click
from flask import Flask
from marshmallow import ValidationError

from filewallball import errors
from filewallball.access import blocks as block_service
from filewallball.access import tokens as token_service
from filewallball.access import users as user_service
from filewallball.access.gate import Gate
from filewallball.access.listing import Place
from filewallball.access.quotas import Quotas, address_principal
from filewallball.access.schemas import LimitsSchema, NewTokenSchema
from filewallball.commands import json_option, table, with_app
from filewallball.database.connections import Database
from filewallball.permissions import ROLES
from filewallball.recording.caller import command_line
from filewallball.recording.operations import Ledger, Operation, operation
from filewallball.registry import part
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


_LIMITS = LimitsSchema().fields
_DURATION = _Checked("duration", DurationField().deserialize)
_SIZE = _Checked("size", lambda value: _LIMITS["limit_bytes"].deserialize(size(str(value))))
_COUNT = _Checked("integer", _LIMITS["limit_files"].deserialize)
_TOKEN_NAME = _Checked("text", NewTokenSchema().fields["name"].deserialize)
_ID = click.IntRange(1, 2**63 - 1)
_ROLE = click.Choice(tuple(ROLES))


@click.group()
def users() -> None:
    """Users and their roles."""


@users.command("list")
@json_option
@with_app
def list_users(app: Flask, as_json: bool) -> None:
    """List users."""
    table(user_service.list_users(part(Database, app), _ALL).rows, _USER_COLUMNS, as_json=as_json)


@users.command("create")
@click.argument("username")
@click.option("--role", type=_ROLE, default="user", show_default=True)
@with_app
def create_user(app: Flask, username: str, role: str) -> None:
    """Create a user."""
    with _begin(app, "user:create") as op:
        table([user_service.create_user(op, username, role)], _USER_COLUMNS)


@users.command("change")
@click.argument("username")
@click.option("--role", type=_ROLE, default=None)
@click.option("--disable/--enable", "disabled", default=None)
@with_app
def change_user(app: Flask, username: str, role: str | None, disabled: bool | None) -> None:
    """Give a user another role, disable or enable them."""
    user_id = user_service.find_user(part(Database, app), username).id
    with _begin(app, "user:update") as op:
        table([user_service.change_user(op, user_id, role=role, disabled=disabled)], _USER_COLUMNS)


@click.group()
def tokens() -> None:
    """Bearer tokens."""


@tokens.command("list")
@click.option("--user", "username", default=None, help="Only this user's.")
@json_option
@with_app
def list_tokens(app: Flask, username: str | None, as_json: bool) -> None:
    """List tokens, newest first; never their text."""
    database = part(Database, app)
    user_id = user_service.find_user(database, username).id if username else None
    table(token_service.list_tokens(database, _ALL, user_id=user_id).rows, _TOKEN_COLUMNS, as_json=as_json)


@tokens.command("create")
@click.argument("username")
@click.option("--name", type=_TOKEN_NAME, default="", help="What it is for.")
@click.option("--expires-in", type=_DURATION, default=None, help="Such as 90d.")
@with_app
def create_token(app: Flask, username: str, name: str, expires_in: int | None) -> None:
    """Give a user a token and print it, this once."""
    user_id = user_service.find_user(part(Database, app), username).id
    with _begin(app, "token:create") as op:
        issued = token_service.create_token(op, user_id, name, expires_in)
    click.echo(f"token {issued.row.id}, which is not shown again:", err=True)
    click.echo(issued.token)


@tokens.command("revoke")
@click.argument("token_id", type=_ID)
@with_app
def revoke_token(app: Flask, token_id: int) -> None:
    """End a token for good."""
    with _begin(app, "token:revoke") as op:
        token_service.revoke_token(op, token_id)
    click.echo(f"token {token_id} is revoked")


@tokens.command("rotate")
@click.argument("token_id", type=_ID)
@click.option("--grace", type=_DURATION, default=None, help="How long the old one still works.")
@with_app
def rotate_token(app: Flask, token_id: int, grace: int | None) -> None:
    """Replace a token and print the new one, this once."""
    with _begin(app, "token:rotate") as op:
        issued = token_service.rotate_token(op, token_id, grace)
    click.echo(issued.token)


@click.group()
def blocks() -> None:
    """Blocked networks."""


@blocks.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that ended.")
@json_option
@with_app
def list_blocks(app: Flask, everything: bool, as_json: bool) -> None:
    """List blocks, newest first."""
    found = block_service.list_blocks(part(Database, app), _ALL, everything=everything)
    table(found.rows, _BLOCK_COLUMNS, as_json=as_json)


@blocks.command("add")
@click.argument("network")
@click.option("--reason", required=True)
@click.option("--for", "seconds", type=_DURATION, default=None, help="Such as 1h; without it, for good.")
@click.option("--force", is_flag=True, help="Even loopback, proxies, monitoring, everybody.")
@with_app
def add_block(app: Flask, network: str, reason: str, seconds: int | None, force: bool) -> None:
    """Block an address (IPv6: its /64) or a network; one that is blocked gets the new reason and end."""
    with _begin(app, "block:add") as op:
        blockable = part(Gate, app).blockable
        row = block_service.add_block(op, blockable, network, reason, expires_in=seconds, force=force)
    table([row], _BLOCK_COLUMNS)


@blocks.command("lift")
@click.argument("block_id", type=_ID)
@with_app
def lift_block(app: Flask, block_id: int) -> None:
    """End a block before its time."""
    with _begin(app, "block:delete") as op:
        block_service.lift_block(op, block_id)
    click.echo(f"block {block_id} is lifted")


@click.group()
def quotas() -> None:
    """What users and addresses keep and may keep."""


@quotas.command("list")
@json_option
@with_app
def list_quotas(app: Flask, as_json: bool) -> None:
    """List those to whom a limit applied at any time, the fullest first."""
    table(_quotas(app).list_quotas(_ALL).rows, _QUOTA_COLUMNS, as_json=as_json)


@quotas.command("show")
@click.argument("who")
@json_option
@with_app
def show_quota(app: Flask, who: str, as_json: bool) -> None:
    """Show what WHO, a user or an anonymous client's address, keeps and may keep."""
    table([_quotas(app).allowance(_principal(app, who))], _QUOTA_COLUMNS, as_json=as_json)


@quotas.command("set")
@click.argument("who")
@click.option("--bytes", "limit_bytes", type=_SIZE, default=None, help="Such as 10GB; 0 = unlimited.")
@click.option("--files", "limit_files", type=_COUNT, default=None, help="0 = unlimited.")
@with_app
def set_quota(app: Flask, who: str, limit_bytes: int | None, limit_files: int | None) -> None:
    """Give WHO, a user or an anonymous client's address, limits of their own, and count their files again.

    What is not given follows the settings.
    """
    principal, service = _principal(app, who), _quotas(app)
    with _begin(app, "quota:update") as op:
        allowance = service.set_limits(op, principal, limit_bytes=limit_bytes, limit_files=limit_files)
    table([allowance], _QUOTA_COLUMNS)


def _quotas(app: Flask) -> Quotas:
    return Quotas(part(Settings, app), part(Database, app))


def _principal(app: Flask, who: str) -> str:
    """An address stands for itself, anything else is a user's name."""
    with suppress(errors.ValidationFailed):
        return address_principal(who)
    return f"user:{user_service.find_user(part(Database, app), who).id}"


def _begin(app: Flask, action: str) -> Operation:
    return operation(part(Ledger, app), action, command_line())
