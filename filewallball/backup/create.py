"""Taking a backup: the lease first, then the snapshot, then the bytes that it names; all of it or nothing."""

import gzip
import hashlib
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
from sqlalchemy import Connection, select

from filewallball import errors
from filewallball.backup.last_backup import note_backup
from filewallball.backup.manifest import (
    BLOBS,
    ROWS,
    Manifest,
    blob_location,
    digest_of,
    new_backup,
    new_id,
    sync_all,
    write_manifest,
)
from filewallball.backup.rows import dump
from filewallball.database.connections import Database
from filewallball.database.schema import REVISION
from filewallball.files.tables import blobs
from filewallball.filesystem import create_file
from filewallball.installation import __version__
from filewallball.recording.operations import Operation
from filewallball.storage.leases import lease
from filewallball.storage.local import LocalStore
from filewallball.storage.pieces import pieces

_PIECE_BYTES = 1024 * 1024
_BATCH, _BATCH_BYTES = 1000, 256 * 1024 * 1024
# Without them the restored log could not be verified, nor the first administrator recognised.
KEYS = ("audit-key", "admin-token")
_NAMED = (
    select(blobs.c.sha256, blobs.c.path, blobs.c.size)
    .where(blobs.c.live == 1, blobs.c.refs > 0)
    .order_by(blobs.c.id)
)
Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan for copying: the store, the folder, the place of unfinished copies, and the space to keep free there."""

    store: LocalStore
    folder: Path
    partial: Path
    reserved_bytes: int


def create_backup(
    op: Operation,
    folder: Path,
    progress: Callable[[int], Progress],
    *,
    database: Database,
    store: LocalStore,
    data_dir: Path,
) -> Manifest:
    """Back up into `folder`; `progress` is told the number of bytes, and then of each piece done.

    Raises StorageFull, Unavailable, and BlockingIOError while another backup goes into the same folder.
    """
    backup_id = new_id(folder)
    op.note(resource_id=backup_id)
    with new_backup(folder, backup_id) as partial, lease(database, "backup") as held:
        plan = Plan(store, folder, partial, store.space().reserved)
        with database.snapshot_connection() as connection:
            revision = _revision(connection)
            rows = dump(connection, partial / ROWS)
            count, total = _list_blobs(connection, partial / BLOBS)
        damaged = _copy_blobs(plan, partial / BLOBS, progress(total))
        for name in KEYS:
            _copy_key(data_dir / name, partial / name)
        held.require()
        manifest = Manifest(
            backup_id=backup_id,
            created_us=op.event.timestamp_us,
            version=__version__,
            revision=revision,
            files={path.name: digest_of(path) for path in sorted(partial.iterdir())},
            rows=rows,
            blob_count=count,
            blob_bytes=total,
            damaged=damaged,
        )
        write_manifest(partial, manifest)
    op.note(file_size=total, details={"folder": str(folder), "blobs": count, "damaged": len(damaged)})
    note_backup(data_dir, manifest, folder)
    return manifest


def named_blobs(path: Path) -> Iterator[tuple[str, str, int]]:
    """(sha256, path in the store, size) of each blob that a backup names."""
    with gzip.open(path, "rb") as file:
        for line in file:
            sha256, location, size = orjson.loads(line)
            yield sha256, location, size


def _revision(connection: Connection) -> str:
    return str(connection.execute(REVISION).scalar_one())


def _list_blobs(connection: Connection, path: Path) -> tuple[int, int]:
    count = total = 0
    with gzip.open(path, "xb", compresslevel=1) as file:
        for row in connection.execute(_NAMED, execution_options={"stream_results": True, "yield_per": 500}):
            file.write(orjson.dumps(list(row), option=orjson.OPT_APPEND_NEWLINE))
            count, total = count + 1, total + row.size
    return count, total


def _copy_blobs(plan: Plan, listing: Path, progress: Progress) -> list[str]:
    """Copy what the folder does not have yet; returns the digests of blobs that are not what they should be."""
    damaged = []
    copied: dict[Path, Path] = {}
    waiting_bytes = 0
    for sha256, path, size in named_blobs(listing):
        target = blob_location(plan.folder, sha256)
        if not _has(target, size):
            if shutil.disk_usage(plan.folder).free - size < plan.reserved_bytes:
                raise errors.StorageFull("The backup would leave less than MIN_FREE_SPACE.")
            temporary = plan.partial / secrets.token_hex(8)
            if _copy_blob(plan.store, path, temporary, sha256):
                copied[temporary], waiting_bytes = target, waiting_bytes + size
            else:
                damaged.append(sha256)
        if len(copied) >= _BATCH or waiting_bytes >= _BATCH_BYTES:
            _give_names(plan.folder, copied)
            copied, waiting_bytes = {}, 0
        progress(size)
    _give_names(plan.folder, copied)
    sync_all(plan.folder)
    return damaged


def _copy_blob(store: LocalStore, path: str, temporary: Path, sha256: str) -> bool:
    """Copy one blob; False, with nothing left of it, if its content is not what it should be."""
    digest = hashlib.sha256()
    try:
        with store.open(path) as source, temporary.open("xb") as copy:
            for data in pieces(source, _PIECE_BYTES):
                digest.update(data)
                copy.write(data)
    except errors.StorageFailed:
        temporary.unlink(missing_ok=True)
        return False
    if digest.hexdigest() == sha256:
        return True
    temporary.unlink()
    return False


def _give_names(folder: Path, copied: Mapping[Path, Path]) -> None:
    """Let copies be found, once they are on the disk."""
    if copied:
        sync_all(folder)
    for temporary, target in copied.items():
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary.replace(target)


def _has(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def _copy_key(source: Path, target: Path) -> None:
    if source.exists():
        create_file(target, source.read_bytes())
