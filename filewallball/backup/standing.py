"""When this host last took a backup, for health."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from filewallball.backup.manifest import Manifest
from filewallball.clock import now_us, rfc3339
from filewallball.errors import Unavailable

_NAME = "last-backup.json"


def note_backup(data_dir: Path, manifest: Manifest, folder: Path) -> None:
    """Remember that a backup was taken."""
    temporary = data_dir / f"{_NAME}.new"
    about = {"id": manifest.backup_id, "created_us": manifest.created_us, "folder": str(folder)}
    temporary.write_bytes(orjson.dumps(about))
    temporary.replace(data_dir / _NAME)


def backup_probe(data_dir: Path, max_age: timedelta) -> Callable[[], Mapping[str, Any]]:
    """Is the last backup young enough? Raises Unavailable where there is none."""

    def probe() -> Mapping[str, Any]:
        try:
            about = orjson.loads((data_dir / _NAME).read_bytes())
        except (OSError, ValueError) as error:
            raise Unavailable("There is no backup yet.") from error
        age = timedelta(microseconds=now_us() - about["created_us"])
        hours = int(age.total_seconds() // 3600)
        problem = f"the last backup is {hours} hours old" if age > max_age else ""
        return {"problem": problem, "last_backup": rfc3339(about["created_us"]), "age": f"{hours}h"}

    return probe
