"""`filewallball backup …`: take, list, prove and bring back backups."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NoReturn

import click
from flask import Flask
from sqlalchemy import inspect

from filewallball.backup.after import run_after
from filewallball.backup.create import KEYS, create_backup
from filewallball.backup.manifest import (
    BackupBroken,
    Manifest,
    backup_ids,
    locked,
    read_manifest,
)
from filewallball.backup.prune import chosen, prune_backups
from filewallball.backup.restore import has_files, place_keys, restore_backup
from filewallball.backup.revocations import known_revocations
from filewallball.backup.verify import verify_backup
from filewallball.clock import now_us, rfc3339
from filewallball.commands import with_app
from filewallball.database.connections import Database
from filewallball.database.schema import REVISION, downgrade, is_known, upgrade
from filewallball.database.tables import db
from filewallball.files.cache import MetadataCache
from filewallball.observability.metric_store.service_lock import is_running
from filewallball.recording.adoption import Adoption
from filewallball.recording.caller import command_line
from filewallball.recording.journal import Journal
from filewallball.recording.operations import Ledger, operation
from filewallball.recording.shipper import Shipper
from filewallball.recording.tables import audit_log
from filewallball.registry import part
from filewallball.settings.loading import load_settings
from filewallball.settings.service import Settings
from filewallball.storage.local import LocalStore
from filewallball.version import __version__

_FOLDER = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
# One statement may move a whole table.
_PATIENT = timedelta(hours=1)
_DAY_US = 86_400_000_000


def _patient(settings: Settings) -> Settings:
    return replace(settings, database_timeout=_PATIENT)


@click.group()
def backup() -> None:
    """Take backups into a folder, and bring them back."""


@backup.command()
@_FOLDER
@click.option("--create", "is_new", is_flag=True, help="Make FOLDER if it is not there.")
@partial(with_app, adjust=_patient)
def create(app: Flask, folder: Path, is_new: bool) -> None:
    """Back up the database and the bytes that it names into FOLDER, while the service runs.

    Afterwards the command in BACKUP_AFTER is run, such as one that copies FOLDER to another host.
    """
    _require_folder(folder, is_new)
    manifest = _take(app, folder)
    click.echo(_about(manifest))
    problems = [f"blob {sha256} was damaged already and is not in it" for sha256 in manifest.damaged]
    command = part(Settings, app).backup_after
    if command and (failure := run_after(command, folder, manifest.backup_id)):
        problems.append(f"the backup is there, but BACKUP_AFTER failed: {failure}")
    if problems:
        _fail(problems)


def _require_folder(folder: Path, is_new: bool) -> None:
    """A path that is misspelt, or not mounted, is no place for a backup."""
    if is_new:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    elif not folder.is_dir():
        _fail([f"there is no folder {folder}; --create makes it"])


def _take(app: Flask, folder: Path) -> Manifest:
    shipper = part(Shipper, app)
    shipper.flush()
    try:
        with operation(part(Ledger, app), "backup:create", command_line()) as op:
            manifest = create_backup(
                op,
                folder,
                lambda total: _bar(total, "Copying"),
                database=part(Database, app),
                store=part(LocalStore, app),
                data_dir=part(Settings, app).data_dir,
            )
    except BlockingIOError:
        _fail(["another backup goes into this folder"])
    shipper.flush()
    return manifest


@backup.command("list")
@_FOLDER
def list_command(folder: Path) -> None:
    """List the complete backups in FOLDER, oldest first."""
    if not folder.is_dir():
        _fail([f"there is no folder {folder}"])
    for backup_id in backup_ids(folder):
        try:
            click.echo(_about(read_manifest(folder, backup_id)))
        except BackupBroken as error:
            click.echo(f"{error} (broken)")


@backup.command()
@_FOLDER
@click.argument("backup_id", required=False)
def verify(folder: Path, backup_id: str | None) -> None:
    """Read everything in a backup (the newest unless named) and compare it with the manifest."""
    click.echo(f"intact: {_about(_verified(folder, backup_id))}")


@backup.command()
@_FOLDER
@click.option("--keep", type=click.IntRange(min=1), default=None, help="All but the newest so many go.")
@click.option(
    "--older-than", "days", type=click.IntRange(min=0), default=None, help="Those of so many days ago."
)
@with_app
def prune(app: Flask, folder: Path, keep: int | None, days: int | None) -> None:
    """Remove old backups from FOLDER, and the content that only they name; the newest one always stays."""
    if keep is None and days is None:
        _fail(["say which backups go: --keep, --older-than, or both"])
    before_us = None if days is None else now_us() - days * _DAY_US
    try:
        with locked(folder), operation(part(Ledger, app), "backup:prune", command_line()) as op:
            ids = chosen(folder, keep=keep, before_us=before_us)
            pruned = prune_backups(folder, ids)
            op.note(file_size=pruned.blob_bytes)
            op.note(details={"folder": str(folder), "backups": list(pruned.backups), "blobs": pruned.blobs})
    except BlockingIOError:
        _fail(["somebody else is at work in this folder"])
    except BackupBroken as error:
        _fail([f"nothing was removed: {error}"])
    part(Shipper, app).flush()
    gone = ", ".join(pruned.backups) or "nothing"
    click.echo(f"removed {gone}: {pruned.blobs} blobs, {pruned.blob_bytes} bytes")


@backup.command()
@_FOLDER
@click.argument("backup_id", required=False)
@click.option("--force", is_flag=True, help="Replace files that are there.")
def restore(folder: Path, backup_id: str | None, force: bool) -> None:
    """Verify a backup (the newest unless named) and bring it back: to an empty place, or with --force over all."""
    manifest = _verified(folder, backup_id)
    _refuse_newer(manifest)
    if not force:
        _require_empty()
    _refuse_other_key(load_settings(), folder / manifest.backup_id)
    place_keys(load_settings().data_dir, folder / manifest.backup_id, KEYS)
    _restore(folder, manifest)
    click.echo(f"restored: {_about(manifest)}")
    click.echo(
        f"What was revoked after {rfc3339(manifest.created_us)} and not known here works again: revoke it anew."
    )


def _refuse_newer(manifest: Manifest) -> None:
    """Nothing here can make the tables of a later release, and those that are there would be gone already."""
    if not is_known(manifest.revision):
        _fail(
            [
                f"the backup is of filewallball {manifest.version}, whose tables {__version__} does not know: "
                "restore it with that release or a later one"
            ]
        )


@partial(with_app, is_first=True)
def _require_empty(app: Flask) -> None:
    if _has_table("files") and has_files(part(Database, app)):
        _fail(["there are files here: --force replaces them"])


def _refuse_other_key(settings: Settings, backup: Path) -> None:
    """Workers keep the key that they began with: what they wrote after the restore would pass for forged."""
    kept, current = backup / "audit-key", settings.data_dir / "audit-key"
    is_other = kept.exists() and (not current.exists() or kept.read_bytes() != current.read_bytes())
    if is_other and not settings.audit_seal_key and is_running(settings.slots_dir):
        _fail(["the backup has another audit key than the running service: stop the service first"])


@partial(with_app, adjust=_patient, is_first=True)
def _restore(app: Flask, folder: Path, manifest: Manifest) -> None:
    store, revoked = part(LocalStore, app), known_revocations(part(Database, app))
    _bring_schema_to(app, manifest.revision)
    if not _has_formats():
        part(Ledger, app).writer.write_to_earlier_schema()
    store.prepare()
    part(Journal, app).prepare()
    part(Adoption, app).adopt(is_new_key=True)
    with operation(part(Ledger, app), "backup:restore", command_line()) as op:
        restored = restore_backup(
            op,
            folder,
            manifest,
            _bar(manifest.blob_bytes, "Restoring"),
            database=part(Database, app),
            store=store,
            cache=part(MetadataCache, app),
            data_dir=part(Settings, app).data_dir,
            revoked=revoked,
        )
    for name, count in restored.kept_revoked.items():
        click.echo(f"{name}: {count:,} stay revoked that the backup has in use")
    if not restored.redis_was_told:
        click.echo(
            "filewallball: Redis does not answer: what it still holds is served for 30 s more", err=True
        )
    upgrade()


def _bring_schema_to(app: Flask, revision: str) -> None:
    """The tables as the backup knew them; a schema of another age is rebuilt, its rows are to be replaced anyway."""
    found = None
    if _has_table("alembic_version"):
        found = part(Database, app).scalar(REVISION)
    if found is not None and found != revision:
        downgrade("base")
        found = None
    if found is None:
        upgrade(revision)


def _has_formats() -> bool:
    return any(column["name"] == "format" for column in inspect(db.engine).get_columns(audit_log.name))


def _has_table(name: str) -> bool:
    return bool(inspect(db.engine).has_table(name))


def _verified(folder: Path, backup_id: str | None) -> Manifest:
    ids = backup_ids(folder)
    if not ids or (backup_id is not None and backup_id not in ids):
        _fail([f"there is no backup {backup_id or ''} in {folder}".replace("  ", " ")])
    chosen = backup_id or ids[-1]
    try:
        total = read_manifest(folder, chosen).blob_bytes
        return verify_backup(folder, chosen, _bar(total, "Verifying"))
    except BackupBroken as error:
        _fail(str(error).splitlines())


def _bar(total: int, label: str) -> Callable[[int], object]:
    bar = click.progressbar(length=max(1, total), label=label, file=sys.stderr)
    bar.render_progress()

    def advance(size: int) -> None:
        bar.update(size)
        if bar.finished:
            bar.render_finish()

    return advance


def _about(manifest: Manifest) -> str:
    return (
        f"{manifest.backup_id}  {rfc3339(manifest.created_us)}  {manifest.blob_count} blobs, "
        f"{manifest.blob_bytes} bytes, {sum(manifest.rows.values())} rows"
    )


def _fail(messages: list[str]) -> NoReturn:
    for message in messages:
        click.echo(f"filewallball: {message}", err=True)
    sys.exit(1)
