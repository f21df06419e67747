"""The rows of resumable uploads: who holds one, and how many bytes of it are on the disk.

What is committed here is no operation of its own: the end of an upload is one, with all of its bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, func, not_, or_, select, update

from filewallball.access import Quotas
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.files.resumable.charges import give_back
from filewallball.files.resumable.tables import (
    AWAITS_OTHERS,
    DONE,
    FINAL,
    PARTIAL,
    RECEIVING,
    upload_segments,
    uploads,
)
from filewallball.storage.upload_segments import Piece


@dataclass(frozen=True, slots=True)
class Upload:
    """A row of `uploads`."""

    upload_id: str
    state: str
    kind: str
    principal: str
    user_id: int
    username: str
    token_id: int
    client_ip: str
    length: int | None
    received: int
    epoch: int
    segment: int
    is_held: int
    is_wanted: int
    is_broken: int
    breaks: int
    charged_bytes: int
    charged_files: int
    metadata: str
    concat: str
    filename: str
    created_us: int
    active_us: int
    ended_us: int | None
    file_id: str
    error_code: str
    digest: str

    @property
    def is_partial(self) -> bool:
        return self.kind == PARTIAL

    @property
    def is_final(self) -> bool:
        return self.kind == FINAL

    @property
    def is_receiving(self) -> bool:
        return self.state == RECEIVING

    @property
    def is_done(self) -> bool:
        return self.state == DONE

    @property
    def is_complete_part(self) -> bool:
        """True for a part of another upload that has all of its bytes."""
        return self.is_partial and self.is_receiving and self.received == self.length

    @property
    def awaits_others(self) -> bool:
        """True for a complete part that has become no file yet: what is missing is in the others."""
        return self.is_complete_part and self.charged_bytes > 0

    def most_recorded(self, length: int | None) -> int | None:
        """The most bytes that may be told of before the file is committed; None for any number."""
        return None if length is None or self.is_partial else length - 1


@dataclass(frozen=True, slots=True)
class Standing:
    """The part of an upload's row that its holder must know."""

    epoch: int
    is_receiving: bool
    is_wanted: bool


COLUMNS = [uploads.c[field.name] for field in fields(Upload)]
_FIND = select(*COLUMNS).where(uploads.c.upload_id == bindparam("upload_id"))
_CHANGE = update(uploads).where(
    uploads.c.upload_id == bindparam("of_upload"),
    uploads.c.epoch == bindparam("in_epoch"),
    uploads.c.state == RECEIVING,
    uploads.c.is_held == bindparam("if_held"),
)
"""A change that takes place only while the upload is in the epoch in which it was seen."""


