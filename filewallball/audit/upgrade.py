"""`filewallball upgrade finish`: puts on record that every process understands the newest format of audit rows."""

from pathlib import Path

import click
from flask import Flask
from sqlalchemy.engine import make_url

from filewallball.commands import with_app
from filewallball.observability.metric_store.service_lock import is_running
from filewallball.observability.metric_store.slots import Slots
from filewallball.recording.caller import command_line
from filewallball.recording.operations import Ledger, operation
from filewallball.recording.row_format import NEWEST, RowFormat
from filewallball.registry import part
from filewallball.settings.service import Settings

_UNFINISHED = (
    "filewallball: the audit log is written as an earlier release wrote it: once every process of the service, "
    "on all hosts, runs this release, run `filewallball upgrade finish`"
)


@click.group()
def upgrade() -> None:
    """Upgrades that several hosts or processes go through one after the other."""


@upgrade.command()
@with_app
def finish(app: Flask) -> None:
    """Say that every process of the service, on all hosts, runs this release; it cannot be taken back.

    From then on audit rows are written in a format that earlier releases refuse.
    """
    if _row_format(app).finished() != NEWEST:
        _finish(app)
    click.echo(f"Audit rows are written in format {NEWEST}.")


def finish_alone(app: Flask) -> None:
    """Finish the upgrade where nothing of an earlier release can be at work, else say how it is done.

    That is so of a SQLite file in a DATA_DIR that no other process uses. Who else uses a MariaDB server, no host can
    tell.
    """
    if _row_format(app).current() == NEWEST:
        return
    if _is_alone(app):
        _finish(app)
    else:
        click.echo(_UNFINISHED, err=True)


def _finish(app: Flask) -> None:
    with operation(part(Ledger, app), "upgrade:finish", command_line()) as op:
        op.note(details={"format": NEWEST})
        op.change(_row_format(app).finish)


def _row_format(app: Flask) -> RowFormat:
    return part(Ledger, app).writer.row_format


def _is_alone(app: Flask) -> bool:
    settings = part(Settings, app)
    url = make_url(settings.database_url)
    return (
        url.get_backend_name() == "sqlite"
        and Path(url.database or "").resolve().is_relative_to(settings.data_dir.resolve())
        and not is_running(settings.slots_dir)
        and part(Slots, app).are_unused()
    )
