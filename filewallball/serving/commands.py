"""`filewallball prepare|drain|scrub|db`: what concerns the service as a whole."""

import sys
from functools import partial

import click

from filewallball.clock import now_us
from filewallball.commands import with_service
from filewallball.commands.output import answer, json_option, progress, under_way
from filewallball.database.schema import downgrade, upgrade
from filewallball.files.scrub import Pace, Scrub
from filewallball.recording.caller import command_line
from filewallball.recording.operations import Ledger, operation
from filewallball.registry import Registry, part
from filewallball.serving.preparation import make_ready
from filewallball.settings.service import Settings


@click.command()
@partial(with_service, is_first=True)
def prepare(service: Registry) -> None:
    """Make everything ready to start: folders, database schema, first administrator."""
    make_ready(service)


@click.command()
@click.argument("state", type=click.Choice(["on", "off"]))
@json_option
@with_service
def drain(service: Registry, state: str, as_json: bool) -> None:
    """Ask load balancers to send requests elsewhere: /health/ready answers 503, everything else goes on."""
    settings = part(Settings, service)
    with operation(part(Ledger, service), f"drain:{state}", command_line()):
        if state == "on":
            settings.drain_file.touch()
        else:
            settings.drain_file.unlink(missing_ok=True)
    answers = "503: send requests elsewhere" if state == "on" else "what the checks say"
    answer({"drain": state}, f"drain is {state}: /health/ready answers {answers}", as_json=as_json)


@click.command()
@json_option
@with_service
def scrub(service: Registry, as_json: bool) -> None:
    """Read every stored byte now and compare; ends with 1 if any differ from what was uploaded."""
    job = part(Scrub, service)
    with progress(job.total_bytes(), "Reading") as advance:
        checked, failed = job.run(before_us=now_us(), pace=Pace(), progress=advance)
    counts = {"checked": checked, "damaged": failed}
    answer(counts, f"{checked} checked, {failed} damaged", as_json=as_json)
    sys.exit(1 if failed else 0)


@click.command("upgrade")
@click.argument("revision", default="head")
@partial(with_service, is_first=True)
def upgrade_command(service: Registry, revision: str) -> None:
    """Bring the schema up to REVISION."""
    with under_way(f"Bringing the schema up to {revision}"):
        upgrade(revision, service)


@click.command("downgrade")
@click.argument("revision")
@with_service
def downgrade_command(service: Registry, revision: str) -> None:
    """Bring the schema down to REVISION."""
    with under_way(f"Bringing the schema down to {revision}"):
        downgrade(revision, service)
