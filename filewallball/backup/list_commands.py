"""`filewallball backup list`: it reads manifests, and needs nothing of the service."""

import sys
from pathlib import Path
from typing import Any

import click

from filewallball.backup.manifest import BackupBroken, backup_ids, read_manifest
from filewallball.backup.shown import FOLDER, as_object, fail, in_words
from filewallball.commands import plain_failures
from filewallball.commands.output import answer, json_option, short_time, show_table

_TITLES = ("backup_id", "created", "blobs", "bytes", "rows", "problem")


@click.command("list")
@FOLDER
@json_option
@plain_failures
def list_command(folder: Path, as_json: bool) -> None:
    """List the complete backups in FOLDER, oldest first."""
    if not folder.is_dir():
        fail([f"there is no folder {folder}"])
    found = [_read(folder, backup_id) for backup_id in backup_ids(folder)]
    if not as_json and sys.stdout.isatty():
        show_table(_TITLES, [[_cell(title, shown.get(title)) for title in _TITLES] for shown, _ in found])
        return
    answer([shown for shown, _ in found], *(words for _, words in found), as_json=as_json)


def _read(folder: Path, backup_id: str) -> tuple[dict[str, Any], str]:
    """A backup as an object and in words."""
    try:
        manifest = read_manifest(folder, backup_id)
    except BackupBroken as error:
        return {"backup_id": backup_id, "problem": str(error)}, f"{error} (broken)"
    return {**as_object(manifest), "problem": None}, in_words(manifest)


def _cell(title: str, value: Any) -> str:
    if value is None:
        return "-"
    return short_time(value) if title == "created" else str(value)
