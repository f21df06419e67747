"""Holding an upload: one request at a time, on whatever worker, and the newest one wins.

A request that asks for an upload which another holds says so in its row. The holder's process looks there, and lets the
upload go with all that arrived; if it does not, the upload is taken from it and what it still writes is never read.
Only a request that is ending an upload keeps it: then the other is told to come again.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from filewallball import errors
from filewallball.files.resumable.progress import Progress, Standing, Upload

_LOOK_SECONDS = 0.2
_WAIT_SECONDS = 1.5
_AGAIN_SECONDS = 0.02
_ATTEMPTS = 5
_NOTE_SECONDS = 5.0


@dataclass(slots=True, eq=False)
class Hold:
    """An upload that this request holds."""

    upload: Upload
    """As it was when it was taken."""
    interrupt: Callable[[], object]
    """Wakes the request where it waits for its client."""
    is_stopped: bool = False
    is_ending: bool = False
    is_let_go: bool = False
    """The row says already that the request holds it no more."""
    noted: float = field(default_factory=time.monotonic)
    """When its row was last told that the end of it is under way."""

    def stop(self) -> None:
        """Have the request let the upload go."""
        self.is_stopped = True
        self.interrupt()


class Holds:
    """The uploads that requests of this process hold, and the thread that looks who else wants them."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._held: dict[int, Hold] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextmanager
    def take(self, upload: Upload, interrupt: Callable[[], object]) -> Iterator[Hold]:
        """Hold the upload inside the block; whoever had it before lets it go, or loses it.

        Raises UploadLocked while somebody is ending it.
        """
        hold = Hold(self._claimed(upload), interrupt)
        self._add(hold)
        try:
            yield hold
        finally:
            with self._changed:
                del self._held[id(hold)]

    def settled(self, upload: Upload) -> Upload:
        """The upload once nobody writes to it, so that what its row says stays true. Raises UploadLocked."""
        for _ in range(_ATTEMPTS):
            upload, is_silent = self._asked(upload)
            if is_silent:
                upload = self._found(self._progress.fence(upload))
            if not upload.is_held:
                return upload
        raise errors.UploadLocked

    def _claimed(self, upload: Upload) -> Upload:
        for _ in range(_ATTEMPTS):
            upload, is_silent = self._asked(upload)
            if not upload.is_receiving:
                return upload
            claimed = self._progress.claim(upload, by_force=is_silent)
            if claimed is not None:
                return claimed
            upload = self._found(self._progress.find(upload.upload_id))
        raise errors.UploadLocked

    def _asked(self, upload: Upload) -> tuple[Upload, bool]:
        """The upload after its holder was asked to let it go, and True if that one has not answered."""
        if not upload.is_held:
            return upload, False
        deadline, was_asked = time.monotonic() + _WAIT_SECONDS, False
        while time.monotonic() < deadline:
            time.sleep(_AGAIN_SECONDS)  # a request that broke off lets go by itself, mostly at once
            seen = self._found(self._progress.find(upload.upload_id))
            if seen.epoch != upload.epoch or not seen.is_held:
                return seen, False
            if not was_asked:
                self._progress.ask(upload)
                was_asked = True
            elif not seen.is_wanted:
                raise errors.UploadLocked
        return upload, True

    @staticmethod
    def _found(found: Upload | None) -> Upload:
        if found is None:
            raise errors.NotFound
        return found

    def _add(self, hold: Hold) -> None:
        with self._changed:
            self._held[id(hold)] = hold
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._watch, name="uploads", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _watch(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._held)
                held = list(self._held.values())
            time.sleep(_LOOK_SECONDS)
            with suppress(Exception):  # the database is away: whoever asks takes it by force once it is back
                seen = self._progress.standings([hold.upload.upload_id for hold in held])
                for hold in held:
                    self._look(hold, seen.get(hold.upload.upload_id))

    def _look(self, hold: Hold, seen: Standing | None) -> None:
        if seen is None or seen.epoch != hold.upload.epoch or not seen.is_receiving:
            self._stop(hold)
            return
        if seen.is_wanted and hold.is_ending:
            self._progress.answer(hold.upload)
        elif seen.is_wanted:
            self._stop(hold)
        if hold.is_ending and time.monotonic() - hold.noted >= _NOTE_SECONDS:
            self._progress.note_arrival(hold.upload)  # its scan, or copying its parts, may take long
            hold.noted = time.monotonic()

    def _stop(self, hold: Hold) -> None:
        """Stop a request, unless it has ended since it was looked up: its connection has other uses by now."""
        with self._changed:
            if id(hold) in self._held:
                hold.stop()
