"""`filewallball doctor`: the checklist before a deployment, asked of the host as it is."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click
from flask import Flask

from filewallball.audit.seals import Seals
from filewallball.audit.verify_job import Verification
from filewallball.commands import with_app
from filewallball.database.connections import Database
from filewallball.database.tables import db
from filewallball.doctor import host, neighbours
from filewallball.doctor.host import BAD, Diagnosis
from filewallball.doctor.sync_workers import sync_workers
from filewallball.ops.dashboards import FOLDER
from filewallball.recording.operations import Ledger
from filewallball.registry import part
from filewallball.settings.service import Settings
from filewallball.storage.local import LocalStore

_SIGNS = {"ok": "ok     ", "warning": "warning", "bad": "bad    "}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--dashboards",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(FOLDER),
    show_default=True,
    help="Folder that Grafana reads dashboards from.",
)
@with_app
def doctor(app: Flask, as_json: bool, dashboards: Path) -> None:
    """Check this host before and after a deployment; ends with 1 if anything is bad.

    The service should run, under the same environment. Warnings are for you to decide.
    """
    findings = list(examine(app, dashboards))
    bad = any(each.status == BAD for each in findings)
    if as_json:
        click.echo(json.dumps({"ok": not bad, "findings": [asdict(each) for each in findings]}, indent=2))
    else:
        for each in findings:
            click.echo(f"{_SIGNS[each.status]} {each.name}: {each.text}")
    sys.exit(1 if bad else 0)


def examine(app: Flask, dashboards: Path) -> Iterator[Diagnosis]:
    """Every diagnosis, in the order of the checklist."""
    settings, database = part(Settings, app), part(Database, app)
    yield from neighbours.service(settings, _token(settings))
    yield host.logging(settings)
    yield from neighbours.prometheus(settings)
    yield host.recipients(settings)
    yield neighbours.provisioned(settings, dashboards)
    yield host.database(db.engines)
    yield neighbours.proxies(settings)
    yield sync_workers(settings)
    yield host.nginx_log(settings)
    yield host.disk(part(LocalStore, app))
    yield host.file_modes(settings)
    yield host.backup(settings)
    row_format = part(Ledger, app).writer.row_format
    yield host.audit(settings, database, part(Seals, app), part(Verification, app), row_format)


def _token(settings: Settings) -> str:
    """The first administrator's, if this user may read it: monitoring routes may be closed to this host's address."""
    if settings.admin_token:
        return settings.admin_token
    try:
        return (settings.data_dir / "admin-token").read_text().strip()
    except OSError:
        return ""
