"""Settings that do not come from the environment: from a file, one `NAME=value` a line, or from options."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from filewallball.settings.loading import ConfigError

DEFAULT = Path(".env")


def read_env_file(path: Path | None) -> None:
    """Set each variable of the file that the environment leaves out; without a path, those of `.env` if there is one.

    Raises ConfigError if it cannot be read, has a line that is no setting, or is not safe: whoever may write it
    decides who is an administrator, so it must belong to this user or root, and nobody else may write to it.
    """
    if path is None and not DEFAULT.exists():
        return
    path = path or DEFAULT
    try:
        _check_owner(path)
        values = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise ConfigError([f"{path}: {getattr(error, 'strerror', None) or 'is not UTF-8'}"]) from error
    if bare := [name for name, value in values.items() if value is None]:
        raise ConfigError([f"{path}: {name} has no value; write {name}=value" for name in bare])
    for name, value in values.items():
        os.environ.setdefault(name, str(value))


def override(values: Mapping[str, object]) -> None:
    """Set these variables for this process and those that it starts, but for values that are None."""
    os.environ.update({name: str(value) for name, value in values.items() if value is not None})


def _check_owner(path: Path) -> None:
    found = path.stat()
    if found.st_uid not in (0, os.geteuid()):
        raise ConfigError(
            [f"{path}: it belongs to another user; settings are read from your own files alone"]
        )
    if found.st_mode & stat.S_IWOTH:
        raise ConfigError([f"{path}: anybody may write to it; chmod o-w it"])
