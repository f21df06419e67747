"""Walking inside the store without ever following a symbolic link."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FOLDER_MODE = 0o750
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def open_folder(name: Path | str, parent: int | None = None) -> int:
    """A descriptor of a folder, for the caller to close; a link in its place is an `OSError`."""
    return os.open(name, _FLAGS, dir_fd=parent)


@contextmanager
def opened(name: Path | str, parent: int | None = None) -> Iterator[int]:
    """A descriptor of a folder; a link in its place is an `OSError`."""
    fd = open_folder(name, parent)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def entered(name: str, parent: int) -> Iterator[int]:
    """The same for a folder inside another, made first if it is missing."""
    try:
        fd = open_folder(name, parent)
    except FileNotFoundError:
        make_folder(name, parent)
        fd = open_folder(name, parent)
    try:
        yield fd
    finally:
        os.close(fd)


def make_folder(name: str, parent: int) -> None:
    """Create a folder inside another unless it is there already."""
    with suppress(FileExistsError):
        os.mkdir(name, FOLDER_MODE, dir_fd=parent)


def entries(folder: Path, pattern: re.Pattern[str], *, files: bool = False) -> Iterator[str]:
    """Names of the real folders, or real files, whose whole name fits; a missing folder has none."""
    try:
        with os.scandir(folder) as found:
            for entry in found:
                real = entry.is_file(follow_symlinks=False) if files else entry.is_dir(follow_symlinks=False)
                if real and pattern.fullmatch(entry.name):
                    yield entry.name
    except FileNotFoundError:
        return
