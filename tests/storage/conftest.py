"""Real stores in real folders, and small file systems that really fill up."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from filewallball.storage.local import LocalStore

MIB = 1024 * 1024
_AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """A prepared store that reserves no space."""
    made = LocalStore(tmp_path / "storage", min_free_bytes=0)
    made.prepare()
    return made


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 MiB and 200 inodes in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    as_root("mount", "-t", "tmpfs", "-o", "size=32m,nr_inodes=200", "tmpfs", str(folder))
    yield folder
    as_root("umount", "--lazy", str(folder))


@pytest.fixture
def lying_disk(small_disk: Path) -> Iterator[Path]:
    """An ext4 file system of 256 MiB that has 32 MiB to keep it in: writes succeed, writing back fails."""
    image, folder = small_disk / "image", small_disk / "mounted"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(256 * MIB)
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-F", "-O", "^has_journal", str(image)], check=True)
    as_root("mount", "-o", "loop,errors=continue", str(image), str(folder))
    as_root("chmod", "1777", str(folder))
    yield folder
    as_root("umount", "--lazy", str(folder))


def as_root(*command: str) -> None:
    subprocess.run([*_AS_ROOT, *command], check=True)
