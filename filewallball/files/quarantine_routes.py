"""The quarantine's routes and commands."""

from typing import Any

import click
from flask import Flask
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from filewallball import permissions
from filewallball.access.admission import current_operation, recorded
from filewallball.clock import now_us
from filewallball.commands import table, with_app
from filewallball.database.connections import Database
from filewallball.files.quarantine import list_quarantined, purge, release
from filewallball.recording.caller import SYSTEM
from filewallball.recording.operations import Ledger, operation
from filewallball.registry import part
from filewallball.web.api import Blueprint
from filewallball.web.schemas import TimeField

_DAY_US = 86_400_000_000
_MOST = 100_000
_SHOWN = (
    "file_id",
    "upload_us",
    "file_size",
    "mime_type",
    "claimed_type",
    "suspicion",
    "client_ip",
    "filename",
)
blueprint = Blueprint(
    "quarantine",
    __name__,
    url_prefix="/api/v1/quarantine",
    description="Suspicious files, kept but not served",
)


class QuarantineQuerySchema(Schema):
    """Which part of the list."""

    page = fields.Integer(load_default=1, validate=validate.Range(min=1, max=10_000))
    size = fields.Integer(load_default=100, validate=validate.Range(min=1, max=500))


class QuarantinedFileSchema(Schema):
    """A file in quarantine and why it is there."""

    file_id = fields.String()
    filename = fields.String()
    file_size = fields.Integer()
    mime_type = fields.String()
    claimed_type = fields.String()
    file_hash = fields.String()
    reasons = fields.Function(
        lambda row: row.suspicion.split(","), metadata={"type": "array", "items": {"type": "string"}}
    )
    owner_id = fields.Integer()
    client_ip = fields.String()
    upload_time = TimeField(attribute="upload_us", metadata={"type": "string", "format": "date-time"})


class QuarantineSchema(Schema):
    """Files in quarantine, newest first."""

    files = fields.List(fields.Nested(QuarantinedFileSchema))


@blueprint.route("")
class Quarantine(MethodView):
    init_every_request = False

    @recorded("file:list", permissions.QUARANTINE)
    @blueprint.arguments(QuarantineQuerySchema, location="query")
    @blueprint.response(200, QuarantineSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List the files in quarantine."""
        return {"files": list_quarantined(part(Database), **query)}


@blueprint.route("/<file_id>")
class QuarantinedItem(MethodView):
    init_every_request = False

    @recorded("file:delete", permissions.QUARANTINE)
    @blueprint.response(204)
    def delete(self, file_id: str) -> None:
        """Purge a file from quarantine."""
        purge(current_operation(), file_id)


@blueprint.route("/<file_id>/release")
class Release(MethodView):
    init_every_request = False

    @recorded("file:release", permissions.QUARANTINE)
    @blueprint.response(204)
    def post(self, file_id: str) -> None:
        """Serve a file after all."""
        release(current_operation(), file_id)


@click.group()
def quarantine() -> None:
    """Suspicious files, kept but not served."""


@quarantine.command("list")
@with_app
def list_command(app: Flask) -> None:
    """List the files in quarantine and why they are there."""
    table(list_quarantined(part(Database, app), page=1, size=_MOST), _SHOWN)


@quarantine.command("release")
@click.argument("file_ids", nargs=-1, required=True)
@with_app
def release_command(app: Flask, file_ids: tuple[str, ...]) -> None:
    """Serve these files after all."""
    for file_id in file_ids:
        with operation(part(Ledger, app), "file:release", SYSTEM, resource_id=file_id) as op:
            release(op, file_id)
        click.echo(f"{file_id} is served again")


@quarantine.command("purge")
@click.argument("file_ids", nargs=-1)
@click.option("--older-than", "days", type=click.IntRange(min=0), help="All that arrived so many days ago.")
@with_app
def purge_command(app: Flask, file_ids: tuple[str, ...], days: int | None) -> None:
    """Delete these files for ever, or all older ones."""
    if not file_ids and days is None:
        raise click.UsageError("Say which files go: their ids, --older-than, or both.")
    chosen = list(file_ids)
    if days is not None:
        before = now_us() - days * _DAY_US
        old = list_quarantined(part(Database, app), page=1, size=_MOST, before_us=before)
        chosen += [row.file_id for row in old]
    for file_id in chosen:
        with operation(part(Ledger, app), "file:delete", SYSTEM, resource_id=file_id) as op:
            purge(op, file_id)
        click.echo(f"{file_id} is deleted")