class Progress:
    """Changes of the rows of uploads that are under way, each in one conditional statement."""

    def __init__(self, database: Database, quotas: Quotas) -> None:
        self._database = database
        self.sync = database.sync
        self._quotas = quotas
        note = database.dialect.insert(upload_segments)
        keys = upload_segments.c.upload_id, upload_segments.c.number
        self._note = database.dialect.upsert(note, keys, {"size": database.dialect.incoming(note).size})

    def find(self, upload_id: str) -> Upload | None:
        """The upload as the newest commit has it."""
        row = self._database.find(_FIND, {"upload_id": upload_id})
        return None if row is None else Upload(*row)

    def standings(self, upload_ids: Sequence[str]) -> dict[str, Standing]:
        """The progress of these uploads, by one query for all of them."""
        own = uploads.c
        columns = own.upload_id, own.epoch, own.state, own.is_wanted
        statement = select(*columns).where(own.upload_id.in_(upload_ids))
        return {
            row.upload_id: Standing(row.epoch, row.state == RECEIVING, bool(row.is_wanted))
            for row in self._database.rows(statement)
        }

    def pieces(self, upload_id: str) -> list[Piece]:
        """The segments that have bytes which count, in their order."""
        statement = (
            select(upload_segments.c.number, upload_segments.c.size)
            .where(upload_segments.c.upload_id == upload_id, upload_segments.c.size > 0)
            .order_by(upload_segments.c.number)
        )
        return [(row.number, row.size) for row in self._database.rows(statement)]

    def claim(self, upload: Upload, *, by_force: bool) -> Upload | None:
        """Take an upload in its next epoch, None if somebody was faster. By force from a request that may still live:
        then what it writes from now on goes nowhere."""
        taken = int(by_force)
        changes: dict[str, Any] = {
            "epoch": upload.epoch + 1,
            "segment": upload.segment + taken,
            "is_held": 1,
            "is_wanted": 0,
            "is_broken": 0,
            "breaks": upload.breaks + taken,
        }
        if not self._change(upload, changes, is_held=taken):
            return None
        # Nobody changed what no request held.
        now = self.find(upload.upload_id) if by_force else replace(upload, **changes)
        return now and replace(now, is_broken=taken or upload.is_broken)

    def fence(self, upload: Upload) -> Upload | None:
        """Take an upload from a request that does not answer, and leave it to whoever comes next."""
        changes = {
            "epoch": upload.epoch + 1,
            "segment": upload.segment + 1,
            "breaks": upload.breaks + 1,
            "is_broken": 1,
            "is_held": 0,
            "is_wanted": 0,
        }
        self._change(upload, changes)
        return self.find(upload.upload_id)

    def ask(self, upload: Upload) -> None:
        """Ask the request that holds an upload to let it go."""
        self._change(upload, {"is_wanted": 1})

    def answer(self, upload: Upload) -> None:
        """Tell whoever asks that the request lives and cannot let go now."""
        self._change(upload, {"is_wanted": 0})

    def record(
        self,
        upload: Upload,
        received: int,
        segment_size: int,
        length: int | None,
        digest: str,
        *,
        lets_go: bool = False,
        is_broken: bool = False,
    ) -> bool:
        """Note how many bytes are synced, and their digest, for the holder of the epoch; False for a former one.

        Raises QuotaExceeded where the length was never announced and the bytes go beyond the quota.
        """
        charged = max(upload.charged_bytes, length or 0, received)
        changes: dict[str, Any] = {"received": received, "active_us": now_us(), "length": length}
        changes |= {"digest": digest, "is_held": int(not lets_go)}
        if is_broken:
            changes |= {"is_broken": 1, "breaks": upload.breaks + 1}

        def work(connection: Connection) -> bool:
            if not self._is_changed(connection, upload, changes):
                return False
            if charged > upload.charged_bytes:
                self._charge(connection, upload, charged)
            values = {"upload_id": upload.upload_id, "number": upload.segment, "size": segment_size}
            self._database.run(connection, self._note, values)
            return True

        return self._database.commit(work)

    def note_arrival(self, upload: Upload) -> None:
        """Note that bytes arrive, or that the end is under way, for the holder of the epoch: so it does not expire."""
        self._change(upload, {"active_us": now_us()})

    def release(self, upload: Upload, *, begins_segment: bool) -> None:
        """Let an upload go after a request that failed, for the holder of the epoch."""
        changes: dict[str, Any] = {"is_held": 0, "is_wanted": 0, "is_broken": upload.is_broken}
        if begins_segment:
            changes["segment"] = upload.segment + 1
        self._change(upload, changes)

    def end_part(self, upload: Upload, state: str, code: str) -> None:
        """End a part of another upload, for the holder of its epoch."""
        changes = {"state": state, "error_code": code, "ended_us": now_us(), "is_held": 0, "digest": ""}

        def work(connection: Connection) -> None:
            if self._is_changed(connection, upload, changes):
                give_back(connection, upload.upload_id)

        self._database.commit(work)

    def ended_before(self, moment_us: int, most: int) -> Sequence[str]:
        """Uploads that ended before then."""
        ended = select(uploads.c.upload_id).where(uploads.c.ended_us < moment_us)
        return self._database.scalars(ended.limit(most))

    def forget(self, upload_id: str) -> None:
        """Drop the rows of an upload that has ended."""

        def work(connection: Connection) -> None:
            ended = uploads.c.upload_id == upload_id, uploads.c.state != RECEIVING
            if connection.execute(delete(uploads).where(*ended)).rowcount == 1:
                connection.execute(delete(upload_segments).where(upload_segments.c.upload_id == upload_id))

        self._database.commit(work)

    def due(self, idle_us: int, whole_us: int, most: int) -> list[Upload]:
        """Uploads whose time is up. A part that awaits others has no progress to make, and all of its time."""
        now = now_us()
        is_idle = and_(uploads.c.active_us <= now - idle_us, not_(AWAITS_OTHERS))
        late = or_(is_idle, uploads.c.created_us <= now - whole_us)
        statement = select(*COLUMNS).where(uploads.c.state == RECEIVING, late).limit(most)
        return [of_row(row) for row in self._database.rows(statement)]

    def living(self, among: Sequence[str]) -> set[str]:
        """Those of these uploads that are not over."""
        are_living = uploads.c.upload_id.in_(among), uploads.c.state == RECEIVING
        return set(self._database.scalars(select(uploads.c.upload_id).where(*are_living)))

    def count_receiving(self) -> tuple[int, int]:
        """The number of uploads under way, and when the oldest began; 0 without any."""
        oldest = func.coalesce(func.min(uploads.c.created_us), 0)
        row = self._database.rows(select(func.count(), oldest).where(uploads.c.state == RECEIVING))[0]
        return row[0], row[1]

    def _charge(self, connection: Connection, upload: Upload, charged: int) -> None:
        """Count more bytes towards the quota than were announced so far."""
        own = uploads.c.upload_id == upload.upload_id
        before = connection.execute(select(uploads.c.charged_bytes).where(own)).scalar_one()
        if charged > before:
            self._quotas.charge(connection, upload.principal, charged - before, files=0)
            connection.execute(update(uploads).where(own).values(charged_bytes=charged))

    def _change(self, upload: Upload, changes: Mapping[str, Any], is_held: int = 1) -> bool:
        """Change who holds an upload, False where that is another by now. A power cut may undo it: it leaves nobody who
        holds an upload, and whoever finds one held by nobody takes it by force."""
        change = partial(self._is_changed, upload=upload, changes=changes, is_held=is_held)
        return self._database.commit_unsynced(change)

    def _is_changed(
        self, connection: Connection, upload: Upload, changes: Mapping[str, Any], is_held: int = 1
    ) -> bool:
        """Change the row of an upload that is in the epoch in which it was seen; False where it is not."""
        seen = {"of_upload": upload.upload_id, "in_epoch": upload.epoch, "if_held": is_held}
        return self._database.run(connection, _CHANGE, {**changes, **seen}).rowcount == 1


def of_row(row: Row[Any]) -> Upload:
    return Upload(**row._mapping)
