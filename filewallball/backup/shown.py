"""How commands take and show backups."""

import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from filewallball.backup.manifest import Manifest
from filewallball.clock import rfc3339

FOLDER = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))


def in_words(manifest: Manifest) -> str:
    """A backup in one line."""
    return (
        f"{manifest.backup_id}  {rfc3339(manifest.created_us)}  {manifest.blob_count} blobs, "
        f"{manifest.blob_bytes} bytes, {sum(manifest.rows.values())} rows"
    )


def as_object(manifest: Manifest) -> dict[str, Any]:
    """A backup as JSON has it."""
    return {
        "backup_id": manifest.backup_id,
        "created": rfc3339(manifest.created_us),
        "version": manifest.version,
        "blobs": manifest.blob_count,
        "bytes": manifest.blob_bytes,
        "rows": sum(manifest.rows.values()),
        "damaged": manifest.damaged,
    }


def fail(messages: list[str]) -> NoReturn:
    """End the command with status 1, and say why."""
    for message in messages:
        click.echo(f"filewallball: {message}", err=True)
    sys.exit(1)
