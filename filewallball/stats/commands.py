"""`filewallball stats …`: make the sums again from the audit log."""

import click
from flask import Flask

from filewallball.commands import with_app
from filewallball.recording.operations import Caller, operation
from filewallball.registry import runtime
from filewallball.stats.calendar import date_of
from filewallball.stats.rebuild import Rebuild

_OPERATOR = Caller(username="system", role="admin")


@click.group()
def stats() -> None:
    """Statistics: sums over the audit log."""


@stats.command()
@with_app
def rebuild(app: Flask) -> None:
    """Recompute all sums from the audit log, from the first hour that it holds completely; the service may run."""
    parts = runtime(app)
    parts.shipper.flush()
    with operation(parts.ledger, "stats:rebuild", _OPERATOR) as op:
        days = Rebuild(parts.database).run(lambda day: click.echo(date_of(day), err=True))
        op.note(details={"days": days})
    click.echo(f"Rebuilt the sums of {days} days.")
