"""Alerts that Alertmanager sends: each is kept once, with the SMS that it asks for."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Row, and_, case, func, or_, select

from filewallball.alerts.tables import FIRING, RESOLVED, WAITING, alert_messages, alerts
from filewallball.clock import now_us
from filewallball.database.columns import equals
from filewallball.database.connections import Database
from filewallball.ops.alertmanager import wants_sms
from filewallball.recording.operations import Operation
from filewallball.redaction import hide_tokens
from filewallball.text import sanitize
from filewallball.web import paging

_TEXT_BYTES = 2000


def receive(op: Operation, database: Database, body: dict[str, Any], recipients: Iterable[str]) -> None:
    """Keep the alerts of one notification; those whose receiver has SMS get one message for each recipient.

    The same alert in the same state again changes nothing but when it was last heard of.
    """
    receiver = sanitize(body["receiver"], 64)
    told = tuple(recipients) if wants_sms(receiver) else ()
    rows = [_row(alert, receiver) for alert in body["alerts"]]
    op.note(details={"receiver": receiver, "alerts": [f"{row['name']} {row['status']}" for row in rows[:20]]})

    def work(connection: Connection) -> None:
        for row in rows:
            _keep(database, connection, row)
            if told:
                _add_messages(database, connection, row, told)

    op.change(work)


def list_alerts(
    database: Database, *, status: str = "", name: str = "", page: int = 1, size: int = 100, cursor: str = ""
) -> tuple[Sequence[Row[Any]], str | None]:
    """One page of the alerts received, newest first, and the cursor that leads on.

    Raises ValidationFailed for a foreign cursor.
    """
    wanted = [alerts.c.status == status] if status else []
    wanted += [equals(alerts.c.name, name)] if name else []
    if cursor:
        moment, row_id = paging.decode(cursor)
        further = or_(alerts.c.starts_us < moment, alerts.c.id < row_id)
        wanted.append(and_(alerts.c.starts_us <= moment, further))
    statement = (
        select(*alerts.c)
        .where(*wanted)
        .order_by(alerts.c.starts_us.desc(), alerts.c.id.desc())
        .limit(size + 1)
        .offset(0 if cursor else (page - 1) * size)
    )
    rows = database.rows(statement)
    last = paging.encode(rows[size - 1].starts_us, rows[size - 1].id) if len(rows) > size else None
    return rows[:size], last


def count_firing(database: Database) -> int:
    """Count the alerts that fire now."""
    statement = select(func.count()).select_from(alerts).where(alerts.c.status == FIRING)
    return int(database.scalar(statement))


def messages_of(database: Database, alert_ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """The SMS about these alerts, oldest first."""
    found: dict[int, list[Row[Any]]] = {alert_id: [] for alert_id in alert_ids}
    if alert_ids:
        of_them = alert_messages.c.alert_id.in_(alert_ids)
        statement = select(alert_messages).where(of_them).order_by(alert_messages.c.id)
        for row in database.rows(statement):
            found[row.alert_id].append(row)
    return found


def _row(alert: dict[str, Any], receiver: str) -> dict[str, Any]:
    labels, now = alert["labels"], now_us()
    resolved = alert["status"] == RESOLVED
    return {
        "fingerprint": alert["fingerprint"],
        "starts_us": alert["starts_at"],
        "ends_us": alert["ends_at"] if resolved else None,
        "status": alert["status"],
        "name": sanitize(labels.get("alertname", ""), 128),
        "severity": sanitize(labels.get("severity", ""), 32),
        "receiver": receiver,
        "labels": _json(labels),
        "annotations": _json(alert["annotations"]),
        "received_us": now,
        "updated_us": now,
    }


def _json(texts: dict[str, str]) -> str:
    return orjson.dumps(
        {sanitize(name, 128): hide_tokens(sanitize(text, _TEXT_BYTES)) for name, text in texts.items()}
    ).decode()


def _keep(database: Database, connection: Connection, row: dict[str, Any]) -> None:
    """Insert the alert or bring it up to date. What is over stays over, however late an old notification comes."""
    statement = database.dialect.insert(alerts).values(row)
    new = database.dialect.incoming(statement)
    over = alerts.c.status == RESOLVED
    changes = {
        # MariaDB assigns in the order of the columns, where the end stands before the status that it depends on.
        "ends_us": case((over, alerts.c.ends_us), else_=new.ends_us),
        "status": case((over, alerts.c.status), else_=new.status),
        "updated_us": new.updated_us,
    }
    connection.execute(
        database.dialect.upsert(statement, [alerts.c.fingerprint, alerts.c.starts_us], changes)
    )


def _add_messages(
    database: Database, connection: Connection, row: dict[str, Any], recipients: tuple[str, ...]
) -> None:
    same = and_(alerts.c.fingerprint == row["fingerprint"], alerts.c.starts_us == row["starts_us"])
    alert_id = connection.execute(select(alerts.c.id).where(same)).scalar_one()
    wanted = {"alert_id": alert_id, "status": row["status"], "state": WAITING, "attempts": 0}
    times = {"created_us": row["received_us"], "due_us": row["received_us"]}
    connection.execute(
        database.dialect.insert_ignoring(alert_messages),
        [{**wanted, **times, "recipient": recipient, "sent_us": None} for recipient in recipients],
    )
