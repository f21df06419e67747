"""The way back: bytes first, then every row in one transaction together with the operation's own audit row."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, TextClause, inspect, select, text

from filewallball import errors
from filewallball.backup.create import Progress, named_blobs
from filewallball.backup.manifest import BLOBS, ROWS, Manifest, blob_location, digest_of
from filewallball.backup.revocations import Known, keep_revoked
from filewallball.backup.rows import Change, load
from filewallball.database.connections import Database
from filewallball.files.cache import MetadataCache
from filewallball.files.tables import files
from filewallball.filesystem import create_file, make_durable_folder, sync_names
from filewallball.recording.operations import Operation
from filewallball.storage.leases import Lease, lease
from filewallball.storage.local import LocalStore

_PIECE_BYTES = 1024 * 1024
_ANCHOR = "audit-head"
# What processes compare with what they remember; a number below zero stands for sums that are yet to be made.
_WATCHED = {"generations": "value", "usage_state": "revision"}
_NOW = "SELECT MAX(ABS({column})) FROM {table}"
_NEXT = "UPDATE {table} SET {column} = {column} + CASE WHEN {column} < 0 THEN -:more ELSE :more END"


@dataclass(frozen=True, slots=True)
class Restored:
    """The outcome of a restore: what stayed revoked, by table; and False where Redis could not be told, and may serve
    metadata of before for 30 seconds more."""

    kept_revoked: Mapping[str, int]
    redis_was_told: bool


def has_files(database: Database) -> bool:
    """True if a restore would replace something: files that somebody stored here."""
    return database.row(select(files.c.id).limit(1)) is not None


def restore_backup(
    op: Operation,
    folder: Path,
    manifest: Manifest,
    progress: Progress,
    *,
    database: Database,
    store: LocalStore,
    cache: MetadataCache,
    data_dir: Path,
    revoked: Known,
) -> Restored:
    """Bring back a verified backup, but for what is `revoked`. The schema must already be at the backup's revision.

    Until the one transaction commits, nothing of what was there before has changed.
    """
    with lease(database, "restore") as held:
        paths = _restore_blobs(store, folder, manifest, progress, held)

        def with_new_path(_table: str, row: dict[str, Any]) -> None:
            row["path"] = paths.get(row["path"], row["path"])

        op.note(resource_id=manifest.backup_id, file_size=manifest.blob_bytes)
        op.note(details={"folder": str(folder), "blobs": manifest.blob_count, "rows": manifest.rows})
        rows = folder / manifest.backup_id / ROWS
        cache.doubt_all()
        kept: dict[str, int] = {}

        def change(connection: Connection) -> None:
            _load(connection, rows, {"blobs": with_new_path})
            kept.update(keep_revoked(connection, revoked))
            op.note(details={"kept_revoked": kept})

        try:
            op.change(change, undo=lambda: _take_back(store, paths))
        finally:
            was_told = cache.forget_all()
    retire_anchor(data_dir)
    return Restored(kept, was_told)


def _load(connection: Connection, rows: Path, change: dict[str, Change]) -> None:
    """Every row; what processes watch counts on from the higher number, so that they notice."""
    there = inspect(connection)
    # A backup may be older than these tables.
    watched = [names for names in _WATCHED.items() if there.has_table(names[0])]
    before = [connection.execute(_statement(_NOW, *names)).scalar() or 0 for names in watched]
    load(connection, rows, change)
    for names, number in zip(watched, before, strict=True):
        connection.execute(_statement(_NEXT, *names), {"more": number + 1})


def _statement(template: str, table: str, column: str) -> TextClause:
    return text(template.format(table=table, column=column))


def retire_anchor(data_dir: Path) -> None:
    """Set the old log's anchor aside as evidence: the sealer's next block anchors the restored log anew."""
    anchor = data_dir / _ANCHOR
    if anchor.exists():
        anchor.replace(data_dir / f"{_ANCHOR}.before-restore")
        sync_names(data_dir)


def _restore_blobs(
    store: LocalStore, folder: Path, manifest: Manifest, progress: Progress, held: Lease
) -> dict[str, str]:
    """Publish every blob that the store does not hold whole; returns the new paths by the old ones. All or none."""
    paths: dict[str, str] = {}
    lost = set(manifest.damaged)
    try:
        for sha256, path, size in named_blobs(folder / manifest.backup_id / BLOBS):
            if sha256 not in lost and not _is_whole(store, path, sha256, size):
                paths[path] = _publish(store, blob_location(folder, sha256), sha256, size)
            progress(size)
        held.require()
    except BaseException:
        _take_back(store, paths)
        raise
    return paths


def _take_back(store: LocalStore, paths: Mapping[str, str]) -> None:
    """Remove what was published; what cannot be removed now is the sweep's."""
    for path in paths.values():
        with suppress(errors.ApiError):
            store.remove(path)


def _is_whole(store: LocalStore, path: str, sha256: str, size: int) -> bool:
    try:
        return store.holds(path, size) and digest_of(store.blobs_root / path) == sha256
    except OSError:  # the disk does not give the bytes
        return False


def _publish(store: LocalStore, source: Path, sha256: str, size: int) -> str:
    with store.stage(max_bytes=size, declared_bytes=size) as stage, source.open("rb") as file:
        while data := file.read(_PIECE_BYTES):
            stage.write(data)
        if stage.sha256 != sha256:
            raise errors.ContentDamaged("A blob changed after the backup was verified.")
        return store.publish(stage)


def place_keys(data_dir: Path, backup: Path, names: tuple[str, ...]) -> None:
    """Put the backup's keys where the service looks for them, before it makes new ones."""
    make_durable_folder(data_dir, 0o750)
    for name in names:
        kept, target = backup / name, data_dir / name
        if kept.exists() and (not target.exists() or target.read_bytes() != kept.read_bytes()):
            if target.exists():
                target.replace(target.with_name(f"{name}.before-restore"))
            create_file(target, kept.read_bytes())
    sync_names(data_dir)
