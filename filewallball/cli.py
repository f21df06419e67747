"""The command line: `filewallball …`, each command thin over a service."""

import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path

import click
from flask import Flask

from filewallball import create_app
from filewallball.access.commands import blocks, quotas, tokens, users
from filewallball.alerts.commands import alerts
from filewallball.audit.commands import audit
from filewallball.audit.upgrade import upgrade as upgrades
from filewallball.backup.commands import backup
from filewallball.clock import now_us
from filewallball.commands import plain_failures, with_app
from filewallball.database.schema import downgrade, upgrade
from filewallball.doctor.commands import doctor
from filewallball.files.commands import quarantine
from filewallball.files.scrub import Pace
from filewallball.filesystem import close_to_others
from filewallball.ops import reference
from filewallball.ops.commands import ops
from filewallball.reconcile.reconciliation import Reconciliation
from filewallball.recording.caller import command_line
from filewallball.recording.operations import Ledger, operation
from filewallball.registry import part
from filewallball.serving import maintenance
from filewallball.serving.commands import serve
from filewallball.serving.preparation import make_ready
from filewallball.settings.env_file import read_env_file
from filewallball.settings.service import Settings
from filewallball.stats.commands import stats


@click.group(context_settings={"obj": create_app})
@click.version_option(package_name="filewallball")
@click.option(
    "--env-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with a setting a line, NAME=value; .env by default. The environment wins.",
)
@plain_failures
def main(env_file: Path | None) -> None:
    """Operate a FileWallBall service. Settings come from the environment."""
    close_to_others()
    read_env_file(env_file)


@main.command()
@partial(with_app, is_first=True)
def prepare(app: Flask) -> None:
    """Make everything ready to start: folders, database schema, first administrator."""
    make_ready(app)


@main.command()
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


@main.command()
@with_app
def scrub(app: Flask) -> None:
    """Read every stored byte now and compare; ends with 1 if any differ from what was uploaded."""
    job = maintenance.scrub(app)
    with click.progressbar(length=job.total_bytes(), label="Reading", file=sys.stderr) as bar:
        checked, failed = job.run(before_us=now_us(), pace=Pace(), progress=bar.update)
    click.echo(f"{checked} checked, {failed} damaged")
    sys.exit(1 if failed else 0)


@main.command("reference")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_app
def reference_command(app: Flask, files: tuple[Path, ...]) -> None:
    """Bring the tables in FILES (settings, errors, routes, roles, metrics) up to date with the code."""
    for path in files:
        path.write_text(reference.refresh(path.read_text(), app))


@main.command("reconcile")
@click.option(
    "--patience", default=70.0, show_default=True, help="Seconds to let what is under way come to rest."
)
@with_app
def reconcile_command(app: Flask, patience: float) -> None:
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


@main.group()
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


for group in (
    serve,
    users,
    tokens,
    blocks,
    quotas,
    quarantine,
    audit,
    backup,
    stats,
    alerts,
    ops,
    doctor,
    upgrades,
):
    main.add_command(group)


@main.command()
@click.option("--once", is_flag=True, help="Run every job once and end.")
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
