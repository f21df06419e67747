"""Secrets that live in files of their own: made once, readable by the service's user alone."""

import os
from collections.abc import Callable
from pathlib import Path


def kept_secret(path: Path, make: Callable[[], str]) -> str:
    """The secret in `path`; a new one from `make` where there is none. Two that start together agree on one."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        _publish(path, make())
        return path.read_text().strip()


def _publish(path: Path, secret: str) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "w") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        return
    finally:
        temporary.unlink()
