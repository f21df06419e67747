"""The routes of resumable uploads: tus 1.0.0 under `/uploads`, and the list of what is unfinished."""

import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from flask import Response, request
from flask.views import MethodView
from werkzeug.http import http_date

from filewallball import errors, permissions
from filewallball.access.admission import current_operation, recorded
from filewallball.access.continuing import Sender, recorded_if_refused
from filewallball.database.connections import Database
from filewallball.errors import TUS_VERSION
from filewallball.files.incoming import Body
from filewallball.files.resumable.creation import Announced
from filewallball.files.resumable.ending import Request, is_final
from filewallball.files.resumable.keyed_creation import KeyedCreation
from filewallball.files.resumable.listing import list_unfinished
from filewallball.files.resumable.metadata import read_metadata
from filewallball.files.resumable.progress import Upload
from filewallball.files.resumable.protocol import (
    METHODS,
    announced_length,
    checksum_of,
    concat_of,
    description,
    length_of,
    offset_of,
    require_body_type,
    require_version,
)
from filewallball.files.resumable.receiving import Part
from filewallball.files.resumable.schemas import UnfinishedUploadsSchema, UploadListQuerySchema
from filewallball.files.resumable.sent import Reached, Sent
from filewallball.files.resumable.service import ResumableUploads
from filewallball.idempotency.keys import HEADER as IDEMPOTENCY_HEADER
from filewallball.registry import part
from filewallball.settings.service import Settings
from filewallball.web.api import Blueprint
from filewallball.web.exchange import current_exchange
from filewallball.web.openapi import IDEMPOTENCY_KEY
from filewallball.web.parameters import refuse_any
from filewallball.web.request_body import ArrivingBody, body_of_any_length
from filewallball.web.request_headers import refuse_unheeded_in_part

_ROOT = "/uploads"
_NOT_FINAL = ("Upload-Length", "Upload-Defer-Length")
blueprint = Blueprint(
    "uploads", __name__, description="Resumable uploads (tus 1.0.0); see https://tus.io/protocols"
)


@blueprint.route(_ROOT, strict_slashes=False)
class UploadCreation(MethodView):
    init_every_request = False

    @recorded("upload:create", permissions.UPLOAD)
    @blueprint.doc(parameters=[IDEMPOTENCY_KEY])
    @blueprint.response(201, description="Created; Location is where to send the bytes")
    def post(self) -> Response:
        """Begin an upload (creation, creation-with-upload, creation-defer-length, concatenation)."""
        require_version(request.headers)
        concat, metadata = (
            concat_of(request.headers),
            read_metadata(request.headers.get("Upload-Metadata", "")),
        )
        op, service = current_operation(), part(ResumableUploads)
        has_body = bool(request.content_length) or "HTTP_TRANSFER_ENCODING" in request.environ
        if concat is not None and concat.is_final:
            if has_body or any(name in request.headers for name in _NOT_FINAL):
                raise errors.BadRequest("A concatenation has the length and the bytes of its parts.")
            reached = service.concatenate(op, Announced(None, metadata, concat), _request(op.caller))
            return _created(reached.upload, reached)
        checksum = checksum_of(request.headers)
        if has_body:
            require_body_type(request.headers)
        announced = Announced(announced_length(request.headers), metadata, concat)
        key = request.headers.get(IDEMPOTENCY_HEADER)
        if key is not None:
            begun = part(KeyedCreation).create(op, key, announced)
            upload = service.look(begun.upload_id, Sender(op.caller, None), _request(op.caller))
            if begun.is_replayed and not (
                upload.is_receiving and upload.length == 0
            ):  # that has no other request
                return _replayed(upload, begun.delete_token)
            ending = replace(_request(op.caller), also=begun.keep_token)
        else:
            upload, ending = service.create(op, announced), _request(op.caller)
        if not has_body and upload.length != 0:
            return _created(upload, None)
        sent = Sent(0, Part(_body(), request.content_length or (None if has_body else 0), checksum))
        return _created(upload, _first(upload, sent, ending))


@blueprint.route(f"{_ROOT}/<upload_id>")
class UploadItem(MethodView):
    init_every_request = False

    @recorded_if_refused("upload:check", permissions.UPLOAD, checks=False)
    @blueprint.response(200, description="Upload-Offset tells where to go on")
    def head(self, upload_id: str, sender: Sender) -> Response:
        """Show how many bytes of an upload are stored."""
        require_version(request.headers)
        refuse_any(request.args, takes_json=False)
        upload = part(ResumableUploads).look(upload_id, sender, _request(sender.caller))
        headers = _standing(upload)
        if upload.is_final and not upload.is_done:
            del headers["Upload-Offset"]
        return _empty(200, headers)

    @recorded_if_refused("upload:append", permissions.UPLOAD)
    @blueprint.response(204, description="Upload-Offset tells where to go on")
    def patch(self, upload_id: str, sender: Sender) -> Response:
        """Add the bytes of the body (core, checksum, creation-defer-length)."""
        require_version(request.headers)
        refuse_any(request.args, takes_json=False)
        require_body_type(request.headers)
        refuse_unheeded_in_part(request.method, request.headers)
        incoming = Part(_body(), request.content_length, checksum_of(request.headers))
        sent = Sent(offset_of(request.headers), incoming, length_of(request.headers))
        reached = part(ResumableUploads).append(
            upload_id, sent, sender, _request(sender.caller), _interrupt()
        )
        return _empty(204, {**_expiry(reached), **_reached(reached)})

    @recorded("upload:terminate", permissions.UPLOAD)
    @blueprint.response(204)
    def delete(self, upload_id: str) -> Response:
        """Give an upload up (termination)."""
        require_version(request.headers)
        part(ResumableUploads).terminate(current_operation(), upload_id)
        return _empty(204)


