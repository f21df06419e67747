"""The class that programs use: upload, download, list, describe and delete files of one service."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import httpx

from filewallball_client.connection import GONE, Connection, file_path, json_of
from filewallball_client.download import fetch_to_path, fetch_to_stream
from filewallball_client.errors import ClientError, DigestMismatch, Refused, Unreachable
from filewallball_client.plain_upload import put, target
from filewallball_client.records import StoredFile, UploadedFile, page_of
from filewallball_client.settings import checked_token
from filewallball_client.sources import Progress, Sent, Source, ignore, open_source, spooled
from filewallball_client.state import Remembered, State
from filewallball_client.tus import FILE_ID, ResumableUpload, is_spoken

RESUMABLE_BYTES = 8 * 1024 * 1024
"""Files above this are sent by a resumable upload, where the service knows that."""
_LONGEST_TARGET = 3000  # what every server takes as the first line of a request
_PAGE = 200
DELETE_TOKEN = "X-Delete-Token"  # noqa: S105 - a header


class Client:
    """A service at `server`, such as `https://files.example.org`.

    Without a token the caller is anonymous. Unfinished uploads are remembered in `state_folder`, so that a later
    process goes on with them; without a folder they are not. What the service or the network refuses for the moment
    is tried again until nothing has moved for `retry_seconds`; `notify` is told of each wait, in one sentence.
    Raises SettingsError; the methods raise what `filewallball_client.errors` lists.
    """

    def __init__(
        self,
        server: str,
        *,
        token: str = "",
        state_folder: Path | None = None,
        retry_seconds: float = 300,
        notify: Callable[[str], None] = lambda message: None,
    ) -> None:
        self._connection = Connection(server, token, retry_seconds, notify)
        self._state = State(state_folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def upload(
        self,
        file: Path | str | BinaryIO,
        *,
        name: str = "",
        visibility: str = "",
        expires_in: str = "",
        description: str = "",
        progress: Progress | None = None,
        reading: Progress | None = None,
    ) -> UploadedFile:
        """Upload a file, or a stream under a `name`; options that are left out are the service's defaults.

        `expires_in` is written as the service takes it: `12h`, `7d`. The digest is sent along and compared with that
        in the answer. `reading` is told how far it is, then `progress` what was sent.

        Raises Refused, Unreachable, OutcomeUnknown, DigestMismatch, LocalError.
        """
        given = {"visibility": visibility, "expires_in": expires_in, "description": description}
        options = {key: _text(value) for key, value in given.items() if value}
        opened = self._opened(file, name, reading or ignore)
        with opened as source, self._state.unfinished(self._connection, source, options) as remembered:
            uploaded = self._send(source, options, remembered, _bound(progress or ignore, source.size))
            self._compare(uploaded, remembered.upload.sha256)
            return uploaded

    def download(
        self, file_id: str, path: Path | str, *, overwrite: bool = False, progress: Progress | None = None
    ) -> StoredFile:
        """Download a file to `path`; a partial download of it is continued.

        Raises LocalError for a path that exists, unless `overwrite`; Refused, Unreachable, DigestMismatch.
        """
        file = self.describe(file_id)
        received = _bound(progress or ignore, file.file_size)
        fetch_to_path(self._connection, file, Path(path), received, overwrite=overwrite)
        return file

    def read_into(self, file_id: str, target: BinaryIO, *, progress: Progress | None = None) -> StoredFile:
        """Download a file into a stream. Raises DigestMismatch after the bytes were written; Refused, Unreachable."""
        file = self.describe(file_id)
        fetch_to_stream(self._connection, file, target, _bound(progress or ignore, file.file_size))
        return file

    def files(self, *, name: str = "", media_type: str = "") -> Iterator[StoredFile]:
        """Public files and the caller's own, newest first: those with `name` in their name, of `media_type`."""
        filters: dict[str, str | int] = {"size": _PAGE}
        filters |= {
            key: value for key, value in (("name", _text(name)), ("type", _text(media_type))) if value
        }
        cursor: str | None = ""
        while cursor is not None:
            params = {**filters, "cursor": cursor} if cursor else filters
            answer = json_of(self._connection.ask("GET", "/files", params=params))
            found, cursor = page_of(answer, self._connection.base_url)
            yield from found

    def describe(self, file_id: str) -> StoredFile:
        """Describe a file. Raises Refused, Unreachable."""
        answer = self._connection.ask("GET", file_path(file_id))
        return StoredFile.from_answer(json_of(answer), self._connection.base_url)

    def delete(self, file_id: str, *, delete_token: str = "") -> None:
        """Delete a file of one's own, or one of which the delete token is known. Raises Refused, Unreachable."""
        headers = {DELETE_TOKEN: checked_token(delete_token)} if delete_token else {}
        patience, is_answer_lost = self._connection.patience(), False
        while True:
            try:
                self._connection.send("DELETE", file_path(file_id), headers=headers)
                return
            except (Refused, httpx.TransportError) as error:
                if is_answer_lost and isinstance(error, Refused) and error.problem.status in GONE:
                    return  # the try before has done it
                is_answer_lost = is_answer_lost or isinstance(error, httpx.TransportError)
                self._connection.wait(patience, error)

    def keep_delete_token(self, uploaded: UploadedFile) -> bool:
        """Remember the delete token of an anonymous upload. False where nothing can be remembered."""
        return self._state.keep_delete_token(self._connection, uploaded.file_id, uploaded.delete_token or "")

    def delete_token(self, file_id: str) -> str:
        """The remembered delete token, or nothing."""
        return self._state.delete_token(self._connection, file_id)

    def forget_delete_token(self, file_id: str) -> None:
        """Remove a token that is of no use any more."""
        self._state.forget_delete_token(self._connection, file_id)

    @cached_property
    def _is_resumable(self) -> bool:
        return is_spoken(self._connection)

    @staticmethod
    def _opened(file: Path | str | BinaryIO, name: str, reading: Progress) -> AbstractContextManager[Source]:
        if not isinstance(file, str | Path):
            return spooled(file, name)
        return open_source(Path(file), name, reading)

    def _send(
        self, source: Source, options: Mapping[str, str], remembered: Remembered, sent: Sent
    ) -> UploadedFile:
        """Send a file in the way that suits it. What may be gone on with later stays remembered."""
        is_long = source.size > RESUMABLE_BYTES or len(target(source, options)) > _LONGEST_TARGET
        try:
            if is_long and self._is_resumable:
                answer = ResumableUpload(self._connection, source, options, remembered, sent).run()
                uploaded = self._described(answer, source, remembered.upload.sha256)
            else:
                answer = put(self._connection, source, options, remembered, sent)
                uploaded = UploadedFile.from_answer(json_of(answer), self._connection.base_url)
        except Refused as error:
            if error.is_final:
                remembered.forget()
            raise
        remembered.forget()
        return uploaded

    def _described(self, answer: httpx.Response, source: Source, sha256: str) -> UploadedFile:
        """The file that a resumable upload has become. What is in quarantine is not told about: that is left empty."""
        file_id, delete_token = answer.headers.get(FILE_ID, ""), answer.headers.get(DELETE_TOKEN)
        if not file_id.replace("-", "").isalnum():
            raise Unreachable("The answer is not that of a resumable upload.")
        try:
            known = asdict(self.describe(file_id))
        except Refused as error:
            if error.problem.code != "quarantined":
                raise
            known = {
                "file_id": file_id,
                "filename": source.name,
                "file_size": source.size,
                "file_hash": sha256,
                "download_url": f"{self._connection.base_url}/download/{file_id}",
                "view_url": f"{self._connection.base_url}/view/{file_id}",
                "is_quarantined": True,
                **dict.fromkeys(("mime_type", "visibility", "upload_time"), ""),
            }
        return UploadedFile(**known, delete_token=delete_token)

    def _compare(self, uploaded: UploadedFile, sha256: str) -> None:
        if uploaded.file_hash == sha256:
            return
        fate = "it could not be deleted there"
        with suppress(ClientError):
            self.delete(uploaded.file_id, delete_token=uploaded.delete_token or "")
            fate = "it was deleted there"
        raise DigestMismatch(f"{uploaded.filename}: what the service has is not what was sent; {fate}")


def _bound(progress: Progress, total: int) -> Callable[[int], None]:
    return lambda done: progress(done, total)


def _text(value: str) -> str:
    """Text as UTF-8 can hold it: what a command line had in no known encoding is replaced."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
