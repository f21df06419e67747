"""One operation, one event: the only place that times what is done, commits it and reports it.

`with operation("file:delete", caller) as op:` appends an *open* line to the journal, and by its end exactly one
terminal record exists: the audit row committed inside `op.change(...)`, or a *closed* line that the shipper brings to
the database. Metrics, statistics, the request log and the answer's error code all read the same event.
"""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from sqlalchemy import Connection
from uuid_utils import uuid7

from filewallball import errors
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.errors.fields import recorded_faults
from filewallball.errors.translation import translate
from filewallball.recording.audit_rows import AuditWriter
from filewallball.recording.caller import Caller
from filewallball.recording.coalescing import Coalescer
from filewallball.recording.event import DENIED, FAILED, SUCCESS, Event
from filewallball.recording.journal import Journal
from filewallball.recording.settlement import is_unsettled
from filewallball.recording.steps import COMMIT, Step, timed
from filewallball.redaction import Redactor

T = TypeVar("T")
Promise = Callable[[Connection, Event], None]
logger = logging.getLogger("filewallball.error")
_USER_RESOURCES = ("user", "token")
_FILE_RESOURCES = ("file", "upload", "link", "ticket")
REFUSE = "http:refuse"
"""A request that the proxy refused: whatever the reason, the service never saw it."""


class Exchange(Protocol):
    """The part of a request that an operation needs: when it began, its trace, and where its event and its steps are
    left for the log and for its trace."""

    started: float
    event: Event | None
    steps: list[Step] | None

    @property
    def trace_id(self) -> str: ...

    def on_close(self, callback: Callable[[], None]) -> None: ...


@dataclass(slots=True)
class Ledger:
    """The records that operations write to, and the listeners that are told of each operation that has ended."""

    database: Database
    journal: Journal
    writer: AuditWriter
    coalescer: Coalescer
    listeners: tuple[Callable[[Event], None], ...] = ()
    new_id: Callable[[], str] = lambda: str(uuid7())
    """Makes the ids of events, each above the earlier ones of this host."""
    redactor: Redactor = field(default_factory=Redactor)

    def tell(self, event: Event) -> None:
        """Tell the listeners of an operation whose outcome is known."""
        for listener in self.listeners:
            listener(event)


