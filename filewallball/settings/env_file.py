"""A file of settings, one `NAME=value` a line, for who does not want to keep them in the environment."""

import os
import stat
from pathlib import Path

from dotenv import dotenv_values

from filewallball.settings.loading import ConfigError, announce


def read_env_file(path: Path) -> None:
    """Set each variable of the file that the environment leaves out.

    Raises ConfigError if it cannot be read, has a line that is no setting, or is not safe: whoever may write it
    decides who is an administrator, so it must belong to this user or root, and nobody else may write to it.
    """
    try:
        _check_owner(path)
        values = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise ConfigError([f"{path}: {getattr(error, 'strerror', None) or 'is not UTF-8'}"]) from error
    if bare := [name for name, value in values.items() if value is None]:
        raise ConfigError([f"{path}: {name} has no value; write {name}=value" for name in bare])
    announce(values, replacing=False)


def _check_owner(path: Path) -> None:
    found = path.stat()
    if found.st_uid not in (0, os.geteuid()):
        raise ConfigError(
            [f"{path}: it belongs to another user; settings are read from your own files alone"]
        )
    if found.st_mode & stat.S_IWOTH:
        raise ConfigError([f"{path}: anybody may write to it; chmod o-w it"])
