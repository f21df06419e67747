"""The client's memory between runs: uploads that are not finished, and tokens for deleting.

Each is a file that only its user may read, for whoever holds it may go on with the upload or delete the file.
"""

import fcntl
import hashlib
import json
import os
import secrets
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from filewallball_client.connection import Connection
from filewallball_client.errors import LocalError
from filewallball_client.sources import Source

_KEPT_SECONDS = 7 * 24 * 3600  # the service ends unfinished uploads sooner


@dataclass
class Unfinished:
    """An upload by its Idempotency-Key and, once the service has made one, by its id; and the file as it was then."""

    size: int
    mtime_ns: int
    sha256: str = ""
    key: str = ""
    upload_id: str = ""


class Remembered:
    """One unfinished upload and the file that holds it, if there is one; locked while this process has it."""

    def __init__(self, descriptor: int | None, path: Path | None, upload: Unfinished) -> None:
        self._descriptor = descriptor
        self._path = path
        self.upload = upload

    def save(self) -> None:
        """Write it down so that it outlives a crash of the machine; on a full disk it is not remembered."""
        if self._descriptor is None:
            return
        data = json.dumps(asdict(self.upload)).encode()
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, data, 0)
            os.fsync(self._descriptor)

    def renew(self) -> None:
        """Forget what the service had: the next upload of the file begins anew."""
        self.upload.key, self.upload.upload_id = _new_key(), ""
        self.save()

    def forget(self) -> None:
        if self._path is not None:
            self._path.unlink(missing_ok=True)


class State:
    """The folder of all that is remembered; without a folder nothing is."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    @contextmanager
    def unfinished(
        self, connection: Connection, source: Source, options: Mapping[str, str]
    ) -> Iterator[Remembered]:
        """The unfinished upload of this file under these options, begun now if there is none.

        Raises LocalError while another process has it.
        """
        fresh = Unfinished(source.size, source.mtime_ns)
        held = self._held(connection, source, options)
        if held is None:
            yield Remembered(None, None, _complete(fresh, source))
            return
        descriptor, path = held
        try:
            known = _read(descriptor)
            is_same = known is not None and (known.size, known.mtime_ns) == (fresh.size, fresh.mtime_ns)
            remembered = Remembered(
                descriptor, path, _complete(known if known and is_same else fresh, source)
            )
            remembered.save()
            yield remembered
        finally:
            os.close(descriptor)

    def keep_delete_token(self, connection: Connection, file_id: str, token: str) -> bool:
        """Remember the token that deleting an anonymous upload needs. False where that cannot be."""
        with suppress(OSError):
            if (path := self._delete_token(connection, file_id)) is not None:
                with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                    file.write(token)
                return True
        return False

    def delete_token(self, connection: Connection, file_id: str) -> str:
        """The remembered token, or nothing."""
        with suppress(OSError):
            path = self._delete_token(connection, file_id)
            return path.read_text() if path is not None else ""
        return ""

    def forget_delete_token(self, connection: Connection, file_id: str) -> None:
        with suppress(OSError):
            if (path := self._delete_token(connection, file_id)) is not None:
                path.unlink(missing_ok=True)

    def _held(
        self, connection: Connection, source: Source, options: Mapping[str, str]
    ) -> tuple[int, Path] | None:
        """The locked file of this upload; None where nothing can be remembered."""
        if self._folder is None or not source.path:
            return None
        try:
            folder = _private_folder(self._folder / "uploads")
            _remove_old(folder)
            path = folder / f"{_name(connection, source, options)}.json"
            return _locked(path, source), path
        except OSError as error:
            connection.notify(f"If this upload is interrupted it must begin anew: {error}")
            return None

    def _delete_token(self, connection: Connection, file_id: str) -> Path | None:
        if self._folder is None:
            return None
        digest = hashlib.sha256(f"{connection.base_url}\n{file_id}".encode()).hexdigest()
        return _private_folder(self._folder / "delete-tokens") / digest


def _name(connection: Connection, source: Source, options: Mapping[str, str]) -> str:
    """The same for the same file, under the same name and options, by the same caller at the same server."""
    parts = [connection.base_url, connection.token, source.path, source.name, sorted(options.items())]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _complete(upload: Unfinished, source: Source) -> Unfinished:
    upload.sha256 = upload.sha256 or source.sha256
    upload.key = upload.key or _new_key()
    return upload


def _private_folder(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        folder.chmod(0o700)
    return folder


def _locked(path: Path, source: Source) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise LocalError(f"{source.path}: another process is uploading this file") from error
    return descriptor


def _read(descriptor: int) -> Unfinished | None:
    """The content of the file; None for one that is new or that cannot be read: then the upload begins anew."""
    try:
        values = json.loads(os.pread(descriptor, 64 * 1024, 0))
        upload = Unfinished(**values)
    except (ValueError, TypeError):
        return None
    is_sound = all(isinstance(each, str) for each in (upload.sha256, upload.key, upload.upload_id))
    return upload if is_sound else None


def _remove_old(folder: Path) -> None:
    oldest = time.time() - _KEPT_SECONDS
    for path in folder.iterdir():
        with suppress(OSError):
            if path.stat().st_mtime < oldest:
                path.unlink()


def _new_key() -> str:
    """An Idempotency-Key that nobody can guess."""
    return secrets.token_hex(32)
