"""Reserving idempotency keys: of all requests that show one key, at any time and on any host, one at most creates.

A small transaction gives the key to one operation. The transaction of what it creates marks the key as done, and fails
where another operation has taken the key meanwhile. Refusals free it. A key whose holder is dead is taken over at
once where the holder's end is on record, for then its COMMIT can no longer take effect, else freed by `expiry`.
"""

import logging
import threading
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, bindparam, delete, select, update

from filewallball import errors
from filewallball.clock import now_us, steady_seconds
from filewallball.database.connections import Database
from filewallball.errors.translation import translate
from filewallball.idempotency.keys import IdempotencyKey
from filewallball.idempotency.tables import DONE, OF_KEY, RUNNING, idempotency_keys
from filewallball.recording.settlement import has_failed

RENEWED_SECONDS = 5.0
_LONGEST_SECONDS = 12 * 3600.0
_OF_THE_DATABASE = (errors.Unavailable.code, errors.CommitUnknown.code)
_HELD = (*OF_KEY, idempotency_keys.c.holder == bindparam("of_holder"), idempotency_keys.c.state == RUNNING)
_ENDED = (*OF_KEY, idempotency_keys.c.holder == bindparam("of_holder"), idempotency_keys.c.state == DONE)
_FIND = select(
    idempotency_keys.c.state,
    idempotency_keys.c.holder,
    idempotency_keys.c.content_digest,
    idempotency_keys.c.answer,
).where(*OF_KEY)
_RENEW = update(idempotency_keys).where(*_HELD).values(beat=idempotency_keys.c.beat + 1)
_FORGET = delete(idempotency_keys).where(*_ENDED)
_AMEND = update(idempotency_keys).where(*_ENDED)
_FREE = delete(idempotency_keys).where(*_HELD)
_TAKE_OVER = update(idempotency_keys).where(*_HELD).values(holder=bindparam("by"), beat=0)
_FINISH = update(idempotency_keys).where(*_HELD)
logger = logging.getLogger("filewallball.idempotency")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The earlier creation under a key: the digest of what was asked for, and the answer."""

    content_digest: str
    answer: bytes
    holder: str = field(default="", compare=False)
    """The event id of the operation that created it."""


@dataclass(slots=True, eq=False)
class Reservation:
    """A key that this operation holds. A context manager that frees the key if nothing was created."""

    key: IdempotencyKey
    holder: str
    owner: "Reservations"
    _began: float = field(default_factory=steady_seconds)
    _has_moved: bool = False
    _is_at_work: bool = False
    _is_fulfilled: bool = False

    def progress(self) -> None:
        """Something arrived from the client: the key stays held for a while. Costs nothing."""
        self._has_moved = True

    def at_work(self) -> None:
        """All has arrived: from now on the key stays held as long as this process works."""
        self._is_at_work = True

    def fulfil(self, connection: Connection, content_digest: str, answer: bytes) -> None:
        """Mark the key as done, in the transaction that creates. Raises IdempotencyKeyInUse where another operation
        has taken the key; the caller's transaction rolls back."""
        done = {
            "state": DONE,
            "content_digest": content_digest,
            "answer": self.key.seal(answer),
            "done_us": now_us(),
        }
        held = connection.execute(_FINISH.values(**done), self.names()).rowcount
        if held != 1 and not self._take_again(connection, done):
            raise errors.IdempotencyKeyInUse("Another request with this key was faster.")
        self._is_fulfilled = True

    def take_due(self) -> bool:
        """True if the key must be renewed; asked by the owner."""
        is_due = self._is_at_work or self._has_moved
        self._has_moved = False
        return is_due

    def names(self) -> dict[str, str]:
        """The parameters that statements know the held key by."""
        return {**_names(self.key), "of_holder": self.holder}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.owner.give_back(self, frees=self._frees(error))

    def _take_again(self, connection: Connection, done: dict[str, object]) -> bool:
        """Take the key that was freed while its client paused, if nobody has; not after so long that an outcome under
        it may have been forgotten."""
        if steady_seconds() - self._began > _LONGEST_SECONDS:
            return False
        values = {**_row(self.key, self.holder), **done}
        return connection.execute(self.owner.insert_ignoring.values(**values)).rowcount == 1

    def _frees(self, error: BaseException | None) -> bool:
        """True after a refusal. After a failure of the database the row of the operation's event decides, and after
        one that ends the process `expiry` does: the change may yet take effect."""
        if error is None:
            return not self._is_fulfilled
        return isinstance(error, Exception) and translate(error).code not in _OF_THE_DATABASE


