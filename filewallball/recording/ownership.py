"""The owner of the journal: a single file in it that the service cannot read would stop all shipping."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from filewallball.recording.caller import user_name


def other_owner(folder: Path) -> str | None:
    """The user that the folder belongs to, if what this process makes there belongs to somebody else."""
    with suppress(OSError):  # not there yet, or not to be written to: whoever needs it says so
        with tempfile.TemporaryFile(dir=folder) as file:
            mine = os.fstat(file.fileno()).st_uid
        owner = folder.stat().st_uid
        if owner != mine:
            return user_name(owner)
    return None
