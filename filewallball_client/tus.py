"""A resumable upload (tus 1.0.0): broken connections, a dead service and Ctrl-C cost the bytes on their way at most."""

import base64
from collections.abc import Mapping

import httpx

from filewallball_client.connection import GONE, Connection
from filewallball_client.errors import Refused, Unreachable
from filewallball_client.plain_upload import media_type
from filewallball_client.retries import Patience
from filewallball_client.sources import Sent, Source
from filewallball_client.state import Remembered

VERSION = "1.0.0"
FILE_ID = "X-File-Id"
"""The header by which the service names the file that an upload has become."""
_HEADERS = {"Tus-Resumable": VERSION}
_BYTES = {"Content-Type": "application/offset+octet-stream"}
_CONFLICT = 409
_TOO_LATE = frozenset({"upload_expired", "not_found"})
"""Of an upload that ended because nothing came for too long, as from a laptop that slept."""


def is_spoken(connection: Connection) -> bool:
    """True if the service takes resumable uploads; releases before them know nothing at this address."""
    try:
        answer = connection.ask("OPTIONS", "/uploads")
    except Refused as error:
        if error.problem.status >= 500:
            raise
        return False
    versions = answer.headers.get("Tus-Version", "").split(",")
    return VERSION in (version.strip() for version in versions)


class ResumableUpload:
    """One file on its way; what the service has of it is asked of the service, never remembered."""

    def __init__(
        self,
        connection: Connection,
        source: Source,
        options: Mapping[str, str],
        remembered: Remembered,
        sent: Sent,
    ) -> None:
        self._connection = connection
        self._source = source
        self._options = options
        self._remembered = remembered
        self._sent = sent
        self._patience: Patience = connection.patience()
        self._offset = -1

    def run(self) -> httpx.Response:
        """Send what is missing, and return the answer that names the file. Raises Refused and Unreachable."""
        answer = self._begin()
        try:
            return self._go_on(answer)
        except Refused as error:
            if error.problem.status not in GONE:
                raise
            reason = self._reason(error)
        if reason.problem.code not in _TOO_LATE:
            raise reason
        self._connection.notify(f"{reason}; beginning anew")
        self._remembered.renew()
        self._offset = -1
        return self._go_on(self._create())

    def _go_on(self, answer: httpx.Response) -> httpx.Response:
        while self._offset < self._source.size:
            answer = self._continue()
        return answer

    def _reason(self, error: Refused) -> Refused:
        """Why an upload is over: the answer to HEAD has no words, that to an empty part has."""
        if error.problem.code:
            return error
        try:
            self._connection.ask(
                "PATCH", self._path, patience=self._patience, headers=self._part_headers(0), content=b""
            )
        except Refused as told:
            return told
        return error

    def _begin(self) -> httpx.Response:
        if self._remembered.upload.upload_id:
            try:
                return self._ask_offset()
            except Refused as error:
                if error.problem.status not in GONE:
                    raise
                self._remembered.renew()
        return self._create()

    def _create(self) -> httpx.Response:
        headers = {
            **_HEADERS,
            "Upload-Length": str(self._source.size),
            "Upload-Metadata": self._metadata(),
            "Idempotency-Key": self._remembered.upload.key,
        }
        answer = self._connection.ask("POST", "/uploads", patience=self._patience, headers=headers)
        self._remembered.upload.upload_id = _upload_id(answer)
        self._remembered.save()
        return self._ask_offset()  # a repeated creation may find bytes there

    def _metadata(self) -> str:
        values = {
            "filename": self._source.utf8_name,
            "filetype": media_type(self._source.name).encode(),
            "sha256": self._remembered.upload.sha256.encode(),
            **{name: value.encode() for name, value in self._options.items()},
        }
        return ",".join(f"{name} {base64.b64encode(value).decode()}" for name, value in values.items())

    def _continue(self) -> httpx.Response:
        """Send all that is missing; after whatever ends that early, ask how much arrived."""
        headers = self._part_headers(self._source.size - self._offset)
        before = self._offset
        try:
            body = self._source.blocks(self._offset, self._taken)
            answer = self._connection.send("PATCH", self._path, headers=headers, content=body)
            self._moved(answer)
        except Refused as error:
            if error.problem.status != _CONFLICT:
                self._connection.wait(self._patience, error)
            answer = self._ask_offset()
        except httpx.TransportError as error:
            self._connection.wait(self._patience, error)
            return self._ask_offset()
        if self._offset <= before:
            self._connection.pause(self._patience, "The service takes nothing at the moment")
        return answer

    def _part_headers(self, length: int) -> dict[str, str]:
        return {**_HEADERS, **_BYTES, "Upload-Offset": str(self._offset), "Content-Length": str(length)}

    def _taken(self, position: int) -> None:
        """The network has taken the bytes up to there."""
        self._sent(position)
        self._patience.moving()

    def _ask_offset(self) -> httpx.Response:
        answer = self._connection.ask("HEAD", self._path, patience=self._patience, headers=_HEADERS)
        self._moved(answer)
        return answer

    def _moved(self, answer: httpx.Response) -> None:
        value = answer.headers.get("Upload-Offset", "")
        if not (value.isascii() and value.isdigit()) or int(value[:19]) > self._source.size:
            raise Unreachable("The answer is not that of a resumable upload.")
        before, self._offset = self._offset, int(value)
        self._sent(self._offset)
        if self._offset > before:
            self._patience.progressed()

    @property
    def _path(self) -> str:
        return f"/uploads/{self._remembered.upload.upload_id}"


def _upload_id(answer: httpx.Response) -> str:
    """The last part of the address in Location; of its host nothing is taken, for the token goes to no other."""
    upload_id = httpx.URL(answer.headers.get("Location", "")).path.rstrip("/").rpartition("/")[2]
    if not upload_id or not upload_id.replace("-", "").replace("_", "").isalnum():
        raise Unreachable("The answer is not that of a resumable upload.")
    return upload_id
