"""Taking a backup: the lease first, then the snapshot, then the bytes that it names; all of it or nothing."""

import gzip
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
from sqlalchemy import Connection, text

from filewallball import __version__, errors
from filewallball.backup.manifest import (
    BLOBS,
    ROWS,
    Manifest,
    blob_location,
    digest_of,
    new_backup,
    write_file,
    write_manifest,
)
from filewallball.backup.rows import dump, snapshot
from filewallball.backup.standing import note_backup
from filewallball.leases import lease
from filewallball.operations import Operation
from filewallball.runtime import Runtime

_PIECE_BYTES = 1024 * 1024
# Without them the restored log could not be verified, nor the first administrator recognised.
KEYS = ("audit-key", "admin-token")
_NAMED = text("SELECT sha256, path, size FROM blobs WHERE live = 1 AND refs > 0 ORDER BY id")
Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the copying needs: where from, where to, and how much must stay free there."""

    parts: Runtime
    folder: Path
    reserved_bytes: int


def create_backup(
    parts: Runtime, op: Operation, folder: Path, progress: Callable[[int], Progress]
) -> Manifest:
    """Back up into `folder`; `progress` is told the number of bytes, and then of each piece done.

    Raises StorageFull, Unavailable, and BlockingIOError while another backup goes into the same folder.
    """
    backup_id = datetime.now(UTC).strftime("%Y%m%dT%H%M%S-%f")
    op.note(resource_id=backup_id)
    plan = Plan(parts, folder, parts.store.space().reserved)
    with new_backup(folder, backup_id) as partial, lease(parts.database, "backup") as held:
        with snapshot(parts.database) as connection:
            revision = _revision(connection)
            rows = dump(connection, partial / ROWS)
            count, total = _list_blobs(connection, partial / BLOBS)
        damaged = _copy_blobs(plan, partial / BLOBS, progress(total))
        for name in KEYS:
            _copy_key(parts.settings.data_dir / name, partial / name)
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
    note_backup(parts.settings.data_dir, manifest, folder)
    return manifest


def named_blobs(path: Path) -> Iterator[tuple[str, str, int]]:
    """(sha256, path in the store, size) of each blob that a backup names."""
    with gzip.open(path, "rb") as file:
        for line in file:
            sha256, location, size = orjson.loads(line)
            yield sha256, location, size


def _revision(connection: Connection) -> str:
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


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
    for sha256, path, size in named_blobs(listing):
        target = blob_location(plan.folder, sha256)
        if not _has(target, size):
            if shutil.disk_usage(plan.folder).free - size < plan.reserved_bytes:
                raise errors.StorageFull("The backup would leave less than MIN_FREE_SPACE.")
            if not _copy_blob(plan.parts, path, target, sha256):
                damaged.append(sha256)
        progress(size)
    return damaged


def _copy_blob(parts: Runtime, path: str, target: Path, sha256: str) -> bool:
    """Copy one blob durably, under its name only when its content is right."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = target.with_name(f".{secrets.token_hex(8)}")
    digest = hashlib.sha256()
    try:
        with parts.store.open(path) as source, temporary.open("xb") as copy:
            while data := source.read(_PIECE_BYTES):
                digest.update(data)
                copy.write(data)
            copy.flush()
            os.fsync(copy.fileno())
        if digest.hexdigest() != sha256:
            return False
        temporary.replace(target)
    except errors.StorageFailed:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _has(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def _copy_key(source: Path, target: Path) -> None:
    if source.exists():
        write_file(target, source.read_bytes())
