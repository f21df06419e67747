"""Thumbnails: made by a process that may fail as it likes, kept on disk, served like any other content."""

import logging
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO

from sqlalchemy import select

from filewallball import errors
from filewallball.database.connections import Database
from filewallball.files.delivery import Content
from filewallball.files.inspection.bombs import is_image_bomb
from filewallball.files.tables import blobs
from filewallball.settings.service import Settings
from filewallball.storage.cache import DiskCache, Entry
from filewallball.storage.local import LocalStore

SMALLEST, DEFAULT, LARGEST = 64, 256, 1024
SOURCES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_PROGRAM = Path(__file__).with_name("thumbnail_process.py")
_REFUSED = 3
_MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png"}
_LARGEST_RESULT_BYTES = 16 * 1024 * 1024
_FAILURE_REMEMBERED_SECONDS = 600
_BATCH = 500
_HEAD_BYTES = 2048
logger = logging.getLogger("filewallball.thumbnails")


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A finished one: what to send, and where from."""

    content: Content
    entry: Entry
    was_cached: bool


class Thumbnails:
    """The thumbnail service of one process."""

    def __init__(self, settings: Settings, database: Database, store: LocalStore) -> None:
        self._database = database
        self._store = store
        self._cache = DiskCache(settings.thumbnails_dir)
        self._max_cache_bytes = settings.thumbnail_cache_size
        self._seconds = settings.thumbnail_timeout.total_seconds()
        self._limits = (settings.thumbnail_max_pixels, settings.thumbnail_memory, round(self._seconds) or 1)
        self._places = threading.BoundedSemaphore(max(1, settings.threads // 4))

    def of(self, content: Content, size: int) -> Thumbnail:
        """The thumbnail of a file that the caller may fetch. Raises ThumbnailFailed, Unavailable, StorageFailed."""
        if content.media_type not in SOURCES:
            raise errors.ThumbnailFailed(f"{content.media_type} is no image that can be shown.")
        variant = str(size)
        entry = self._cache.get(content.sha256, variant)
        if entry is not None:
            return _thumbnail(content, entry, was_cached=True)
        if self._cache.has_failed(content.sha256, _FAILURE_REMEMBERED_SECONDS):
            raise errors.ThumbnailFailed
        kind, data = self._make(content, size)
        try:
            if self._store.space().spare < len(data):
                raise errors.StorageFull
            entry = self._cache.put(content.sha256, variant, kind, data)
        except OSError as error:
            raise errors.StorageFailed("The thumbnail could not be kept.") from error
        return _thumbnail(content, entry, was_cached=False)

    def tidy(self) -> None:
        """Drop thumbnails of content that is gone, then the oldest beyond THUMBNAIL_CACHE_SIZE."""
        sources = list(self._cache.sources())
        for start in range(0, len(sources), _BATCH):
            batch = sources[start : start + _BATCH]
            wanted = select(blobs.c.sha256).where(
                blobs.c.sha256.in_(batch), blobs.c.live == 1, blobs.c.refs > 0
            )
            kept = set(self._database.scalars(wanted))
            for source in batch:
                if source not in kept:
                    self._cache.drop(source)
        self._cache.trim(self._max_cache_bytes)

    def probe(self) -> Mapping[str, Any]:
        """For health: the process starts, decodes and encodes under its limits. Raises Unavailable."""
        code, data = self._run(None, SMALLEST, "check")
        if code != 0 or not data:
            raise errors.Unavailable("The thumbnail process does not work.")
        return {}

    def _make(self, content: Content, size: int) -> tuple[str, bytes]:
        if not self._places.acquire(timeout=self._seconds):
            raise errors.Unavailable("Too many thumbnails are being made.")
        try:
            with self._store.open(content.path) as file:
                if is_image_bomb(file, file.read(_HEAD_BYTES), content.media_type):
                    raise errors.ThumbnailFailed("It declares more frames or pixels than are safe to decode.")
                file.seek(0)
                code, data = self._run(file, size)
        finally:
            self._places.release()
        kind = data[:3].decode("ascii", "replace")
        if code == 0 and kind in _MEDIA_TYPES:
            return kind, data[3:]
        logger.info("no thumbnail", extra={"file_id": content.file_id, "exit_code": code})
        if code != _REFUSED and code >= 0:
            raise errors.Unavailable("The thumbnail process does not work.")
        with suppress(OSError):
            self._cache.note_failure(content.sha256)
        raise errors.ThumbnailFailed("The image is broken, or too large to be decoded safely.")

    def _run(self, file: BinaryIO | None, size: int, *more: str) -> tuple[int, bytes]:
        """Exit code (negative for a signal) and output of one run; it is killed when its time is up."""
        pixels, memory, seconds = self._limits
        command = [
            sys.executable,
            "-I",
            "-B",
            str(_PROGRAM),
            *map(str, (pixels, size, memory, seconds)),
            *more,
        ]
        with subprocess.Popen(
            command,
            stdin=file or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            start_new_session=True,
        ) as process:
            assert process.stdout is not None  # noqa: S101 - a pipe was asked for
            try:
                data = _read(process.stdout, time.monotonic() + self._seconds + 2)
                if data is not None:
                    return process.wait(2), data
            except subprocess.TimeoutExpired:
                pass
            finally:
                process.kill()
        return -9, b""


def _read(pipe: IO[bytes], deadline: float) -> bytes | None:
    """Everything until the other end closes; None if that takes too long or is too much."""
    data = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while len(data) <= _LARGEST_RESULT_BYTES and (remaining := deadline - time.monotonic()) > 0:
            if not selector.select(remaining):
                break
            piece = os.read(pipe.fileno(), 1024 * 1024)
            if not piece:
                return data
            data += piece
    return None


def _thumbnail(content: Content, entry: Entry, *, was_cached: bool) -> Thumbnail:
    shown = Content(
        file_id=content.file_id,
        filename=f"{PurePosixPath(content.filename).stem}.{entry.kind}",
        media_type=_MEDIA_TYPES[entry.kind],
        size=entry.size,
        sha256=entry.digest,
        modified_us=content.modified_us,
        path=content.path,
    )
    return Thumbnail(shown, entry, was_cached)
