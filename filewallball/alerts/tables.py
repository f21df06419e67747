"""Alerts as Alertmanager sent them, and the SMS that they became."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from filewallball.database.columns import code_type, key_type, name_type, text_type
from filewallball.database.metadata import metadata

FIRING, RESOLVED = "firing", "resolved"
WAITING, SENT, GIVEN_UP = "waiting", "sent", "given_up"

alerts = Table(
    "alerts",
    metadata,
    Column("id", key_type(), primary_key=True, autoincrement=True),
    Column("fingerprint", code_type(64), nullable=False),
    Column("starts_us", BigInteger, nullable=False),
    Column("ends_us", BigInteger),
    Column("status", code_type(8), nullable=False),
    Column("name", name_type(128), nullable=False),
    Column("severity", name_type(32), nullable=False),
    Column("receiver", name_type(64), nullable=False),
    Column("labels", text_type(), nullable=False),
    Column("annotations", text_type(), nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
    UniqueConstraint("fingerprint", "starts_us", name="uq_alerts_fingerprint"),
    Index("ix_alerts_start", "starts_us", "id"),
    Index("ix_alerts_status", "status", "starts_us", "id"),
)
"""One alert from its start to its end; `labels` and `annotations` are JSON text."""

alert_messages = Table(
    "alert_messages",
    metadata,
    Column("id", key_type(), primary_key=True, autoincrement=True),
    Column("alert_id", key_type(), ForeignKey("alerts.id"), nullable=False),
    Column("status", code_type(8), nullable=False),
    Column("recipient", code_type(16), nullable=False),
    Column("state", code_type(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Column("sent_us", BigInteger),
    UniqueConstraint("alert_id", "status", "recipient", name="uq_alert_messages_alert"),
    Index("ix_alert_messages_due", "state", "due_us"),
)
"""One SMS to one recipient about the start or the end of an alert; due at `due_us` while it waits."""
