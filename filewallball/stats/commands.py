"""`filewallball stats …`: make the sums again from the audit log."""

import click
from flask import Flask

from filewallball.commands import with_app
from filewallball.recording.caller import command_line
from filewallball.recording.operations import Ledger, operation
from filewallball.recording.shipper import Shipper
from filewallball.registry import part
from filewallball.stats.calendar import date_of
from filewallball.stats.rebuild import Rebuild


@click.group()
def stats() -> None:
    """Statistics: sums over the audit log."""


@stats.command()
@with_app
def rebuild(app: Flask) -> None:
    """Recompute all sums from the audit log, from the first hour that it holds completely; the service may run."""
    part(Shipper, app).flush()
    with operation(part(Ledger, app), "stats:rebuild", command_line()) as op:
        days = part(Rebuild, app).run(lambda day: click.echo(date_of(day), err=True))
        op.note(details={"days": days})
    click.echo(f"Rebuilt the sums of {days} days.")
