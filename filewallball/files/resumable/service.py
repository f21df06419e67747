"""Resumable uploads as the routes use them. Takes plain values, never a request."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from threading import BoundedSemaphore
from typing import Any

from filewallball import errors, permissions
from filewallball.access.authentication import is_revoked
from filewallball.access.continuing import Sender
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.errors.translation import translate
from filewallball.files.resumable.creation import Also, Announced, Creation
from filewallball.files.resumable.ending import Content, Endings, Request
from filewallball.files.resumable.holds import Hold, Holds
from filewallball.files.resumable.progress import Progress, Upload
from filewallball.files.resumable.receiving import Arrival, segment_of
from filewallball.files.resumable.sent import Reached, Sent, length_of, mismatch, repeated
from filewallball.files.resumable.tables import EXPIRED, TERMINATED
from filewallball.recording.operations import Operation
from filewallball.recording.steps import STAGE
from filewallball.settings.service import Settings
from filewallball.storage.upload_segments import Piece, Segment, UploadSegments

Count = Callable[[str, float], None]
Interrupt = Callable[[], object]
_GONE: dict[str, type[errors.ApiError]] = {
    EXPIRED: errors.UploadExpired,
    TERMINATED: errors.UploadTerminated,
}


class ResumableUploads:
    """The uploads of one process; at most half of its threads receive for them."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        progress: Progress,
        segments: UploadSegments,
        creation: Creation,
        endings: Endings,
        count: Count,
    ) -> None:
        """`count` adds to a metric of this name."""
        self.max_bytes = settings.max_upload_size
        self._idle_us = round(settings.upload_idle.total_seconds() * 1e6)
        self._whole_us = round(settings.upload_expires.total_seconds() * 1e6)
        self._database = database
        self._progress = progress
        self._segments = segments
        self._creation = creation
        self._endings = endings
        self._count = count
        self._holds = Holds(progress)
        self._places = BoundedSemaphore(max(1, settings.threads // 2))

    def create(
        self, op: Operation, announced: Announced, also: Also = lambda connection, upload_id: None
    ) -> Upload:
        """Begin an upload. Raises what `Creation.create` does."""
        return self._creation.create(op, announced, also)

    def concatenate(self, op: Operation, announced: Announced, request: Request) -> Reached:
        """One file of complete parts; asked for again with the same parts and metadata, the same one.

        Raises NotFound, Conflict, FileTooLarge, UploadLocked, and what `Endings.store` does.
        """
        wanted = announced.concat.parts if announced.concat else ()
        sender = Sender(op.caller, None)
        first = self._own(wanted[0], sender)
        with self._holds.take(first, lambda: None) as guard:  # whoever asks for the same waits for this one
            guard.is_ending = True
            try:
                return self._concatenate(op, announced, request, wanted, sender)
            finally:
                if guard.upload.is_receiving:
                    self._progress.release(guard.upload, begins_segment=False)

    def append(
        self, upload_id: str, sent: Sent, sender: Sender, request: Request, interrupt: Interrupt
    ) -> Reached:
        """Add what a request brings. Raises OffsetMismatch, UploadLocked, UploadsBusy, what tells that the upload is
        over, and what `Arrival.take_in` and `Endings.store` do."""
        upload = self._living(upload_id, sender, request)
        if upload.is_final:
            raise errors.UploadIsFinal
        if upload.is_done:
            return repeated(upload, sent)
        if upload.received != sent.offset:
            raise mismatch(upload)
        if not self._places.acquire(blocking=False):
            raise errors.UploadsBusy
        try:
            with self._holds.take(upload, interrupt) as hold:
                return self._append(hold, sent, request)
        finally:
            self._places.release()

    def look(self, upload_id: str, sender: Sender, request: Request) -> Upload:
        """An upload, once no request writes to it and what is told of it is on the disk.

        Raises UploadLocked, and what tells that it is over.
        """
        upload = self._living(upload_id, sender, request)
        if upload.is_receiving:
            upload = self._refuse_gone(self._holds.settled(upload))
        self._progress.sync()
        return upload

    def is_over(self, upload_id: str) -> bool:
        """True for an upload that ended without a file, or so long ago that nothing is known of it."""
        upload = self._progress.find(upload_id)
        return upload is None or not (upload.is_receiving or upload.is_done)

    def terminate(self, op: Operation, upload_id: str) -> None:
        """Give an upload up. Raises NotFound, Conflict, UploadLocked, and what tells that it is over already."""
        op.note(resource_id=upload_id)
        upload = self._refuse_gone(self._own(upload_id, Sender(op.caller, None), or_any=True))
        op.note(file_size=upload.received, details={"filename": upload.filename})
        if upload.is_done:
            raise errors.Conflict("The upload has become a file: delete that.")
        request = Request(replace(op.caller, ip_address=upload.client_ip, user_agent=""))
        with self._holds.take(upload, lambda: None) as hold:
            self._endings.refuse(self._refuse_gone(hold.upload), errors.UploadTerminated(), request)

    def give_up(self, upload_id: str, sender: Sender, request: Request) -> None:
        """End an upload that came to nothing as it began, and whose address nobody was told."""
        with self._holds.take(self._refuse_gone(self._own(upload_id, sender)), lambda: None) as hold:
            self._endings.refuse(hold.upload, errors.UploadTerminated(), request)

    def shown(self, upload: Upload) -> dict[str, Any]:
        """An upload as the list shows it."""
        return {**asdict(upload), "expires_us": self.expires_us(upload)}

    def expires_us(self, upload: Upload) -> int:
        """When the upload expires if nothing more comes."""
        latest = upload.created_us + self._whole_us
        return latest if upload.awaits_others else min(upload.active_us + self._idle_us, latest)

    def _append(self, hold: Hold, sent: Sent, request: Request) -> Reached:
        upload = hold.upload
        if upload.is_done:
            return repeated(upload, sent)
        try:
            self._refuse_gone(upload)
            if upload.received != sent.offset:
                raise mismatch(upload)
            length = length_of(upload, sent, self.max_bytes)
            with segment_of(self._segments, self._progress, upload) as segment:
                return self._receive(hold, segment, sent, length, request)
        except Exception as error:
            self._recover(hold, translate(error), request)
            raise

    def _receive(
        self, hold: Hold, segment: Segment, sent: Sent, length: int | None, request: Request
    ) -> Reached:
        upload = hold.upload
        if upload.is_broken:
            self._count("resumable_uploads_resumed_total", 1)
        arrival = Arrival(hold, segment, self._progress, length, self.max_bytes)
        try:
            with request.step(STAGE):
                arrival.take_in(sent.part, lambda size: self._count("resumable_upload_bytes_total", size))
            if arrival.is_complete and not upload.is_partial:
                return self._finish(hold, segment, arrival, request)
            arrival.sync(lets_go=True)
        except Exception:
            if not segment.is_whole:
                self._progress.release(upload, begins_segment=True)
                hold.is_let_go = True
            raise
        reached = replace(upload, received=arrival.received, length=length, active_us=now_us())
        return Reached(reached, arrival.received)

    def _finish(self, hold: Hold, segment: Segment, arrival: Arrival, request: Request) -> Reached:
        """All bytes are here: all but the last one count already should it come to nothing."""
        hold.is_ending = True
        arrival.sync(lets_go=False)
        upload = hold.upload
        self._refuse_revoked(upload)
        earlier = [piece for piece in self._progress.pieces(upload.upload_id) if piece[0] != upload.segment]
        pieces: list[Piece] = [*earlier, *([(upload.segment, segment.size)] if segment.size else [])]
        content = Content([(upload.upload_id, pieces)], arrival.digest)
        file = self._endings.store(upload, content, request)
        return Reached(upload, arrival.received, file)

    def _concatenate(
        self, op: Operation, announced: Announced, request: Request, wanted: Sequence[str], sender: Sender
    ) -> Reached:
        upload = self._creation.find_final(op, announced)
        if upload is not None and upload.is_done:
            return Reached(upload, upload.received)
        parts = {name: self._part(name, sender) for name in dict.fromkeys(wanted)}
        total = self._creation.refuse_sum([parts[name] for name in wanted])
        upload = upload or self._creation.create(op, replace(announced, length=total))
        with self._holds.take(upload, lambda: None) as hold:
            hold.is_ending = True
            sources = [(name, self._progress.pieces(name)) for name in wanted]
            try:
                file = self._endings.store(hold.upload, Content(sources), request, list(parts.values()))
            except Exception as error:
                self._recover(hold, translate(error), request)
                raise
        return Reached(hold.upload, total, file)

    def _part(self, upload_id: str, sender: Sender) -> Upload:
        part = self._refuse_gone(self._own(upload_id, sender))
        if not part.is_complete_part:
            raise errors.Conflict("Upload-Concat names an upload that is no complete part.")
        return part

    def _recover(self, hold: Hold, cause: errors.ApiError, request: Request) -> None:
        """After a failure: end an upload that may go no further, let any other go. A former holder changes nothing."""
        with suppress(Exception):
            if isinstance(cause, errors.QuotaExceeded | errors.AuthRevoked):
                self._endings.refuse(hold.upload, cause, request)
            elif not hold.is_let_go:
                self._progress.release(hold.upload, begins_segment=False)

    def _living(self, upload_id: str, sender: Sender, request: Request) -> Upload:
        """The sender's upload unless it is over. One whose owner lost the right to it is over from now on."""
        upload = self._own(upload_id, sender)
        if upload.is_receiving and upload.token_id and is_revoked(self._database, upload.token_id):
            with self._holds.take(upload, lambda: None) as hold:
                self._endings.refuse(hold.upload, errors.AuthRevoked(), request)
            raise errors.UploadRefused
        return self._refuse_gone(upload)

    def _refuse_revoked(self, upload: Upload) -> None:
        if upload.token_id and is_revoked(self._database, upload.token_id):
            raise errors.AuthRevoked

    def _own(self, upload_id: str, sender: Sender, *, or_any: bool = False) -> Upload:
        """The upload if it is the sender's: by token, or whoever knows the address of one without an owner. With
        `or_any`, an administrator's too."""
        upload, refusal, caller = self._progress.find(upload_id), sender.refusal, sender.caller
        if isinstance(refusal, errors.Blocked) and upload is not None:
            raise errors.UploadRefused
        is_theirs = upload is not None and (
            upload.user_id in (0, caller.user_id) or (or_any and caller.may(permissions.ANY_FILE))
        )
        has_expired = isinstance(refusal, errors.AuthExpired)
        if has_expired and is_theirs and upload is not None and upload.token_id == caller.token_id:
            return upload
        is_revoked_one = isinstance(refusal, errors.AuthRevoked) and upload is not None and upload.token_id
        if is_revoked_one and upload is not None and is_revoked(self._database, upload.token_id):
            return upload
        if refusal is not None:
            raise refusal
        if upload is None or not is_theirs:
            raise errors.NotFound
        return upload

    @staticmethod
    def _refuse_gone(upload: Upload) -> Upload:
        if not (upload.is_receiving or upload.is_done):
            raise _GONE.get(upload.state, errors.UploadRefused)()
        return upload
