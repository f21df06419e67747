"""The content of a backup folder: its layout, its manifest, and the digest that vouches for the manifest itself."""

import ctypes
import hashlib
import hmac
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from filewallball.filesystem import create_file, sync_folder, try_lock

FORMAT = 1
_MANIFEST, _DIGEST = "manifest.json", "manifest.json.sha256"
_PARTIAL = ".partial-"
_ID = "%Y%m%dT%H%M%S-%f"
_libc = ctypes.CDLL(None, use_errno=True)
ROWS, BLOBS = "database.jsonl.gz", "blobs.jsonl.gz"


class BackupBroken(Exception):
    """A backup, or a part of it, is not what was written."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup. `files` maps each of its files to its SHA-256; `damaged` names blobs that were already lost."""

    backup_id: str
    created_us: int
    version: str
    revision: str
    files: dict[str, str]
    rows: dict[str, int]
    blob_count: int
    blob_bytes: int
    damaged: list[str] = field(default_factory=list)
    format: int = FORMAT


def backup_ids(folder: Path) -> list[str]:
    """Complete backups, oldest first; one that was never finished has another name."""
    return sorted(path.parent.name for path in folder.glob(f"[!.]*/{_MANIFEST}"))


def new_id(folder: Path) -> str:
    """The id of a backup that is taken now. Ids are times, and backups are ordered by them: after the clock was set
    back it is the first moment behind the newest backup."""
    moment = datetime.now(UTC)
    for known in backup_ids(folder):
        with suppress(ValueError, OverflowError):  # one that somebody renamed
            moment = max(
                moment, datetime.strptime(known, _ID).replace(tzinfo=UTC) + timedelta(microseconds=1)
            )
    return moment.strftime(_ID)


def read_manifest(folder: Path, backup_id: str) -> Manifest:
    """The manifest, once its digest is found right. Raises BackupBroken."""
    try:
        data = (folder / backup_id / _MANIFEST).read_bytes()
        expected = (folder / backup_id / _DIGEST).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BackupBroken(f"{backup_id}: the manifest cannot be read") from error
    if not hmac.compare_digest(hashlib.sha256(data).hexdigest().encode(), expected.encode()):
        raise BackupBroken(f"{backup_id}: the manifest differs from its digest")
    values: dict[str, Any] = orjson.loads(data)
    if values["format"] != FORMAT:
        raise BackupBroken(f"{backup_id}: format {values['format']} is not known here")
    return Manifest(**values)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the only one who changes this folder of backups. Raises BlockingIOError where somebody else is."""
    with try_lock(folder / ".lock") as held:
        if not held:
            raise BlockingIOError
        yield


@contextmanager
def new_backup(folder: Path, backup_id: str) -> Iterator[Path]:
    """A folder to fill, which becomes a backup when the block ends well. Raises BlockingIOError for a second one.

    What an earlier one left unfinished is removed first.
    """
    with locked(folder):
        for left in folder.glob(f"{_PARTIAL}*"):
            shutil.rmtree(left)
        partial = folder / f"{_PARTIAL}{backup_id}"
        partial.mkdir(mode=0o700)
        try:
            yield partial
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        sync_folder(partial)
        partial.rename(folder / backup_id)
        sync_folder(folder)


def discard(folder: Path, backup_id: str) -> Path:
    """Make a backup one that was never finished; returns where it is now, to be removed."""
    left = (folder / backup_id).rename(folder / f"{_PARTIAL}{backup_id}")
    sync_folder(folder)
    return left


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """The manifest and its digest, durably."""
    data = orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2)
    create_file(folder / _MANIFEST, data)
    create_file(folder / _DIGEST, hashlib.sha256(data).hexdigest().encode() + b"\n")


def blob_location(folder: Path, sha256: str) -> Path:
    """The path at which all backups of a folder keep one content."""
    return folder / "blobs" / sha256[:2] / sha256[2:4] / sha256


def stored_blobs(folder: Path) -> Iterator[Path]:
    """Every content that the folder keeps."""
    return (folder / "blobs").glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*")


def digest_of(path: Path) -> str:
    """SHA-256 of a file. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_all(folder: Path) -> None:
    """Force everything on a folder's file system to the disk: one call where `fsync` would take thousands."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _libc.syncfs(fd):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
    finally:
        os.close(fd)
