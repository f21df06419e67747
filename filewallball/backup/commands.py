"""`filewallball backup …`: take, list, prove and bring back backups."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import click
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
from filewallball.backup.shown import FOLDER, as_object, fail, in_words, restored_in_words
from filewallball.backup.verify import verify_backup
from filewallball.clock import now_us
from filewallball.commands import plain_failures, with_service
from filewallball.commands.output import answer, json_option, progress, under_way
from filewallball.database.connections import Database
from filewallball.database.engines import Engines
from filewallball.database.schema import REVISION, downgrade, is_known, upgrade
from filewallball.files.cache import MetadataCache
from filewallball.installation import __version__
from filewallball.observability.metric_store.service_lock import is_running
from filewallball.recording.adoption import Adoption
from filewallball.recording.caller import command_line
from filewallball.recording.journal import Journal
from filewallball.recording.operations import Ledger, operation
from filewallball.recording.shipper import Shipper
from filewallball.recording.tables import audit_log
from filewallball.registry import Registry, part
from filewallball.settings.loading import load_settings
from filewallball.settings.service import Settings
from filewallball.storage.local import LocalStore

# One statement may move a whole table.
_PATIENT = timedelta(hours=1)
_DAY_US = 86_400_000_000


def _patient(settings: Settings) -> Settings:
    return replace(settings, database_timeout=_PATIENT)


@click.command()
@FOLDER
@click.option("--create", "is_new", is_flag=True, help="Make FOLDER if it is not there.")
@json_option
@partial(with_service, adjust=_patient)
def create(service: Registry, folder: Path, is_new: bool, as_json: bool) -> None:
    """Back up the database and the bytes that it names into FOLDER, while the service runs.

    Afterwards the command in BACKUP_AFTER is run, such as one that copies FOLDER to another host.
    """
    _require_folder(folder, is_new)
    manifest = _take(service, folder)
    answer(as_object(manifest), in_words(manifest), as_json=as_json)
    problems = [f"blob {sha256} was damaged already and is not in it" for sha256 in manifest.damaged]
    command = part(Settings, service).backup_after
    if command and (failure := run_after(command, folder, manifest.backup_id)):
        problems.append(f"the backup is there, but BACKUP_AFTER failed: {failure}")
    if problems:
        fail(problems)


def _require_folder(folder: Path, is_new: bool) -> None:
    """A path that is misspelt, or not mounted, is no place for a backup."""
    if is_new:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    elif not folder.is_dir():
        fail([f"there is no folder {folder}; --create makes it"])


def _take(service: Registry, folder: Path) -> Manifest:
    shipper = part(Shipper, service)
    shipper.flush()
    try:
        with operation(part(Ledger, service), "backup:create", command_line()) as op, ExitStack() as bars:
            manifest = create_backup(
                op,
                folder,
                lambda total: bars.enter_context(progress(total, "Copying")),
                database=part(Database, service),
                store=part(LocalStore, service),
                data_dir=part(Settings, service).data_dir,
            )
    except BlockingIOError:
        fail(["another backup goes into this folder"])
    shipper.flush()
    return manifest


@click.command()
@FOLDER
@click.argument("backup_id", required=False)
@json_option
@plain_failures
def verify(folder: Path, backup_id: str | None, as_json: bool) -> None:
    """Read everything in a backup (the newest unless named) and compare it with the manifest."""
    manifest = _verified(folder, backup_id)
    answer(as_object(manifest), f"intact: {in_words(manifest)}", as_json=as_json)


@click.command()
@FOLDER
@click.option("--keep", type=click.IntRange(min=1), default=None, help="All but the newest so many go.")
@click.option(
    "--older-than", "days", type=click.IntRange(min=0), default=None, help="Those of so many days ago."
)
@json_option
@with_service
def prune(service: Registry, folder: Path, keep: int | None, days: int | None, as_json: bool) -> None:
    """Remove old backups from FOLDER, and the content that only they name; the newest one always stays."""
    if keep is None and days is None:
        raise click.UsageError("Say which backups go: --keep, --older-than, or both.")
    if not folder.is_dir():
        fail([f"there is no folder {folder}"])
    before_us = None if days is None else now_us() - days * _DAY_US
    try:
        with (
            locked(folder),
            under_way("Removing"),
            operation(part(Ledger, service), "backup:prune", command_line()) as op,
        ):
            ids = chosen(folder, keep=keep, before_us=before_us)
            pruned = prune_backups(folder, ids)
            op.note(file_size=pruned.blob_bytes)
            op.note(details={"folder": str(folder), "backups": list(pruned.backups), "blobs": pruned.blobs})
    except BlockingIOError:
        fail(["somebody else is at work in this folder"])
    except BackupBroken as error:
        fail([f"nothing was removed: {error}"])
    part(Shipper, service).flush()
    gone = ", ".join(pruned.backups) or "nothing"
    told = f"removed {gone}: {pruned.blobs} blobs, {pruned.blob_bytes} bytes"
    removed = {"backups": pruned.backups, "blobs": pruned.blobs, "bytes": pruned.blob_bytes}
    answer(removed, told, as_json=as_json)


@click.command()
@FOLDER
@click.argument("backup_id", required=False)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@json_option
@plain_failures
def restore(folder: Path, backup_id: str | None, force: bool, as_json: bool) -> None:
    """Verify a backup (the newest unless named) and bring it back: to an empty place, or with --force over all."""
    manifest = _verified(folder, backup_id)
    _refuse_newer(manifest)
    if not force:
        _require_empty()
    _refuse_other_key(load_settings(), folder / manifest.backup_id)
    place_keys(load_settings().data_dir, folder / manifest.backup_id, KEYS)
    _restore(folder, manifest, as_json=as_json)


def _refuse_newer(manifest: Manifest) -> None:
    """Nothing here can make the tables of a later release, and those that are there would be gone already."""
    if not is_known(manifest.revision):
        fail(
            [
                f"the backup is of filewallball {manifest.version}, whose tables {__version__} does not know: "
                "restore it with that release or a later one"
            ]
        )


@partial(with_service, is_first=True)
def _require_empty(service: Registry) -> None:
    if _has_table(service, "files") and has_files(part(Database, service)):
        fail(["there are files here: --force replaces them"])


def _refuse_other_key(settings: Settings, backup: Path) -> None:
    """Workers keep the key that they began with: what they wrote after the restore would pass for forged."""
    kept, current = backup / "audit-key", settings.data_dir / "audit-key"
    is_other = kept.exists() and (not current.exists() or kept.read_bytes() != current.read_bytes())
    if is_other and not settings.audit_seal_key and is_running(settings.slots_dir):
        fail(["the backup has another audit key than the running service: stop the service first"])


@partial(with_service, adjust=_patient, is_first=True)
def _restore(service: Registry, folder: Path, manifest: Manifest, *, as_json: bool) -> None:
    store, revoked = part(LocalStore, service), known_revocations(part(Database, service))
    _bring_schema_to(service, manifest.revision)
    if not _has_formats(service):
        part(Ledger, service).writer.write_to_earlier_schema()
    store.prepare()
    part(Journal, service).prepare()
    part(Adoption, service).adopt(is_new_key=True)
    with (
        operation(part(Ledger, service), "backup:restore", command_line()) as op,
        progress(manifest.blob_bytes, "Restoring") as advance,
    ):
        restored = restore_backup(
            op,
            folder,
            manifest,
            advance,
            database=part(Database, service),
            store=store,
            cache=part(MetadataCache, service),
            data_dir=part(Settings, service).data_dir,
            revoked=revoked,
        )
    if not restored.redis_was_told:
        click.echo(
            "filewallball: Redis does not answer: what it still holds is served for 30 s more", err=True
        )
    with under_way("Bringing the schema up to date"):
        upgrade(holder=service)
    kept = restored.kept_revoked
    answer({**as_object(manifest), "kept_revoked": kept}, *restored_in_words(manifest, kept), as_json=as_json)


def _bring_schema_to(service: Registry, revision: str) -> None:
    """The tables as the backup knew them; a schema of another age is rebuilt, its rows are to be replaced anyway."""
    found = None
    if _has_table(service, "alembic_version"):
        found = part(Database, service).scalar(REVISION)
    if found is not None and found != revision:
        downgrade("base", service)
        found = None
    if found is None:
        upgrade(revision, service)


def _has_formats(service: Registry) -> bool:
    columns = inspect(part(Engines, service).writer).get_columns(audit_log.name)
    return any(column["name"] == "format" for column in columns)


def _has_table(service: Registry, name: str) -> bool:
    return bool(inspect(part(Engines, service).writer).has_table(name))


def _verified(folder: Path, backup_id: str | None) -> Manifest:
    ids = backup_ids(folder)
    if not ids or (backup_id is not None and backup_id not in ids):
        fail([f"there is no backup {backup_id or ''} in {folder}".replace("  ", " ")])
    chosen = backup_id or ids[-1]
    try:
        total = read_manifest(folder, chosen).blob_bytes
        with progress(total, "Verifying") as advance:
            return verify_backup(folder, chosen, advance)
    except BackupBroken as error:
        fail(str(error).splitlines())
