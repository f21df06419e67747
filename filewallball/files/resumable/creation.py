"""Creating an upload: what may be known before a byte comes is checked, and what was announced is charged."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select

from filewallball import errors
from filewallball.access import Quotas
from filewallball.access.tables import generations
from filewallball.clock import now_us
from filewallball.database.columns import equals
from filewallball.database.connections import Database
from filewallball.files.naming import display_name
from filewallball.files.resumable.metadata import Metadata
from filewallball.files.resumable.progress import COLUMNS, Upload, of_row
from filewallball.files.resumable.protocol import Concat
from filewallball.files.resumable.tables import DONE, FINAL, PARTIAL, RECEIVING, uploads
from filewallball.files.tables import UNLISTED
from filewallball.files.upload import refuse_ownerless
from filewallball.recording.operations import Operation
from filewallball.settings.service import Settings
from filewallball.storage.local import LocalStore

Also = Callable[[Connection, str], object]
"""Runs in the transaction that begins an upload of this id."""


@dataclass(frozen=True, slots=True)
class Announced:
    """The announcement of an upload by its client."""

    length: int | None
    metadata: Metadata
    concat: Concat | None = None

    @property
    def kind(self) -> str:
        if self.concat is None:
            return ""
        return FINAL if self.concat.is_final else PARTIAL


class Creation:
    """Makes the rows of uploads."""

    def __init__(self, settings: Settings, database: Database, store: LocalStore, quotas: Quotas) -> None:
        self._database = database
        self._store = store
        self._quotas = quotas
        self._max_bytes = settings.max_upload_size
        self._per_client = settings.uploads_per_client
        first = database.dialect.insert(generations).values(name="uploads", value=1)
        again = {"value": generations.c.value + 1}
        self._next = database.dialect.upsert(first, [generations.c.name], again)

    def create(
        self, op: Operation, announced: Announced, also: Also = lambda connection, upload_id: None
    ) -> Upload:
        """A new upload; `also` runs in its transaction.

        Raises QuotaExceeded, FileTooLarge, ValidationFailed, StorageFull, TooManyUploads.
        """
        length, metadata = announced.length or 0, announced.metadata
        filename = display_name(metadata.filename)
        op.note(file_size=length, details={"filename": filename})
        if announced.kind != FINAL:  # the bytes of that are charged already
            self._quotas.refuse_early(op.caller)
        if length > self._max_bytes:
            raise errors.FileTooLarge(
                f"The limit is {self._max_bytes} bytes; the upload has {length}.",
                facts={"max_size": self._max_bytes, "file_size": length},
            )
        refuse_ownerless(metadata.option("visibility", UNLISTED), op.caller)
        self._store.check_mounted()
        self._store.spare_bytes(length)
        values = _values(op, announced, filename)
        op.note(resource_id=values["upload_id"])

        def begin(connection: Connection) -> None:
            self._insert(connection, values)
            also(connection, values["upload_id"])

        op.change(begin)
        return Upload(**{column.name: values[column.name] for column in COLUMNS})

    def find_final(self, op: Operation, announced: Announced) -> Upload | None:
        """The upload of the same parts with the same metadata that this caller asked for before, or None."""
        statement = (
            select(*COLUMNS)
            .where(
                uploads.c.principal == op.caller.principal,
                uploads.c.state.in_((RECEIVING, DONE)),
                uploads.c.kind == FINAL,
                equals(uploads.c.concat, announced.concat.raw if announced.concat else ""),
                equals(uploads.c.metadata, announced.metadata.raw),
            )
            .order_by(uploads.c.created_us.desc())
            .limit(1)
        )
        rows = self._database.rows(statement)
        return of_row(rows[0]) if rows else None

    def refuse_sum(self, parts: Sequence[Upload]) -> int:
        """The length of a concatenation. Raises FileTooLarge."""
        total = sum(part.received for part in parts)
        if total > self._max_bytes:
            raise errors.FileTooLarge(f"The limit is {self._max_bytes} bytes; the parts have {total}.")
        return total

    def _insert(self, connection: Connection, values: dict[str, Any]) -> None:
        connection.execute(self._next)  # two that begin at once wait for each other
        own = uploads.c.principal == values["principal"], uploads.c.state == RECEIVING
        count = connection.execute(select(func.count()).where(*own)).scalar_one()
        if count >= self._per_client:
            raise errors.TooManyUploads(f"At most {self._per_client} may be unfinished.")
        if values["charged_bytes"] or values["charged_files"]:
            self._quotas.charge(
                connection, values["principal"], values["charged_bytes"], values["charged_files"]
            )
        connection.execute(insert(uploads), values)


def _values(op: Operation, announced: Announced, filename: str) -> dict[str, Any]:
    caller, now, is_final = op.caller, now_us(), announced.kind == FINAL
    return {
        "upload_id": secrets.token_hex(16),
        "state": RECEIVING,
        "kind": announced.kind,
        "principal": caller.principal,
        "user_id": caller.user_id,
        "username": caller.username,
        "token_id": caller.token_id,
        "client_ip": caller.ip_address,
        "length": announced.length,
        "received": 0,
        "epoch": 0,
        "segment": 0,
        "is_held": 0,
        "is_wanted": 0,
        "is_broken": 0,
        "breaks": 0,
        "charged_bytes": 0 if is_final else announced.length or 0,
        "charged_files": 0 if announced.kind else 1,
        "metadata": announced.metadata.raw,
        "concat": announced.concat.raw if announced.concat else "",
        "filename": filename,
        "created_us": now,
        "active_us": now,
        "ended_us": None,
        "event_id": "",
        "file_id": "",
        "error_code": "",
        "digest": "",
    }
