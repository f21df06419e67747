"""Alerts as Alertmanager sent them, and the SMS that they became."""

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from filewallball.database.columns import code_type, key_type, name_type, text_type
from filewallball.database.tables import Base

FIRING, RESOLVED = "firing", "resolved"
WAITING, SENT, GIVEN_UP = "waiting", "sent", "given_up"


class Alert(Base):
    """One alert from its start to its end; `labels` and `annotations` are JSON text."""

    __tablename__ = "alerts"
    __table_args__ = (
        UniqueConstraint("fingerprint", "starts_us", name="uq_alerts_fingerprint"),
        Index("ix_alerts_start", "starts_us", "id"),
        Index("ix_alerts_status", "status", "starts_us", "id"),
    )

    id: Mapped[int] = mapped_column(key_type(), primary_key=True, autoincrement=True)
    fingerprint: Mapped[str] = mapped_column(code_type(64))
    starts_us: Mapped[int] = mapped_column(BigInteger)
    ends_us: Mapped[int | None] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(code_type(8))
    name: Mapped[str] = mapped_column(name_type(128))
    severity: Mapped[str] = mapped_column(name_type(32))
    receiver: Mapped[str] = mapped_column(name_type(64))
    labels: Mapped[str] = mapped_column(text_type())
    annotations: Mapped[str] = mapped_column(text_type())
    received_us: Mapped[int] = mapped_column(BigInteger)
    updated_us: Mapped[int] = mapped_column(BigInteger)


class AlertMessage(Base):
    """One SMS to one recipient about the start or the end of an alert; due at `due_us` while it waits."""

    __tablename__ = "alert_messages"
    __table_args__ = (
        UniqueConstraint("alert_id", "status", "recipient", name="uq_alert_messages_alert"),
        Index("ix_alert_messages_due", "state", "due_us"),
    )

    id: Mapped[int] = mapped_column(key_type(), primary_key=True, autoincrement=True)
    alert_id: Mapped[int] = mapped_column(key_type(), ForeignKey("alerts.id"))
    status: Mapped[str] = mapped_column(code_type(8))
    recipient: Mapped[str] = mapped_column(code_type(16))
    state: Mapped[str] = mapped_column(code_type(8))
    attempts: Mapped[int] = mapped_column(Integer)
    created_us: Mapped[int] = mapped_column(BigInteger)
    due_us: Mapped[int] = mapped_column(BigInteger)
    sent_us: Mapped[int | None] = mapped_column(BigInteger)
