"""Disk kept for the journal alone: given up when the disk is full, taken back when there is space."""

import os
from pathlib import Path

BALLAST_BYTES = 16 * 1024 * 1024
_NAME = "ballast"


def reserve(directory: Path) -> None:
    """Allocate the ballast in full. Raises OSError where there is no space."""
    fd = os.open(directory / _NAME, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        os.posix_fallocate(fd, 0, BALLAST_BYTES)
    finally:
        os.close(fd)


def release(directory: Path) -> None:
    """Give the ballast's space to the journal; another process may have done so a moment ago."""
    (directory / _NAME).unlink(missing_ok=True)


def restore(directory: Path) -> None:
    """Take the ballast back once several times its size is free."""
    free = os.statvfs(directory)
    if free.f_bavail * free.f_frsize > 4 * BALLAST_BYTES:
        reserve(directory)
