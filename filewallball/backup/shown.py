"""How commands take and show backups."""

import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import click

from filewallball.backup.manifest import Manifest
from filewallball.clock import rfc3339
from filewallball.commands.paths import Folder

FOLDER = click.argument("folder", type=Folder())


def in_words(manifest: Manifest) -> str:
    """A backup in one line."""
    return (
        f"{manifest.backup_id}  {rfc3339(manifest.created_us)}  {manifest.blob_count} blobs, "
        f"{manifest.blob_bytes} bytes, {sum(manifest.rows.values())} rows"
    )


def restored_in_words(manifest: Manifest, kept_revoked: Mapping[str, int]) -> list[str]:
    """What came back, what stays revoked though the backup has it in use, and what may have to be revoked anew."""
    return [
        f"restored: {in_words(manifest)}",
        *(
            f"{name}: {count:,} stay revoked that the backup has in use"
            for name, count in kept_revoked.items()
        ),
        f"What was revoked after {rfc3339(manifest.created_us)} and not known here works again: revoke it anew.",
    ]


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
