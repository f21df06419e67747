"""`filewallball reconcile`: do all records say the same?"""

import sys
import time

import click
from flask import Flask

from filewallball.commands import with_app
from filewallball.reconcile.reconciliation import Reconciliation
from filewallball.recording.caller import command_line
from filewallball.recording.operations import Ledger, operation
from filewallball.registry import part


@click.command()
@click.option(
    "--patience", default=70.0, show_default=True, help="Seconds to let what is under way come to rest."
)
@with_app
def reconcile(app: Flask, patience: float) -> None:
    """Compare statistics, audit log, files table, disk and metrics; ends with 1 if any two differ."""
    reconciliation, deadline = part(Reconciliation, app), time.monotonic() + patience
    with operation(part(Ledger, app), "stats:reconcile", command_line()) as op:
        lines = list(reconciliation.lines())
        while not all(line.agrees for line in lines) and time.monotonic() < deadline:
            time.sleep(1)
            lines = list(reconciliation.lines())
        op.note(details={line.name: line.text for line in lines})
    for line in lines:
        click.echo(line)
    sys.exit(0 if all(line.agrees for line in lines) else 1)
