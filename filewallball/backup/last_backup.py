"""The time of this host's last backup, for the health check."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from filewallball.backup.manifest import Manifest
from filewallball.clock import now_us, rfc3339
from filewallball.errors import Unavailable
from filewallball.filesystem import replace_file

_NAME = "last-backup.json"


def note_backup(data_dir: Path, manifest: Manifest, folder: Path) -> None:
    """Remember that a backup was taken."""
    about = {"id": manifest.backup_id, "created_us": manifest.created_us, "folder": str(folder)}
    replace_file(data_dir / _NAME, orjson.dumps(about), durable=True)


def last_backup_us(data_dir: Path) -> int:
    """The time of the last backup; 0 for never."""
    try:
        return int(orjson.loads((data_dir / _NAME).read_bytes())["created_us"])
    except (OSError, ValueError, KeyError):
        return 0


def backup_probe(data_dir: Path, max_age: timedelta) -> Callable[[], Mapping[str, Any]]:
    """Make the probe for the age of the last backup; it raises Unavailable where there is none."""

    def probe() -> Mapping[str, Any]:
        taken_us = last_backup_us(data_dir)
        if not taken_us:
            raise Unavailable("There is no backup yet.")
        age = timedelta(microseconds=now_us() - taken_us)
        hours = int(age.total_seconds() // 3600)
        problem = f"the last backup is {hours} hours old" if age > max_age else ""
        return {"problem": problem, "last_backup": rfc3339(taken_us), "age": f"{hours}h"}

    return probe
