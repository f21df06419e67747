"""The file routes: validate, call the service, serialise."""

from typing import Any

from flask import Response, request
from flask.views import MethodView
from marshmallow import EXCLUDE
from sqlalchemy import Row

from filewallball import errors, permissions
from filewallball.access.admission import current_operation, recorded
from filewallball.database.connections import Database
from filewallball.files.changes import Changes, FileChange, version_of
from filewallball.files.delivery import Content
from filewallball.files.fetch import Downloads
from filewallball.files.incoming import UploadRequest, receive_body, receive_form
from filewallball.files.keyed_upload import Answer, KeyedUploads, Receive
from filewallball.files.queries import FileFilter, list_files
from filewallball.files.removal import Removals
from filewallball.files.schemas import (
    DescribedSchema,
    FileChangeSchema,
    FileListSchema,
    ListQuerySchema,
    ThumbnailQuerySchema,
    UploadedSchema,
    UploadOptionsSchema,
)
from filewallball.files.sending import send_file, send_thumbnail
from filewallball.files.stored import StoredFile, location_of
from filewallball.files.upload import Uploads
from filewallball.idempotency.keys import HEADER
from filewallball.recording.operations import Operation
from filewallball.recording.steps import STAGE, entered_in
from filewallball.registry import part
from filewallball.settings.service import Settings
from filewallball.storage.local import LocalStore
from filewallball.web.api import Blueprint, DirectView
from filewallball.web.exchange import current_request
from filewallball.web.finished import Dumper, json_response
from filewallball.web.openapi import (
    ETAG,
    FORM_BODY,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    LOCATION,
    RAW_BODY,
    REPLAYED,
    binary_answer,
)
from filewallball.web.paging import Page
from filewallball.web.request_body import ArrivingBody, body_of_any_length

_FORM = "multipart/form-data"
_UPLOADED = Dumper(UploadedSchema())
blueprint = Blueprint("files", __name__, description="Upload, list, describe, fetch and delete files")


@blueprint.route("/upload", strict_slashes=False)
class Upload(DirectView):
    @recorded("file:upload", permissions.UPLOAD)
    @blueprint.doc(requestBody=FORM_BODY, parameters=[IDEMPOTENCY_KEY])
    @blueprint.arguments(UploadOptionsSchema, location="query")
    @blueprint.response(201, UploadedSchema, headers=LOCATION | REPLAYED)
    def post(self, options: dict[str, Any]) -> Response:
        """Upload one file as multipart/form-data: the part `file`, options as further fields or in the query."""
        op, store = current_operation(), part(LocalStore)
        return _uploaded(op, options, lambda body: receive_form(store, body, _boundary(), op.note))


@blueprint.route("/upload/<filename>")
class RawUpload(DirectView):
    @recorded("file:upload", permissions.UPLOAD)
    @blueprint.doc(requestBody=RAW_BODY, parameters=[IDEMPOTENCY_KEY])
    @blueprint.arguments(UploadOptionsSchema, location="query")
    @blueprint.response(201, UploadedSchema, headers=LOCATION | REPLAYED)
    def put(self, options: dict[str, Any], filename: str) -> Response:
        """Upload the request's body as one file (`curl -T`); options as query parameters."""
        if request.mimetype == _FORM:
            raise errors.UnsupportedMediaType(
                "Send the bytes of the file alone, or POST the form to /upload."
            )
        op, store = current_operation(), part(LocalStore)
        return _uploaded(op, options, lambda body: receive_body(store, body, filename, op.note))


