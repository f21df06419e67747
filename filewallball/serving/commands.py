"""`filewallball prepare|drain|scrub|maintain|db`: what concerns the service as a whole."""

import signal
import sys
import threading
from functools import partial

import click
from flask import Flask

from filewallball.clock import now_us
from filewallball.commands import with_app
from filewallball.database.schema import downgrade, upgrade
from filewallball.files.scrub import Pace
from filewallball.recording.caller import command_line
from filewallball.recording.operations import Ledger, operation
from filewallball.registry import part
from filewallball.serving import maintenance
from filewallball.serving.preparation import make_ready
from filewallball.settings.service import Settings


@click.command()
@partial(with_app, is_first=True)
def prepare(app: Flask) -> None:
    """Make everything ready to start: folders, database schema, first administrator."""
    make_ready(app)


@click.command()
@click.argument("state", type=click.Choice(["on", "off"]))
@with_app
def drain(app: Flask, state: str) -> None:
    """Ask load balancers to send requests elsewhere: /health/ready answers 503, everything else goes on."""
    settings = part(Settings, app)
    with operation(part(Ledger, app), f"drain:{state}", command_line()):
        if state == "on":
            settings.drain_file.touch()
        else:
            settings.drain_file.unlink(missing_ok=True)
    answer = "503: send requests elsewhere" if state == "on" else "what the checks say"
    click.echo(f"drain is {state}: /health/ready answers {answer}")


@click.command()
@with_app
def scrub(app: Flask) -> None:
    """Read every stored byte now and compare; ends with 1 if any differ from what was uploaded."""
    job = maintenance.scrub(app)
    with click.progressbar(length=job.total_bytes(), label="Reading", file=sys.stderr) as bar:
        checked, failed = job.run(before_us=now_us(), pace=Pace(), progress=bar.update)
    click.echo(f"{checked} checked, {failed} damaged")
    sys.exit(1 if failed else 0)


@click.group()
def db() -> None:
    """The database schema."""


@db.command("upgrade")
@click.argument("revision", default="head")
@partial(with_app, is_first=True)
def upgrade_command(_app: Flask, revision: str) -> None:
    """Bring the schema up to REVISION."""
    upgrade(revision)


@db.command("downgrade")
@click.argument("revision")
@with_app
def downgrade_command(_app: Flask, revision: str) -> None:
    """Bring the schema down to REVISION."""
    downgrade(revision)


@click.command()
@click.option(
    "--once",
    is_flag=True,
    help="Run every job once and end. Those that remove old records wait for an hour first, and so do nothing.",
)
@with_app
def maintain(app: Flask, once: bool) -> None:
    """Run the periodic jobs in this process, until it is told to stop."""
    jobs = maintenance.worker_jobs(app) + maintenance.host_jobs(app)
    if once:
        maintenance.Loop(jobs + maintenance.slow_jobs(app)).run_due()
        return
    # What systemd says: left to itself, it would end as if it were killed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    finish = maintenance.start(app)
    try:
        threading.Event().wait()
    finally:
        finish()
