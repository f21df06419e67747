"""Files and folders of the service that others than its user and group can reach, and closing them."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy.engine import make_url

from filewallball.filesystem import OTHERS, PRIVATE
from filewallball.settings.service import Settings

_SECRETS = ("audit-key", "admin-token")
_GROUP_WRITES = 0o020
_SHARED = stat.S_ISVTX


def close_data(settings: Settings) -> None:
    """Take from others, and from the group what it need not have, what earlier versions left to them.

    Only what belongs to this user, and no folder that is everybody's, as /tmp is.
    """
    for path, mode in _open(settings):
        with suppress(OSError):
            path.chmod(mode)


def open_to_others(settings: Settings) -> list[Path]:
    """The files and folders that others can reach, or secrets that the group can."""
    return [path for path, _ in _open(settings)]


def _open(settings: Settings) -> Iterator[tuple[Path, int]]:
    """Those that have another mode than they should, with the mode that they should have."""
    for path in _paths(settings):
        try:
            found = path.lstat()
        except OSError:
            continue
        mode = stat.S_IMODE(found.st_mode)
        wanted = mode & PRIVATE if path.name in _SECRETS else mode & ~(OTHERS | _GROUP_WRITES)
        is_ours = found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode) and not mode & _SHARED
        if wanted != mode and is_ours:
            yield path, wanted


def _paths(settings: Settings) -> Iterator[Path]:
    """The files and folders that the service itself made; other files that lie in DATA_DIR are somebody else's."""
    yield settings.data_dir
    yield from (settings.data_dir / name for name in _SECRETS)
    yield from _database(settings)
    yield from (settings.storage_dir, settings.thumbnails_dir)
    for top in (settings.journal_dir, settings.slots_dir, settings.metrics_dir, settings.limits_file.parent):
        yield top
        for folder, folders, files in os.walk(top):
            yield from (Path(folder, name) for name in (*folders, *files))
    yield from settings.log_file.parent.glob(f"{settings.log_file.name}*")


def _database(settings: Settings) -> Iterator[Path]:
    """An SQLite database and its log, wherever it lies."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        yield from (Path(url.database + suffix) for suffix in ("", "-wal", "-shm"))
