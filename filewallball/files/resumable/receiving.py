"""The bytes of one request on their way into a segment: synced before anybody is told of them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from filewallball import errors
from filewallball.errors.translation import translate
from filewallball.files.incoming import Body
from filewallball.files.resumable.digests import digest_of, told
from filewallball.files.resumable.holds import Hold
from filewallball.files.resumable.progress import Progress, Upload
from filewallball.files.resumable.protocol import Checksum
from filewallball.storage.sha256_state import Digest
from filewallball.storage.upload_segments import Segment, UploadSegments

_LEAST_BYTES, _MOST_BYTES = 64 * 1024, 1024 * 1024
_QUICK_SECONDS = 0.05
_RECORD_BYTES = 32 * 1024 * 1024
_RECORD_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Part:
    """The body of a request: its length where that is announced, and the digest that it must have."""

    stream: Body
    length: int | None
    checksum: Checksum | None = None


class Arrival:
    """The bytes of one request on their way into the upload that it holds."""

    def __init__(
        self,
        hold: Hold,
        segment: Segment,
        progress: Progress,
        length: int | None,
        max_bytes: int,
    ) -> None:
        """`length` is that of the whole upload, None where nobody knows it yet."""
        self.received = hold.upload.received
        self.digest = digest_of(hold.upload)
        self._recorded_digest = _copy(self.digest)
        self._hold = hold
        self._segment = segment
        self._progress = progress
        self._length = length
        self._most = max_bytes if length is None else length
        self._first = segment.size
        self._recorded = self.received
        self._recorded_at = time.monotonic()

    @property
    def is_complete(self) -> bool:
        return self.received == self._length

    def take_in(self, part: Part, count: Callable[[int], object]) -> None:
        """Write all of a body; `count` is told the bytes as they arrive. What came of a broken one is kept.

        Raises FileTooLarge, ChecksumMismatch, NetworkError, UploadLocked, QuotaExceeded, StorageFull, StorageFailed.
        """
        if part.length is not None and self.received + part.length > self._most:
            raise self._too_large()
        checked = part.checksum.new() if part.checksum else None
        try:
            self._copy(part, checked, count)
        except Exception as error:
            self._let_go(error, is_kept=checked is None)
            raise
        if part.checksum and checked and checked.digest() != part.checksum.expected:
            mismatch = errors.ChecksumMismatch()
            self._let_go(mismatch, is_kept=False)
            raise mismatch

    def sync(self, *, lets_go: bool, is_broken: bool = False) -> None:
        """Sync what has come and note it. Raises UploadLocked if somebody else holds the upload by now."""
        self._segment.sync()
        recorded, size = self._recordable()
        upload = self._hold.upload
        is_end = (
            recorded == self._length and not upload.is_partial
        )  # then the length is known with the file alone
        is_mine = self._progress.record(
            upload,
            recorded,
            size,
            upload.length if is_end else self._length,
            told(self.digest, recorded),
            lets_go=lets_go,
            is_broken=is_broken,
        )
        if not is_mine:
            raise errors.UploadLocked
        self._hold.is_let_go = lets_go
        self._recorded, self._recorded_at = recorded, time.monotonic()
        self._recorded_digest = _copy(self.digest) if recorded == self.received else None

    def _copy(self, part: Part, checked: Any, count: Callable[[int], object]) -> None:
        started, size = self.received, _LEAST_BYTES
        while True:
            began = time.monotonic()
            data = part.stream.read(size)
            if not data:
                break
            size = min(2 * size, _MOST_BYTES) if time.monotonic() - began < _QUICK_SECONDS else _LEAST_BYTES
            if self.received + len(data) > self._most:
                raise self._too_large()
            self._write(data)
            count(len(data))
            if checked is not None:
                checked.update(data)
                self._stay_alive()
            elif self._is_due():
                self.sync(lets_go=False)
            if self._hold.is_stopped:
                break
        if self._hold.is_stopped:
            raise errors.UploadLocked
        if part.length is not None and self.received - started < part.length:
            raise errors.NetworkError

    def _write(self, data: bytes) -> None:
        self._segment.write(data)
        self.received += len(data)
        if self.digest is not None:
            self.digest.update(data)

    def _stay_alive(self) -> None:
        """Show that something arrives, of which nothing counts yet."""
        self._segment.start_writing_back()
        if time.monotonic() - self._recorded_at >= _RECORD_SECONDS:
            self._progress.note_arrival(self._hold.upload)
            self._recorded_at = time.monotonic()

    def _is_due(self) -> bool:
        self._segment.start_writing_back()
        arrived = self.received - self._recorded
        return arrived >= _RECORD_BYTES or time.monotonic() - self._recorded_at >= _RECORD_SECONDS

    def _let_go(self, error: Exception, *, is_kept: bool) -> None:
        """End a request that failed; what came of it counts, unless it could not be verified or went too far."""
        if not is_kept or isinstance(error, errors.FileTooLarge):
            self._segment.cut(self._first + self._recorded - self._hold.upload.received)
            self.received, self.digest = self._recorded, _copy(self._recorded_digest)
        if self._segment.is_whole and not isinstance(error, errors.QuotaExceeded):
            cause = translate(error)
            self.sync(lets_go=True, is_broken=isinstance(cause, errors.NetworkError | errors.UploadLocked))

    def _recordable(self) -> tuple[int, int]:
        """The bytes that may be told of, of the upload and of this segment."""
        most = self._hold.upload.most_recorded(self._length)
        recorded = self.received
        if most is not None:
            recorded = max(self._hold.upload.received, min(recorded, most))
        return recorded, self._first + recorded - self._hold.upload.received

    def _too_large(self) -> errors.FileTooLarge:
        return errors.FileTooLarge(
            f"The upload has room for {self._most - self.received} more bytes.",
            facts={"max_size": self._most},
        )


def _copy(digest: Digest | None) -> Digest | None:
    return None if digest is None else digest.copy()


def segment_of(segments: UploadSegments, progress: Progress, upload: Upload) -> Segment:
    """The segment that the holder of the upload writes to, where the last one left off."""
    size = upload.received  # all is in the first one until somebody takes the upload by force
    if upload.segment:
        size = dict(progress.pieces(upload.upload_id)).get(upload.segment, 0)
    return segments.open(upload.upload_id, upload.segment, size)
