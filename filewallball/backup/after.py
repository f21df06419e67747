"""The command that is run after a backup (BACKUP_AFTER), such as one that copies it to another host."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from filewallball.settings.loading import environment_without_secrets

TOLD = ("FILEWALLBALL_BACKUP_FOLDER", "FILEWALLBALL_BACKUP_ID")


def run_after(command: Sequence[str], folder: Path, backup_id: str) -> str:
    """Run `command`, never through a shell; returns what went wrong, or nothing.

    It learns the folder and the backup from its environment, which does not hold the secrets of the service. What it
    prints goes to the standard error.
    """
    about = dict(zip(TOLD, (str(folder.resolve()), backup_id), strict=True))
    try:
        done = subprocess.run(
            command,
            env=environment_without_secrets() | about,
            stdin=subprocess.DEVNULL,
            stdout=2,
            check=False,
        )
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    if done.returncode < 0:
        return f"{command[0]} was ended by signal {-done.returncode}"
    return f"{command[0]} ended with exit code {done.returncode}" if done.returncode else ""
