"""Everything that must stand before the service starts: schema, folders, the first administrator."""

import click
from sqlalchemy import Connection

from filewallball.access.authentication import first_admin_stands, give_first_admin, new_token
from filewallball.audit.seals import OTHER_KEY, Seals, holds_key
from filewallball.audit.upgrade import finish_alone
from filewallball.commands.output import under_way
from filewallball.database.connections import Database
from filewallball.database.schema import has_schema, is_newest, upgrade
from filewallball.filesystem import kept_secret
from filewallball.recording.adoption import Adoption
from filewallball.recording.caller import command_line
from filewallball.recording.journal import Journal
from filewallball.recording.operations import Ledger, operation
from filewallball.registry import Holder, part
from filewallball.settings.service import Settings
from filewallball.storage.file_modes import close_data
from filewallball.storage.local import LocalStore


def make_ready(holder: Holder) -> None:
    """Make what is missing; a service that ran before costs a few looks."""
    database = part(Database, holder)
    settings = part(Settings, holder)
    close_data(settings)
    is_new = not has_schema(database)
    if not is_newest(database):
        with under_way("Bringing the schema up to date"):
            upgrade(holder=holder)
    is_ours = holds_key(database, part(Seals, holder))
    if not is_ours:
        click.echo(f"filewallball: {OTHER_KEY}", err=True)
    part(LocalStore, holder).prepare()
    part(Journal, holder).prepare()
    part(Adoption, holder).adopt()
    if is_ours and not is_new:
        finish_alone(holder)
    wanted = settings.admin_token
    if first_admin_stands(database, wanted):
        return
    path = settings.data_dir / "admin-token"
    token = wanted or kept_secret(path, new_token)
    with operation(part(Ledger, holder), "token:create", command_line()) as op:
        op.note(details={"token": "first administrator"})
        op.change(lambda connection: _begin(holder, connection, token, is_new=is_new))
    if not wanted:
        click.echo(f"The first administrator's token, shown this once: {token}")
        click.echo(f"It is kept in {path}, readable by this user alone.")


def _begin(holder: Holder, connection: Connection, token: str, *, is_new: bool) -> None:
    """The first administrator; in a database that no earlier release ever saw, also the newest format of rows."""
    give_first_admin(connection, token)
    if is_new:
        part(Ledger, holder).writer.row_format.finish(connection)
