"""The job that sends waiting SMS: one at a time, each attempt on record, again after growing pauses for a day."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Update, delete, or_, select, update

from filewallball import errors
from filewallball.alerts.channels import SmsChannel
from filewallball.alerts.tables import GIVEN_UP, RESOLVED, SENT, WAITING, alert_messages, alerts
from filewallball.clock import now_us
from filewallball.database.connections import Database
from filewallball.recording.operations import Operation
from filewallball.text import truncate

logger = logging.getLogger("filewallball.alerts")
SECOND_US = 1_000_000
FIRST_PAUSE_US = 15 * SECOND_US
LONGEST_PAUSE_US = 900 * SECOND_US
PATIENCE_US = 86_400 * SECOND_US
_LEASE_US = 300 * SECOND_US
_MOST_AT_ONCE = 50
_SMS_BYTES = 480


class Messenger:
    """Sends what is due. Any number may run at once: each takes a message by moving its due time."""

    def __init__(
        self, database: Database, channel: SmsChannel, begin: Callable[[str, str], Operation]
    ) -> None:
        self._database = database
        self._channel = channel
        self._begin = begin

    def run(self) -> None:
        """One attempt for every message that is due."""
        for row in self._due():
            if self._take(row):
                self._attempt(row)

    def _due(self) -> Sequence[Row[Any]]:
        statement = (
            select(*alert_messages.c, *(alerts.c[name] for name in ("name", "labels", "annotations")))
            .join(alerts, alerts.c.id == alert_messages.c.alert_id)
            .where(alert_messages.c.state == WAITING, _is_due(now_us()))
            .order_by(alert_messages.c.due_us, alert_messages.c.id)
            .limit(_MOST_AT_ONCE)
        )
        return self._database.rows(statement)

    def _take(self, row: Row[Any]) -> bool:
        """Keep others away for longer than an attempt takes."""
        statement = _update(row, WAITING, row.due_us).values(
            due_us=now_us() + _LEASE_US, attempts=alert_messages.c.attempts + 1
        )
        with self._database.begin() as connection:
            return connection.execute(statement).rowcount == 1

    def _attempt(self, row: Row[Any]) -> None:
        attempts = row.attempts + 1
        with suppress(errors.NotificationFailed):
            with self._begin("alert:send", str(row.alert_id)) as op:
                op.note(details={"alert": row.name, "status": row.status, "attempt": attempts})
                self._send(row)
                op.change(lambda connection: _mark_sent(connection, row.id))
            return
        self._put_off(row, attempts)

    def _send(self, row: Row[Any]) -> None:
        if row.recipient not in self._channel.recipients():
            raise errors.NotificationFailed("This recipient is no longer among the settings.")
        try:
            taken = self._channel.send(row.recipient, sms_text(row))
        except Exception as error:
            logger.exception("The SMS channel is broken")
            raise errors.NotificationFailed from error
        if not taken:
            logger.warning("An SMS was not taken", extra={"alert": row.name, "status": row.status})
            raise errors.NotificationFailed

    def _put_off(self, row: Row[Any], attempts: int) -> None:
        now = now_us()
        state = GIVEN_UP if now - row.created_us >= PATIENCE_US else WAITING
        due = now + pause_us(attempts)
        with self._database.begin() as connection:
            connection.execute(_update(row, WAITING).values(state=state, due_us=due))


def pause_us(attempts: int) -> int:
    """The pause after so many attempts, in microseconds."""
    return int(min(FIRST_PAUSE_US * 2 ** min(attempts - 1, 10), LONGEST_PAUSE_US))


def sms_text(row: Row[Any]) -> str:
    """The text of an SMS: state, alert, host, instance and meaning."""
    labels, annotations = orjson.loads(row.labels), orjson.loads(row.annotations)
    where = " ".join(filter(None, (labels.get("host"), labels.get("instance"))))
    state = "RESOLVED" if row.status == RESOLVED else "FIRING"
    said = ". ".join(filter(None, (annotations.get("summary"), annotations.get("description"))))
    return truncate(" ".join(filter(None, (f"[{state}]", row.name, where))) + f": {said}", _SMS_BYTES)


def forget_old(database: Database, before_us: int) -> None:
    """Delete ended alerts that nothing was heard of since, and their messages."""
    old = select(alerts.c.id).where(alerts.c.status == RESOLVED, alerts.c.updated_us < before_us).limit(1000)
    ids = database.scalars(old)
    if ids:
        with database.begin() as connection:
            connection.execute(delete(alert_messages).where(alert_messages.c.alert_id.in_(ids)))
            connection.execute(delete(alerts).where(alerts.c.id.in_(ids), alerts.c.status == RESOLVED))


def _is_due(now: int) -> ColumnElement[bool]:
    """That its time has come, or lies further ahead than any pause: then the clock was set back since."""
    due = alert_messages.c.due_us
    return or_(due <= now, due > now + LONGEST_PAUSE_US)


def _update(row: Row[Any], state: str, due_us: int | None = None) -> Update:
    statement = update(alert_messages).where(alert_messages.c.id == row.id, alert_messages.c.state == state)
    return statement if due_us is None else statement.where(alert_messages.c.due_us == due_us)


def _mark_sent(connection: Connection, message_id: int) -> None:
    statement = (
        update(alert_messages).where(alert_messages.c.id == message_id).values(state=SENT, sent_us=now_us())
    )
    connection.execute(statement)