@dataclass(slots=True)
class Operation:
    """One operation under way. Created by `operation()`; used as a context manager."""

    ledger: Ledger
    event: Event
    caller: Caller
    exchange: Exchange | None = None
    _started: float = field(default_factory=time.perf_counter)
    _details: dict[str, Any] = field(default_factory=dict)
    _timed: bool = True
    _committed: bool = False
    _unknown: bool = False
    _detached: bool = False
    promise: Promise | None = None
    """Changes, with the audit row, the row of the database that promised this operation; then no journal has it."""
    _ended: bool = False

    def __enter__(self) -> Self:
        if self.promise is None:
            self.ledger.journal.opened(self.event)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.finish(error)
        elif not self._detached:
            self.finish()

    def note(
        self,
        *,
        action: str | None = None,
        resource_id: str | None = None,
        file_type: str | None = None,
        file_size: int | None = None,
        cache: str | None = None,
        link_id: str | None = None,
        trace_id: str | None = None,
        suspicious: bool | None = None,
        over_limit: bool | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Fill fields of the event, and its details, as they become known; None leaves a field as it is."""
        event = self.event
        if action is not None:
            event.action = action
        if resource_id is not None:
            event.resource_id = resource_id
        if file_type is not None:
            event.file_type = file_type
        if file_size is not None:
            event.file_size = file_size
        if cache is not None:
            event.cache = cache
        if link_id or trace_id:
            event.link_id, event.trace_id = link_id or event.link_id, trace_id or event.trace_id
        if suspicious is not None:
            event.suspicious = suspicious
        if over_limit is not None:
            event.over_limit = over_limit
        if details:
            self._details.update(details)

    def act_for(self, caller: Caller) -> None:
        """Go on as this caller, whom the request has proved to come from only now."""
        event, self.caller = self.event, caller
        event.user_id, event.username, event.token_id = caller.user_id, caller.username, caller.token_id

    def step(self, name: str) -> AbstractContextManager[None]:
        """A `with` block whose time the trace of the request shows by itself."""
        return timed(self.exchange.steps if self.exchange is not None else None, name)

    def exclude_from_timing(self) -> None:
        """Somebody else sends the bytes (nginx), so the duration seen here says nothing and stays out of averages."""
        self._timed = False

    def change(self, work: Callable[[Connection], T], undo: Callable[[], object] = lambda: None) -> T:
        """Run `work` in one write transaction together with the operation's audit row, and commit.

        `work` may run up to four times and in another thread (see `Database.commit`): it must only touch the
        database. `undo` takes back what was prepared outside of it; it is called where nothing was committed.
        Raises CommitUnknown if COMMIT itself failed and what it did cannot be known: then nothing is taken back, and
        the listeners are told when the outcome is known (`settlement`).
        """

        def complete(connection: Connection) -> T:
            if self.promise is not None:
                self.promise(connection, self.event)
            result = work(connection)
            self._complete(None)
            self.ledger.writer.append(connection, self.event)
            return result

        try:
            with self.step(COMMIT):
                result = self.ledger.database.commit(complete)
        except errors.CommitUnknown:
            raise
        except Exception:
            undo()
            raise
        except BaseException:  # the process is being ended, perhaps in the middle of COMMIT
            self._unknown = True
            raise
        self._committed = True
        self._journal(self.ledger.journal.committed)
        return result

    def refuse(self, error: errors.ApiError) -> None:
        """End an operation that a row of the database promised: the refusal is put on record as that row changes."""
        self._complete(error)

        def work(connection: Connection) -> None:
            if self.promise is not None:
                self.promise(connection, self.event)
            self.ledger.writer.append(connection, self.event)

        with self.step(COMMIT):
            self.ledger.database.commit(work)
        self._committed = True
        self.finish(error)

    def detach(self) -> None:
        """Let the operation outlive its `with` block: somebody calls `finish` when the last byte has left."""
        self._detached = True

    def finish(self, error: BaseException | None = None) -> None:
        """End the operation once; later calls do nothing."""
        if self._ended:
            return
        self._ended = True
        if not self._committed:
            self._complete(errors.CommitUnknown() if self._unknown else error)
            self._close()
        if not is_unsettled(vars(self.event)):  # else it is told when it is settled
            self.ledger.tell(self.event)
        if self.exchange is not None:
            self.exchange.event = self.event

    def _complete(self, error: BaseException | None) -> None:
        event = self.event
        event.status, event.error_type = SUCCESS, ""
        if error is not None:
            cause = translate(error)
            event.status = DENIED if cause.denied or event.action == REFUSE else FAILED
            event.error_type = cause.code
            self._details.update(cause.facts)
            if faults := recorded_faults(cause):
                self._details["errors"] = faults
        elapsed = round((time.perf_counter() - self._started) * 1e6)
        event.duration_us = max(1, elapsed) if self._timed else 0
        if event.suspicious:
            self._details["suspicious"] = True  # the audit row has no column for it, and statistics count it
        event.set_details(self._details)
        event.hide_secrets(self.ledger.redactor)

    def _close(self) -> None:
        """Write the terminal line. Where the journal is full by now, it keeps the line for later."""
        event = self.event
        if event.status != SUCCESS and errors.is_refusal(event.error_type):
            with suppress(errors.AuditUnavailable):
                if self.ledger.coalescer.absorb(event):
                    return
        self._journal(self.ledger.journal.closed)

    def _journal(self, write: Callable[[Event], None]) -> None:
        if self.promise is not None:
            return
        try:
            write(self.event)
        except errors.AuditUnavailable:
            logger.error("Audit journal cannot be written", extra={"request_id": self.event.request_id})


def operation(
    ledger: Ledger,
    action: str,
    caller: Caller,
    *,
    resource_id: str = "",
    endpoint: str = "",
    link_id: str = "",
    exchange: Exchange | None = None,
    promise: Promise | None = None,
) -> Operation:
    """Begin an operation. Entering it raises AuditUnavailable if it cannot be put on record: then nothing is done."""
    event = Event(
        event_id=ledger.new_id(),
        timestamp_us=now_us(),
        action=action,
        resource_type=resource_type(action),
        resource_id=resource_id,
        user_id=caller.user_id,
        username=caller.username,
        token_id=caller.token_id,
        ip_address=caller.ip_address,
        user_agent=caller.user_agent,
        request_id=caller.request_id,
        endpoint=endpoint,
        link_id=link_id,
        trace_id=exchange.trace_id if exchange is not None else "",
    )
    started = exchange.started if exchange is not None else time.perf_counter()
    begun = Operation(ledger, event, caller, exchange, _started=started, promise=promise)
    if caller.operator:
        begun.note(details={"operator": dict(caller.operator)})
        event.set_details({"operator": dict(caller.operator)})
    event.hide_secrets(ledger.redactor)
    return begun


@lru_cache
def resource_type(action: str) -> str:
    """file, user (users and tokens) or system, from the action's first word."""
    kind = action.partition(":")[0]
    if kind in _FILE_RESOURCES:
        return "file"
    return "user" if kind in _USER_RESOURCES else "system"