@blueprint.route("/files")
class FileList(MethodView):
    init_every_request = False

    @recorded("file:list", permissions.LIST)
    @blueprint.arguments(ListQuerySchema, location="query")
    @blueprint.response(200, FileListSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List public files and your own, newest first or as `sort` says."""
        place = {name: query.pop(name) for name in ("page", "size", "cursor", "sort")}
        return _shown(list_files(part(Database), current_operation().caller, FileFilter(**query), **place))


@blueprint.route("/files/<file_id>")
class FileItem(MethodView):
    init_every_request = False

    @recorded("file:describe", permissions.FETCH)
    @blueprint.response(200, DescribedSchema, headers=ETAG)
    def get(self, file_id: str) -> tuple[StoredFile, dict[str, str]]:
        """Describe a file."""
        return _described(part(Downloads).describe(current_operation(), file_id))

    @recorded("file:update", permissions.UPDATE, reads_if_match=True)
    @blueprint.doc(parameters=[IF_MATCH])
    @blueprint.arguments(FileChangeSchema)
    @blueprint.response(200, DescribedSchema, headers=ETAG)
    def patch(self, change: FileChange, file_id: str) -> tuple[StoredFile, dict[str, str]]:
        """Change a file's name, description, visibility or expiry: its owner or an administrator; the bytes stay."""
        is_any = "If-Match" not in request.headers or request.if_match.star_tag
        versions = None if is_any else request.if_match.as_set()
        op = current_operation()
        changed = part(Changes).change(op, file_id, change, versions)
        return _described(part(Downloads).described(op, changed))

    @recorded("file:delete", permissions.DELETE)
    @blueprint.doc(parameters=[{"in": "header", "name": "X-Delete-Token", "schema": {"type": "string"}}])
    @blueprint.response(204)
    def delete(self, file_id: str) -> None:
        """Delete a file: its owner, an administrator, or whoever holds its delete token."""
        part(Removals).delete(current_operation(), file_id, request.headers.get("X-Delete-Token", ""))


@blueprint.route("/download/<file_id>")
class Download(DirectView):
    @recorded("file:download", permissions.FETCH)
    @blueprint.doc(responses=binary_answer())
    def get(self, file_id: str) -> Response:
        """Send a file as an attachment; ranges and conditions as in RFC 9110."""
        return send_file(_found(file_id), "attachment")


@blueprint.route("/view/<file_id>")
class View(DirectView):
    @recorded("file:view", permissions.FETCH)
    @blueprint.doc(responses=binary_answer())
    def get(self, file_id: str) -> Response:
        """Show raster images, plain text and PDF inline, sandboxed; everything else is an attachment."""
        return send_file(_found(file_id), "inline")


@blueprint.route("/thumbnail/<file_id>")
class Thumbnail(MethodView):
    init_every_request = False

    @recorded("file:thumbnail", permissions.FETCH)
    @blueprint.doc(responses=binary_answer())
    @blueprint.arguments(ThumbnailQuerySchema, location="query", unknown=EXCLUDE)
    def get(self, query: dict[str, Any], file_id: str) -> Response:
        """Send a small picture of a JPEG, PNG, GIF or WebP image: upright, without metadata."""
        return send_thumbnail(_found(file_id), query["size"])


def _found(file_id: str) -> Content:
    return part(Downloads).fetch(current_operation(), file_id)


def _described(file: StoredFile) -> tuple[StoredFile, dict[str, str]]:
    return file, {"ETag": f'"{version_of(file)}"'}


def _uploaded(op: Operation, options: dict[str, Any], receive: Receive) -> Response:
    receive = _as_step(op, receive)
    key = current_request().headers.get(HEADER)
    if key is not None:
        return _once(part(KeyedUploads).store(op, key, _upload(options), receive, _UPLOADED.dumps))
    uploads = part(Uploads)
    uploads.check_quota(op)
    with receive(_upload(options)) as incoming:
        file = uploads.store(op, incoming)
    return json_response(201, _UPLOADED.dumps(file), [("Location", file.location)])


def _as_step(op: Operation, receive: Receive) -> Receive:
    """Receiving a body, as a step of the operation."""
    return lambda body: entered_in(op.step(STAGE), receive(body))


def _once(answer: Answer) -> Response:
    headers = [("Location", location_of(part(Settings).public_url, answer.file_id))]
    if answer.is_replayed:
        headers.append(("Idempotency-Replayed", "true"))
    return json_response(201, answer.body, headers)


def _upload(options: dict[str, Any]) -> UploadRequest:
    request = current_request()
    return UploadRequest(
        stream=ArrivingBody(body_of_any_length()),
        headers=request.headers,
        options=options,
        length=request.content_length,
        max_bytes=part(Settings).max_upload_size,
    )


def _boundary() -> str:
    request = current_request()
    if request.mimetype != _FORM:
        raise errors.UnsupportedMediaType(
            f"Send {_FORM} with a part named `file`, or PUT the bytes to /upload/{{filename}}."
        )
    return request.mimetype_params.get("boundary", "")


def _shown(page: Page[Row[Any]]) -> dict[str, Any]:
    rows = part(Downloads).listed(current_operation().caller, page.rows)
    return {"files": rows, **page.place()}
