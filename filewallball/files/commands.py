"""`filewallball quarantine …`: list, review, release and purge suspicious files."""

from contextlib import suppress

import click
from flask import Flask

from filewallball import errors
from filewallball.clock import now_us
from filewallball.commands import json_option, table, with_app
from filewallball.database.connections import Database
from filewallball.files.quarantine import is_dangerous, list_quarantined, purge, release
from filewallball.recording.caller import command_line
from filewallball.recording.operations import Ledger, operation
from filewallball.registry import part
from filewallball.storage.local import LocalStore

_DAY_US = 86_400_000_000
_MOST_DAYS = 36_525  # a century
_MOST = 100_000
_SHOWN = (
    "file_id",
    "upload_us",
    "file_size",
    "mime_type",
    "claimed_type",
    "suspicion",
    "client_ip",
    "filename",
)


@click.group()
def quarantine() -> None:
    """Suspicious files, kept but not served."""


@quarantine.command("list")
@json_option
@with_app
def list_command(app: Flask, as_json: bool) -> None:
    """List the files in quarantine and why they are there."""
    table(list_quarantined(part(Database, app), page=1, size=_MOST), _SHOWN, as_json=as_json)


@quarantine.command("release")
@click.argument("file_ids", nargs=-1, required=True)
@with_app
def release_command(app: Flask, file_ids: tuple[str, ...]) -> None:
    """Serve these files after all."""
    for file_id in file_ids:
        _release(app, file_id)


@quarantine.command("review")
@click.option("--release", "releases", is_flag=True, help="Serve those that are not dangerous.")
@with_app
def review_command(app: Flask, releases: bool) -> None:
    """Judge the files in quarantine by today's rules; name those that are not dangerous."""
    database, store = part(Database, app), part(LocalStore, app)
    for row in list_quarantined(database, page=1, size=_MOST):
        try:
            if is_dangerous(database, store, row):
                continue
            if releases:
                _release(app, row.file_id)
            else:
                click.echo(f"{row.file_id} is not dangerous: {row.filename}, {row.mime_type}")
        except errors.StorageFailed:
            click.echo(f"{row.file_id} cannot be read")
        except errors.NotFound:  # released or purged meanwhile
            continue


@quarantine.command("purge")
@click.argument("file_ids", nargs=-1)
@click.option(
    "--older-than", "days", type=click.IntRange(0, _MOST_DAYS), help="All that arrived so many days ago."
)
@with_app
def purge_command(app: Flask, file_ids: tuple[str, ...], days: int | None) -> None:
    """Delete these files for ever, or all older ones."""
    if not file_ids and days is None:
        raise click.UsageError("Say which files go: their ids, --older-than, or both.")
    for file_id in file_ids:
        _purge(app, file_id)
    if days is None:
        return
    before = now_us() - days * _DAY_US
    for row in list_quarantined(part(Database, app), page=1, size=_MOST, before_us=before):
        with suppress(errors.NotFound):  # released or purged meanwhile
            _purge(app, row.file_id)


def _purge(app: Flask, file_id: str) -> None:
    with operation(part(Ledger, app), "file:delete", command_line(), resource_id=file_id) as op:
        purge(op, file_id)
    click.echo(f"{file_id} is deleted")


def _release(app: Flask, file_id: str) -> None:
    with operation(part(Ledger, app), "file:release", command_line(), resource_id=file_id) as op:
        release(op, file_id)
    click.echo(f"{file_id} is served again")
