"""The jobs around resumable uploads: those whose time is up expire, and nothing of those that are over is kept."""

from collections.abc import Callable
from contextlib import suppress

from filewallball import errors
from filewallball.clock import now_us
from filewallball.files.resumable.ending import Endings, Request
from filewallball.files.resumable.progress import Progress, Upload
from filewallball.recording.caller import Caller
from filewallball.settings.service import Settings
from filewallball.storage.upload_segments import UploadSegments

_BATCH = 100
_REMEMBERED_US = 24 * 3600 * 1_000_000


class UploadSweep:
    """Any number may run at once: each step is a conditional change."""

    def __init__(
        self,
        settings: Settings,
        progress: Progress,
        segments: UploadSegments,
        endings: Endings,
        count: Callable[[str, float], None],
    ) -> None:
        self._idle_us = round(settings.upload_idle.total_seconds() * 1e6)
        self._whole_us = round(settings.upload_expires.total_seconds() * 1e6)
        self._progress = progress
        self._segments = segments
        self._endings = endings
        self._count = count

    def run(self) -> None:
        """Expire what is due, forget what ended a day ago."""
        for upload in self._progress.due(self._idle_us, self._whole_us, _BATCH):
            self._expire(upload)
        for upload_id in self._progress.ended_before(now_us() - _REMEMBERED_US, _BATCH):
            self._progress.forget(upload_id)
            self._segments.remove(upload_id)

    def clear_litter(self) -> int:
        """Remove the segments of uploads that are over; returns of how many."""
        found = self._segments.uploads()
        removed = 0
        for first in range(0, len(found), _BATCH):
            batch = found[first : first + _BATCH]
            for upload_id in set(batch) - self._progress.living(batch):
                self._segments.remove(upload_id)
                removed += 1
        return removed

    def _expire(self, upload: Upload) -> None:
        claimed = self._progress.claim(upload, by_force=bool(upload.is_held))
        if claimed is None:
            return  # it went on, or another sweep has it
        with suppress(errors.UploadLocked):
            self._endings.refuse(claimed, errors.UploadExpired(), Request(Caller()))
            self._count("resumable_uploads_expired_total", 1)


class UploadGauges:
    """The uploads under way as a job last counted them: a scrape asks the database nothing."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._oldest_us = 0
        self.count = 0

    def refresh(self) -> None:
        """Count them anew."""
        self.count, self._oldest_us = self._progress.count_receiving()

    @property
    def oldest_seconds(self) -> float:
        """The age of the oldest; 0 without any."""
        return max(0, now_us() - self._oldest_us) / 1e6 if self._oldest_us else 0.0
