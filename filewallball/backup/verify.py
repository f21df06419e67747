"""Verifying a backup: every file, every blob, every byte, against what the manifest says."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from filewallball.backup.create import Progress, named_blobs
from filewallball.backup.manifest import (
    BLOBS,
    BackupBroken,
    Manifest,
    blob_location,
    digest_of,
    read_manifest,
)


def verify_backup(folder: Path, backup_id: str, progress: Progress = lambda size: None) -> Manifest:
    """The manifest of a backup that is whole. Raises BackupBroken with everything that is not, a line each."""
    manifest = read_manifest(folder, backup_id)
    problems = [*_files(folder / backup_id, manifest)]
    if not problems:
        problems = [*_blobs(folder, manifest, progress)]
    if problems:
        raise BackupBroken("\n".join(f"{backup_id}: {problem}" for problem in problems))
    return manifest


def _files(folder: Path, manifest: Manifest) -> Iterator[str]:
    for name, sha256 in manifest.files.items():
        try:
            if digest_of(folder / name) != sha256:
                yield f"{name} differs from its digest"
        except OSError:
            yield f"{name} is missing or cannot be read"


def _blobs(folder: Path, manifest: Manifest, progress: Progress) -> Iterator[str]:
    lost = set(manifest.damaged)
    try:
        for sha256, _, size in named_blobs(folder / manifest.backup_id / BLOBS):
            progress(size)
            if sha256 in lost:
                continue
            try:
                if digest_of(blob_location(folder, sha256)) != sha256:
                    yield f"blob {sha256} differs from its digest"
            except OSError:
                yield f"blob {sha256} is missing or cannot be read"
    except (gzip.BadGzipFile, EOFError, zlib.error):
        yield f"{BLOBS} cannot be read"
