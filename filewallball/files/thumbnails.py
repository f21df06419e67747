"""Thumbnails: made by a process that may fail as it likes, kept on disk, served like any other content."""

import hashlib
import logging
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
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
from filewallball.storage.build_lock import lock_build
from filewallball.storage.cache import DiskCache, Entry
from filewallball.storage.local import LocalStore

_STEPS = (64, 128, 256, 512, 1024)
"""Sizes that are made from the original; every other one is made from the next larger of these."""
SMALLEST, DEFAULT, LARGEST = _STEPS[0], 256, _STEPS[-1]
SOURCES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_PROGRAM = Path(__file__).with_name("thumbnail_process.py")
_REFUSED = 3
_MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png"}
_LARGEST_RESULT_BYTES = 16 * 1024 * 1024
_FAILURE_REMEMBERED_SECONDS = 600
_LONGEST_WAIT_SECONDS = 0.1
_BATCH = 500
_HEAD_BYTES = 2048
logger = logging.getLogger("filewallball.thumbnails")


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A finished one: what to send, and where from."""

    content: Content
    entry: Entry
    was_cached: bool

    def open(self) -> BinaryIO:
        """The bytes. Raises StorageFailed where they were dropped meanwhile."""
        return _opened(self.entry)


class Thumbnails:
    """The thumbnail service of one process."""

    def __init__(self, settings: Settings, database: Database, store: LocalStore) -> None:
        self._database = database
        self._store = store
        self._cache = DiskCache(settings.thumbnails_dir)
        self._lock_path = settings.thumbnails_dir / "building"
        self._max_cache_bytes = settings.thumbnail_cache_size
        self._seconds = settings.thumbnail_timeout.total_seconds()
        self._limits = (settings.thumbnail_max_pixels, settings.thumbnail_memory, round(self._seconds) or 1)
        self._places = threading.BoundedSemaphore(max(1, settings.threads // 4))

    def of(self, content: Content, size: int) -> Thumbnail:
        """The thumbnail of a file that the caller may fetch.

        Waits a moment for others that build, never for long: whoever asks too much at once holds no threads. Raises
        ThumbnailFailed, ThumbnailBusy, Unavailable, StorageFailed.
        """
        if content.media_type not in SOURCES:
            raise errors.ThumbnailFailed(f"{content.media_type} is no image that can be shown.")
        entry = self._found(content, size)
        if entry is not None:
            return _thumbnail(content, entry, was_cached=True)
        with self._place_to_build(content, _step_of(size)):
            entry = self._found(content, size)  # somebody may have built it meanwhile
            if entry is not None:
                return _thumbnail(content, entry, was_cached=True)
            return _thumbnail(content, self._build(content, size), was_cached=False)

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

    def _found(self, content: Content, size: int) -> Entry | None:
        entry = self._cache.get(content.sha256, str(size))
        if entry is None and self._cache.has_failed(content.sha256, _FAILURE_REMEMBERED_SECONDS):
            raise errors.ThumbnailFailed
        return entry

    @contextmanager
    def _place_to_build(self, content: Content, step: int) -> Iterator[None]:
        """The only place for this image and step, and one of the few for all images. Raises ThumbnailBusy."""
        deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
        what = hashlib.sha256(f"{content.sha256} {step}".encode()).hexdigest()
        with lock_build(self._lock_path, what, deadline) as is_alone:
            if not is_alone:
                raise errors.ThumbnailBusy("This thumbnail is being made.")
            if not self._places.acquire(timeout=max(0.0, deadline - time.monotonic())):
                raise errors.ThumbnailBusy("Many thumbnails are being made.")
            try:
                yield
            finally:
                self._places.release()

    def _build(self, content: Content, size: int) -> Entry:
        """Make it of the smallest that is kept and large enough, or else of the original."""
        step = _step_of(size)
        kept = (self._cache.get(content.sha256, str(larger)) for larger in _STEPS if larger >= step)
        source = next(filter(None, kept), None)
        if source is None:
            source = self._keep(content, step, *self._make_from_original(content, step))
            if step == size:
                return source
        with _opened(source) as file:
            return self._keep(content, size, *self._make(content, file, size))

    def _keep(self, content: Content, size: int, kind: str, data: bytes) -> Entry:
        if self._store.space().spare < len(data):
            raise errors.StorageFull
        try:
            return self._cache.put(content.sha256, str(size), kind, data)
        except OSError as error:
            raise errors.StorageFailed("The thumbnail could not be kept.") from error

    def _make_from_original(self, content: Content, size: int) -> tuple[str, bytes]:
        with self._store.open(content.path) as file:
            if is_image_bomb(file, file.read(_HEAD_BYTES), content.media_type):
                raise errors.ThumbnailFailed("It declares more frames or pixels than are safe to decode.")
            file.seek(0)
            return self._make(content, file, size)

    def _make(self, content: Content, file: BinaryIO, size: int) -> tuple[str, bytes]:
        code, data = self._run(file, size)
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


def _opened(entry: Entry) -> BinaryIO:
    try:
        return entry.open()
    except OSError as error:
        raise errors.StorageFailed("A kept thumbnail cannot be read.") from error


def _step_of(size: int) -> int:
    return next(step for step in _STEPS if step >= size)


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
