"""`filewallball stats …`: make the sums again from the audit log."""

import click

from filewallball.commands import with_service
from filewallball.commands.output import answer, json_option, under_way
from filewallball.recording.caller import command_line
from filewallball.recording.operations import Ledger, operation
from filewallball.recording.shipper import Shipper
from filewallball.registry import Registry, part
from filewallball.stats.calendar import date_of
from filewallball.stats.rebuild import Rebuild


@click.command()
@json_option
@with_service
def rebuild(service: Registry, as_json: bool) -> None:
    """Recompute all sums from the audit log, from the first hour that it holds completely; the service may run."""
    part(Shipper, service).flush()
    with (
        operation(part(Ledger, service), "stats:rebuild", command_line()) as op,
        under_way("Rebuilding") as show,
    ):
        days = part(Rebuild, service).run(lambda day: show(f"Rebuilding {date_of(day)}"))
        op.note(details={"days": days})
    answer({"days": days}, f"Rebuilt the sums of {days} {'day' if days == 1 else 'days'}.", as_json=as_json)