class Reservations:
    """The reservations of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: set[Reservation] = set()
        self._lock = threading.Lock()
        self.insert_ignoring = database.dialect.insert_ignoring(idempotency_keys)
        same = {"state": idempotency_keys.c.state}
        keys = [idempotency_keys.c.principal, idempotency_keys.c.key_digest]
        self._reserve = database.dialect.upsert(database.dialect.insert(idempotency_keys), keys, same)

    def reserve(self, key: IdempotencyKey, holder: str) -> Reservation | Outcome:
        """The key for the operation with the event id `holder`, or what was created under it before.

        Raises IdempotencyKeyInUse while another operation holds it.
        """
        if outcome := self._database.query(partial(self._look, key)):
            self._database.sync()  # whoever created it may still wait for the disk
            return outcome
        try:
            taken = self._database.commit(partial(self._take, key, holder))
        except errors.CommitUnknown as error:
            raise errors.Unavailable from error  # nothing was created; `expiry` frees a key that was taken
        if isinstance(taken, Outcome):
            return taken
        reservation = Reservation(key, holder, self)
        with self._lock:
            self._held.add(reservation)
        return reservation

    def forget(self, key: IdempotencyKey, outcome: Outcome) -> None:
        """Free a key whose outcome is worth nothing any more, unless somebody has used it anew."""
        names = {**_names(key), "of_holder": outcome.holder}
        with self._database.begin() as connection:
            connection.execute(_FORGET, names)

    def amend(self, connection: Connection, key: IdempotencyKey, holder: str, answer: bytes) -> None:
        """Keep another answer under a key that is done, in the transaction that changes what there is to tell."""
        names = {**_names(key), "of_holder": holder}
        connection.execute(_AMEND.values(answer=key.seal(answer)), names)

    def renew(self) -> None:
        """Show that the holders of the keys of this process go on; to be called every RENEWED_SECONDS."""
        with self._lock:
            due = [reservation for reservation in self._held if reservation.take_due()]
        if not due:
            return
        try:
            with self._database.begin() as connection:
                connection.execute(_RENEW, [reservation.names() for reservation in due])
        except Exception:
            for reservation in due:
                reservation.progress()
            raise

    def give_back(self, reservation: Reservation, *, frees: bool) -> None:
        """Hold a key no longer; called by the reservation itself."""
        with self._lock:
            self._held.discard(reservation)
        if not frees:
            return
        try:
            with self._database.begin() as connection:
                connection.execute(_FREE, reservation.names())
        except Exception as error:  # the answer is another; `expiry` frees the key
            logger.warning("An idempotency key was not freed", extra={"error_type": translate(error).code})

    def _look(self, key: IdempotencyKey, connection: Connection) -> Outcome | None:
        """The outcome under the key; None if the key can be taken. Waits for no lock.

        Raises IdempotencyKeyInUse.
        """
        row = connection.execute(_FIND, _names(key)).one_or_none()
        if row is None:
            return None
        if row.state == DONE:
            return Outcome(row.content_digest, key.unseal(bytes(row.answer)), row.holder)
        if has_failed(connection, row.holder):
            return None
        raise errors.IdempotencyKeyInUse

    def _take(self, key: IdempotencyKey, holder: str, connection: Connection) -> Outcome | None:
        """Take the key in a transaction; None if this holder has it now. Raises IdempotencyKeyInUse."""
        connection.execute(self._reserve.values(**_row(key, holder)))
        held_by = str(connection.execute(_FIND, _names(key)).one().holder)
        if held_by == holder:
            return None
        if (outcome := self._look(key, connection)) is None:
            connection.execute(_TAKE_OVER, {**_names(key), "of_holder": held_by, "by": holder})
        return outcome


def _names(key: IdempotencyKey) -> dict[str, str]:
    return {"of_principal": key.principal, "of_digest": key.digest}


def _row(key: IdempotencyKey, holder: str) -> dict[str, object]:
    return {
        "principal": key.principal,
        "key_digest": key.digest,
        "state": RUNNING,
        "holder": holder,
        "beat": 0,
        "content_digest": "",
    }
