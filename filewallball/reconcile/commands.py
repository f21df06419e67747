"""`filewallball reconcile`: do all records say the same?"""

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict

import click

from filewallball.commands import with_service
from filewallball.commands.output import answer, json_option, under_way
from filewallball.reconcile.reconciliation import Line, Reconciliation
from filewallball.recording.caller import command_line
from filewallball.recording.operations import Ledger, operation
from filewallball.registry import Registry, part


@click.command()
@click.option(
    "--patience", default=70.0, show_default=True, help="Seconds to let what is under way come to rest."
)
@json_option
@with_service
def reconcile(service: Registry, patience: float, as_json: bool) -> None:
    """Compare statistics, audit log, files table, disk and metrics; ends with 1 if any two differ."""
    reconciliation, deadline = part(Reconciliation, service), time.monotonic() + patience
    with operation(part(Ledger, service), "stats:reconcile", command_line()) as op:
        with under_way("Comparing") as show:
            lines = _compare(reconciliation, show)
            while not _agree(lines) and time.monotonic() < deadline:
                show("Waiting for what is under way")
                time.sleep(1)
                lines = _compare(reconciliation, show)
        op.note(details={line.name: line.text for line in lines})
    answer([asdict(line) for line in lines], *map(str, lines), as_json=as_json)
    sys.exit(0 if _agree(lines) else 1)


def _compare(reconciliation: Reconciliation, show: Callable[[str], None]) -> list[Line]:
    lines = []
    for line in reconciliation.lines():
        lines.append(line)
        show(f"Comparing: {line.name}")
    return lines


def _agree(lines: Iterable[Line]) -> bool:
    return all(line.agrees for line in lines)
