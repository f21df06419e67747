"""Letting old backups go: first the backups, then the content that none of those that stay names."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from filewallball.backup.create import named_blobs
from filewallball.backup.manifest import (
    BLOBS,
    BackupBroken,
    backup_ids,
    digest_of,
    discard,
    read_manifest,
    stored_blobs,
)


@dataclass(frozen=True, slots=True)
class Pruned:
    """The backups and blobs that were removed."""

    backups: tuple[str, ...]
    blobs: int
    blob_bytes: int


def chosen(folder: Path, *, keep: int | None, before_us: int | None) -> list[str]:
    """The backups that go: all but the newest `keep`, or those from before a moment; never the newest.

    Raises BackupBroken for one whose age cannot be read.
    """
    ids = backup_ids(folder)[:-1]
    if keep is not None:
        ids = ids[: max(0, len(ids) + 1 - keep)]
    if before_us is not None:
        ids = [one for one in ids if read_manifest(folder, one).created_us < before_us]
    return ids


def prune_backups(folder: Path, ids: Sequence[str]) -> Pruned:
    """Remove these backups, and the content that no other one names. Only under the folder's lock.

    Raises BackupBroken, with everything still there, if what a remaining backup names cannot be read.
    """
    staying = [backup_id for backup_id in backup_ids(folder) if backup_id not in ids]
    named = set().union(*(_named_by(folder, backup_id) for backup_id in staying))
    for backup_id in ids:
        shutil.rmtree(discard(folder, backup_id))
    count = freed = 0
    for blob in stored_blobs(folder):
        if blob.name not in named:
            count, freed = count + 1, freed + blob.stat().st_size
            blob.unlink()
    return Pruned(tuple(ids), count, freed)


def _named_by(folder: Path, backup_id: str) -> set[str]:
    """The content that a backup names. Raises BackupBroken unless its list is exactly what was written."""
    expected, listing = read_manifest(folder, backup_id).files.get(BLOBS), folder / backup_id / BLOBS
    try:
        if digest_of(listing) != expected:
            raise BackupBroken(f"{backup_id}: {BLOBS} differs from its digest")
        return {sha256 for sha256, _, _ in named_blobs(listing)}
    except OSError as error:
        raise BackupBroken(f"{backup_id}: {BLOBS} is missing or cannot be read") from error