@blueprint.route("/api/v1/uploads")
class UnfinishedUploads(MethodView):
    init_every_request = False

    @recorded("upload:list", permissions.UPLOAD)
    @blueprint.arguments(UploadListQuerySchema, location="query")
    @blueprint.response(200, UnfinishedUploadsSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List your unfinished uploads, newest first; an administrator's list has everybody's."""
        service = part(ResumableUploads)
        found = list_unfinished(part(Database), current_operation().caller, **query)
        return {"uploads": [service.shown(upload) for upload in found.rows], **found.place()}


@blueprint.route("/api/v1/uploads/<upload_id>")
class UnfinishedUpload(MethodView):
    init_every_request = False

    @recorded("upload:terminate", permissions.UPLOAD)
    @blueprint.response(204)
    def delete(self, upload_id: str) -> None:
        """Give up one of your uploads; an administrator may give up anybody's."""
        part(ResumableUploads).terminate(current_operation(), upload_id)


@blueprint.after_app_request
def complete(response: Response) -> Response:
    """Say what is spoken here, on every answer of these routes and whatever became of the request."""
    if _ROOT not in current_exchange().environ["PATH_INFO"]:  # nearly always
        return response
    path = request.path
    if path != _ROOT and not path.startswith(f"{_ROOT}/"):
        return response
    if request.method == "OPTIONS":
        response.headers.update(description(part(Settings).max_upload_size))
        if "Access-Control-Allow-Methods" in response.headers:
            response.headers["Access-Control-Allow-Methods"] = METHODS
    else:
        response.headers["Tus-Resumable"] = TUS_VERSION
    return response


def _empty(status: int, headers: Mapping[str, str] | None = None) -> Response:
    response = Response(status=status, headers=dict(headers or {}))
    del response.headers["Content-Type"]
    return response


def _first(upload: Upload, sent: Sent, ending: Request) -> Reached | None:
    """Take in the bytes that a creation brought. Where they can be sent again, the upload stands without them.

    Where the client went away, it never learns the address, unless it asks again under a key: the upload is given up.
    """
    op, service = current_operation(), part(ResumableUploads)
    sender = Sender(op.caller, None)
    try:
        return service.append(upload.upload_id, sent, sender, ending, _interrupt())
    except errors.ApiError as error:
        is_lost = isinstance(error, errors.NetworkError) and IDEMPOTENCY_HEADER not in request.headers
        if is_final(error) or upload.length == 0 or is_lost:
            with suppress(Exception):  # what it could not become it is no more
                service.give_up(upload.upload_id, sender, ending)
            raise
        kept = service.look(upload.upload_id, sender, ending)
        return Reached(kept, kept.received)


def _created(upload: Upload, reached: Reached | None) -> Response:
    base = part(Settings).public_url
    headers = {"Location": f"{base}{_ROOT}/{upload.upload_id}"}
    if reached is not None:
        headers |= _reached(reached)
    return _empty(201, {**headers, **_expiry(reached or Reached(upload, 0))})


def _replayed(upload: Upload, delete_token: str) -> Response:
    """The answer to a creation that is repeated: nothing that it brings is read, `Upload-Offset` says what is kept."""
    response = _created(upload, Reached(upload, upload.received))
    if delete_token:
        response.headers["X-Delete-Token"] = delete_token
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _reached(reached: Reached) -> dict[str, str]:
    headers = {"Upload-Offset": str(reached.offset), **_file(reached.upload)}
    file = reached.file
    if file is not None:
        headers |= _file_headers(file.file_id)
        if file.delete_token:
            headers["X-Delete-Token"] = file.delete_token
    return headers


def _standing(upload: Upload) -> dict[str, str]:
    """All that HEAD tells."""
    headers = {"Upload-Offset": str(upload.received), "Cache-Control": "no-store", **_file(upload)}
    if upload.length is None:
        headers["Upload-Defer-Length"] = "1"
    else:
        headers["Upload-Length"] = str(upload.length)
    for name, value in (("Upload-Metadata", upload.metadata), ("Upload-Concat", upload.concat)):
        if value:
            headers[name] = value
    return headers | _expiry(Reached(upload, upload.received))


def _expiry(reached: Reached) -> dict[str, str]:
    if reached.file is not None or not reached.upload.is_receiving:
        return {}
    return {"Upload-Expires": http_date(part(ResumableUploads).expires_us(reached.upload) / 1e6)}


def _file(upload: Upload) -> dict[str, str]:
    return _file_headers(upload.file_id) if upload.file_id else {}


def _file_headers(file_id: str) -> dict[str, str]:
    return {"X-File-Id": file_id, "X-File-Url": f"{part(Settings).public_url}/files/{file_id}"}


def _request(caller: Any) -> Request:
    rule = request.url_rule
    return Request(caller, rule.rule if rule else "", current_exchange())


def _body() -> Body:
    return ArrivingBody(body_of_any_length())


def _interrupt() -> Callable[[], object]:
    """Ends the wait for more of the body of the present request."""
    connection: socket.socket | None = request.environ.get("gunicorn.socket")

    def wake() -> None:
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)

    return wake
