"""Everything that must stand before the service starts: schema, folders, the first administrator."""

import click
from flask import Flask

from filewallball.access.authentication import first_admin_stands, give_first_admin, new_token
from filewallball.audit.keys import kept_secret
from filewallball.audit.seals import OTHER_KEY, holds_key
from filewallball.database.schema import is_newest, upgrade
from filewallball.recording.operations import operation
from filewallball.registry import runtime
from filewallball.serving import maintenance


def make_ready(app: Flask) -> None:
    """Make what is missing; a service that ran before costs a few looks."""
    parts = runtime(app)
    if not is_newest(parts.database):
        upgrade()
    if not holds_key(parts.database, parts.seals):
        click.echo(f"filewallball: {OTHER_KEY}", err=True)
    parts.store.prepare()
    parts.journal.prepare()
    wanted = parts.settings.admin_token
    if first_admin_stands(parts.database, wanted):
        return
    path = parts.settings.data_dir / "admin-token"
    token = wanted or kept_secret(path, new_token)
    with operation(parts.ledger, "token:create", maintenance.SYSTEM) as op:
        op.note(details={"token": "first administrator"})
        op.change(lambda connection: give_first_admin(connection, token))
    if not wanted:
        click.echo(f"The first administrator's token, shown this once: {token}")
        click.echo(f"It is kept in {path}, readable by this user alone.")
