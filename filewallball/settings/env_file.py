"""A file of settings, one `NAME=value` a line, for those who keep them out of the environment."""

import io
import os
import stat
from pathlib import Path

from dotenv.parser import parse_stream

from filewallball.settings.loading import ConfigError, announce


def read_env_file(path: Path) -> None:
    """Set each variable of the file that the environment leaves out.

    Raises ConfigError if it cannot be read, has a line that is no setting, or is not safe: whoever may write it
    decides who is an administrator, so it must belong to this user or root, and nobody else may write to it. A setting
    that was passed over would leave its default in force, which may allow more.
    """
    try:
        with path.open("rb") as file:
            _check_owner(path, os.fstat(file.fileno()))
            text = file.read().decode("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise ConfigError([f"{path}: {getattr(error, 'strerror', None) or 'is not UTF-8'}"]) from error
    values, faults = _parse(text)
    if faults:
        raise ConfigError([f"{path}: {fault}" for fault in faults])
    announce(values, replacing=False)


def _parse(text: str) -> tuple[dict[str, str], list[str]]:
    """The settings of a file, and what is wrong with its lines; a name that stands there twice has its last value."""
    values, faults = {}, []
    if "\0" in text:
        return {}, ["it has a NUL byte"]
    for binding in parse_stream(io.StringIO(text)):
        name, line = binding.key, binding.original.line
        if binding.error or (name is not None and not name.isidentifier()):
            faults.append(f"line {line} is no setting; write NAME=value")
        elif name is not None and binding.value is None:
            faults.append(f"{name} has no value; write {name}=value")
        elif name is not None and binding.value is not None:
            values[name] = binding.value
    return values, faults


def _check_owner(path: Path, found: os.stat_result) -> None:
    if found.st_uid not in (0, os.geteuid()):
        raise ConfigError(
            [f"{path}: it belongs to another user; settings are read from your own files alone"]
        )
    for bit, who, change in ((stat.S_IWOTH, "anybody", "o-w"), (stat.S_IWGRP, "its group", "g-w")):
        if found.st_mode & bit:
            raise ConfigError([f"{path}: {who} may write to it; chmod {change} it"])
