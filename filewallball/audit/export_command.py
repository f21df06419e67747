"""`filewallball audit export`: take the log out."""

from contextlib import closing
from typing import BinaryIO

import click
from marshmallow import ValidationError

from filewallball.audit.export import TYPES, Export
from filewallball.audit.filters import AuditFilter
from filewallball.audit.queries import count_events
from filewallball.audit.schemas import AuditFilterSchema
from filewallball.commands import with_service
from filewallball.commands.output import progress
from filewallball.database.connections import Database
from filewallball.recording.caller import command_line
from filewallball.recording.operations import Ledger, operation
from filewallball.recording.shipper import Shipper
from filewallball.registry import Registry, part


@click.command()
@click.option("--format", "form", type=click.Choice(tuple(TYPES)), default="ndjson", show_default=True)
@click.option(
    "--output", type=click.File("wb", lazy=True), default="-", help="A file; standard output by default."
)
@click.option(
    "--filter", "filters", metavar="NAME=VALUE", multiple=True, help="As in the HTTP API; may be repeated."
)
@with_service
def export(service: Registry, form: str, output: BinaryIO, filters: tuple[str, ...]) -> None:
    """Write all matching rows, newest first."""
    database, wanted = part(Database, service), _wanted(filters)
    part(Shipper, service).flush()
    total = count_events(database, wanted)
    with operation(part(Ledger, service), "audit:export", command_line()) as op:
        op.note(details={"filters": wanted.shown(), "format": form})
        op.detach()
        body = Export(op, database, wanted, form)
        label = "Exporting at least" if total.is_lower_bound else "Exporting"
        with closing(body), progress(total.rows, label) as advance:
            written = 0
            for piece in body:
                output.write(piece)
                advance(body.rows - written)
                written = body.rows
    click.echo(f"{body.rows} rows exported.", err=True)


def _wanted(filters: tuple[str, ...]) -> AuditFilter:
    pairs = {}
    for text in filters:
        name, given, value = text.partition("=")
        if not given:
            raise click.BadParameter(
                f"{text!r} is not NAME=VALUE, such as status=failed.", param_hint="--filter"
            )
        if name in pairs:
            raise click.BadParameter(f"{name}: give this once.", param_hint="--filter")
        pairs[name] = value
    try:
        loaded: dict[str, AuditFilter] = AuditFilterSchema().load(pairs)
    except ValidationError as error:
        found = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in error.messages_dict.items())
        raise click.BadParameter(found, param_hint="--filter") from error
    return loaded["wanted"]
