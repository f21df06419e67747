"""`filewallball doctor`: the checklist before a deployment, asked of the host as it is."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from filewallball.audit.seals import Seals
from filewallball.audit.verify_job import Verification
from filewallball.commands import with_service
from filewallball.commands.output import answer, json_option, under_way
from filewallball.commands.paths import Folder
from filewallball.database.connections import Database
from filewallball.database.engines import Engines
from filewallball.doctor import host, neighbours
from filewallball.doctor.host import BAD, Diagnosis
from filewallball.doctor.sync_workers import sync_workers
from filewallball.ops.dashboards import FOLDER
from filewallball.recording.operations import Ledger
from filewallball.registry import Registry, part
from filewallball.settings.service import Settings
from filewallball.storage.local import LocalStore

_SIGNS = {"ok": "ok     ", "warning": "warning", "bad": "bad    "}


@click.command()
@json_option
@click.option(
    "--dashboards",
    type=Folder(),
    default=Path(FOLDER),
    show_default=True,
    help="Folder that Grafana reads dashboards from.",
)
@with_service
def doctor(service: Registry, as_json: bool, dashboards: Path) -> None:
    """Check this host before and after a deployment; ends with 1 if anything is bad.

    The service should run, under the same environment. Warnings are for you to decide.
    """
    findings = _examine_in_view(service, dashboards)
    bad = any(each.status == BAD for each in findings)
    lines = (f"{_SIGNS[each.status]} {each.name}: {each.text}" for each in findings)
    answer({"ok": not bad, "findings": [asdict(each) for each in findings]}, *lines, as_json=as_json)
    sys.exit(1 if bad else 0)


def _examine_in_view(service: Registry, dashboards: Path) -> list[Diagnosis]:
    findings = []
    with under_way("Examining") as show:
        for each in examine(service, dashboards):
            findings.append(each)
            show(f"Examined: {each.name}")
    return findings


def examine(service: Registry, dashboards: Path) -> Iterator[Diagnosis]:
    """Every diagnosis, in the order of the checklist."""
    settings, database = part(Settings, service), part(Database, service)
    yield from neighbours.service(settings, _token(settings))
    yield host.logging(settings)
    yield from neighbours.prometheus(settings)
    yield host.recipients(settings)
    yield neighbours.provisioned(settings, dashboards)
    engines = part(Engines, service)
    yield host.database({"writer": engines.writer, "reader": engines.reader})
    yield neighbours.proxies(settings)
    yield sync_workers(settings)
    yield host.nginx_log(settings)
    yield host.disk(part(LocalStore, service))
    yield host.file_modes(settings)
    yield host.backup(settings)
    row_format = part(Ledger, service).writer.row_format
    yield host.audit(settings, database, part(Seals, service), part(Verification, service), row_format)


def _token(settings: Settings) -> str:
    """The first administrator's, if this user may read it: monitoring routes may be closed to this host's address."""
    if settings.admin_token:
        return settings.admin_token
    try:
        return (settings.data_dir / "admin-token").read_text().strip()
    except OSError:
        return ""
