"""`filewallball upgrade finish`: puts on record that every process understands the newest format of audit rows."""

from pathlib import Path

import click
from sqlalchemy.engine import make_url

from filewallball.commands import with_service
from filewallball.commands.output import answer, json_option
from filewallball.observability.metric_store.service_lock import is_running
from filewallball.observability.metric_store.slots import Slots
from filewallball.recording.caller import command_line
from filewallball.recording.operations import Ledger, operation
from filewallball.recording.row_format import NEWEST, RowFormat
from filewallball.registry import Holder, Registry, part
from filewallball.settings.service import Settings

_UNFINISHED = (
    "filewallball: the audit log is written as an earlier release wrote it: once every process of the service, "
    "on all hosts, runs this release, run `filewallball upgrade finish`"
)


@click.command()
@json_option
@with_service
def finish(holder: Registry, as_json: bool) -> None:
    """Say that every process of the service, on all hosts, runs this release; it cannot be taken back.

    From then on audit rows are written in a format that earlier releases refuse.
    """
    if _row_format(holder).finished() != NEWEST:
        _finish(holder)
    answer({"format": NEWEST}, f"Audit rows are written in format {NEWEST}.", as_json=as_json)


def finish_alone(holder: Holder) -> None:
    """Finish the upgrade where nothing of an earlier release can be at work, else say how it is done.

    That is so of a SQLite file in a DATA_DIR that no other process uses. Who else uses a MariaDB server, no host can
    tell.
    """
    if _row_format(holder).current() == NEWEST:
        return
    if _is_alone(holder):
        _finish(holder)
    else:
        click.echo(_UNFINISHED, err=True)


def _finish(holder: Holder) -> None:
    with operation(part(Ledger, holder), "upgrade:finish", command_line()) as op:
        op.note(details={"format": NEWEST})
        op.change(_row_format(holder).finish)


def _row_format(holder: Holder) -> RowFormat:
    return part(Ledger, holder).writer.row_format


def _is_alone(holder: Holder) -> bool:
    settings = part(Settings, holder)
    url = make_url(settings.database_url)
    return (
        url.get_backend_name() == "sqlite"
        and Path(url.database or "").resolve().is_relative_to(settings.data_dir.resolve())
        and not is_running(settings.slots_dir)
        and part(Slots, holder).are_unused()
    )
