"""Settling: finding out what became of a change whose COMMIT got no answer (`commit_unknown`).

The shipper inserts the closed event like any other. If the change was kept, its own row has the same event_id, came
first and stays; otherwise the row of the shipped event stands, and a COMMIT that arrives after it fails. Either way the
row tells the outcome, and only then is the operation counted.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, select

from filewallball.database.connections import Database
from filewallball.errors import CommitUnknown
from filewallball.recording.event import SUCCESS, Event
from filewallball.recording.tables import audit_log

MARK = b'"error_type":"%b"' % CommitUnknown.code.encode()
"""The bytes by which the journal line of such an event is known: within a string its quotes would be escaped."""
_CHUNK = 500
logger = logging.getLogger("filewallball.audit")


def is_unsettled(fields: Mapping[str, Any]) -> bool:
    """True for the closed event of a change whose outcome was unknown when the journal got it."""
    return bool(fields["error_type"] == CommitUnknown.code)


def settle(database: Database, shipped: Iterable[Mapping[str, Any]]) -> list[Event]:
    """Those of the shipped events that were unsettled, with the outcome that their rows have."""
    events = {fields["event_id"]: dict(fields) for fields in shipped if is_unsettled(fields)}
    ids = list(events)
    settled: list[Event] = []
    for start in range(0, len(ids), _CHUNK):
        for row in database.rows(_OUTCOMES.where(audit_log.c.event_id.in_(ids[start : start + _CHUNK]))):
            settled.append(Event.from_json({**events[row.event_id], **row._mapping}))
    for event in settled:
        extra = {"request_id": event.request_id, "action": event.action, "status": event.status}
        logger.warning("The outcome of a change is known", extra=extra)
    return settled


def has_failed(connection: Connection, event_id: str) -> bool:
    """True if an operation is on record as failed or refused: then no change of it can take effect any more."""
    status = connection.execute(_STATUS.where(audit_log.c.event_id == event_id)).scalar()
    return status is not None and status != SUCCESS


_STATUS = select(audit_log.c.status)
_OUTCOMES = select(*(audit_log.c[name] for name in ("event_id", "status", "error_type", "duration_us")))
