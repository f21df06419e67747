"""`filewallball quarantine …`: list, review, release and purge suspicious files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import click
from sqlalchemy import Row

from filewallball import errors
from filewallball.clock import now_us
from filewallball.commands import with_service
from filewallball.commands.output import answer, json_option, progress, table
from filewallball.database.connections import Database
from filewallball.files.quarantine import is_dangerous, list_quarantined, purge, release
from filewallball.recording.caller import command_line
from filewallball.recording.operations import Ledger, operation
from filewallball.registry import Registry, part
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


@click.command("list")
@json_option
@with_service
def list_command(service: Registry, as_json: bool) -> None:
    """List the files in quarantine and why they are there."""
    table(list_quarantined(part(Database, service), page=1, size=_MOST), _SHOWN, as_json=as_json)


@click.command("release")
@click.argument("file_ids", nargs=-1, required=True)
@json_option
@with_service
def release_command(service: Registry, file_ids: tuple[str, ...], as_json: bool) -> None:
    """Serve these files after all."""
    with _told(as_json=as_json) as done:
        for file_id in file_ids:
            _release(service, file_id, as_json=as_json)
            done.append({"file_id": file_id})


@click.command("review")
@click.option("--release", "releases", is_flag=True, help="Serve those that are not dangerous.")
@json_option
@with_service
def review_command(service: Registry, releases: bool, as_json: bool) -> None:
    """Judge the files in quarantine by today's rules; name those that are not dangerous."""
    rows = list_quarantined(part(Database, service), page=1, size=_MOST)
    reviewed = []
    with progress(len(rows), "Reviewing") as advance:
        for row in rows:
            reviewed += _review(service, row)
            advance(1)
    with _told(as_json=as_json) as done:
        for each in reviewed:
            if each["is_readable"] and releases:
                with suppress(errors.NotFound):  # released or purged meanwhile
                    _release(service, each["file_id"], as_json=as_json)
                    done.append(each)
                continue
            if not as_json:
                click.echo(_verdict(each))
            done.append(each)


@click.command("purge")
@click.argument("file_ids", nargs=-1)
@click.option(
    "--older-than", "days", type=click.IntRange(0, _MOST_DAYS), help="All that arrived so many days ago."
)
@json_option
@with_service
def purge_command(service: Registry, file_ids: tuple[str, ...], days: int | None, as_json: bool) -> None:
    """Delete these files permanently, or all older ones."""
    if not file_ids and days is None:
        raise click.UsageError("Say which files go: their ids, --older-than, or both.")
    old: Sequence[Row[Any]] = ()
    if days is not None:
        before = now_us() - days * _DAY_US
        old = list_quarantined(part(Database, service), page=1, size=_MOST, before_us=before)
    with _told(as_json=as_json) as done:
        for file_id in file_ids:
            _purge(service, file_id, done, as_json=as_json)
        for row in old:
            with suppress(errors.NotFound):  # released or purged meanwhile
                _purge(service, row.file_id, done, as_json=as_json)


def _purge(service: Registry, file_id: str, done: list[dict[str, Any]], *, as_json: bool) -> None:
    with operation(part(Ledger, service), "file:delete", command_line(), resource_id=file_id) as op:
        purge(op, file_id)
    if not as_json:
        click.echo(f"{file_id} is deleted")
    done.append({"file_id": file_id})


def _review(service: Registry, row: Row[Any]) -> list[dict[str, Any]]:
    """What is to be said of one file: nothing, if it is dangerous."""
    about = {"file_id": row.file_id, "filename": row.filename, "mime_type": row.mime_type}
    try:
        if is_dangerous(part(Database, service), part(LocalStore, service), row):
            return []
    except errors.StorageFailed:
        return [{**about, "is_readable": False}]
    except errors.NotFound:  # released or purged meanwhile
        return []
    return [{**about, "is_readable": True}]


def _verdict(reviewed: dict[str, Any]) -> str:
    if not reviewed["is_readable"]:
        return f"{reviewed['file_id']} cannot be read"
    return f"{reviewed['file_id']} is not dangerous: {reviewed['filename']}, {reviewed['mime_type']}"


@contextmanager
def _told(*, as_json: bool) -> Iterator[list[dict[str, Any]]]:
    """A list of what was done, printed as JSON at the end, even where a later file fails."""
    done: list[dict[str, Any]] = []
    try:
        yield done
    finally:
        if as_json:
            answer(done, as_json=True)


def _release(service: Registry, file_id: str, *, as_json: bool) -> None:
    with operation(part(Ledger, service), "file:release", command_line(), resource_id=file_id) as op:
        release(op, file_id)
    if not as_json:
        click.echo(f"{file_id} is served again")
