"""Totals of the audit log by action, outcome and hour."""

from sqlalchemy import BigInteger, Column, Table

from filewallball.database.columns import code_type
from filewallball.database.metadata import metadata

audit_totals = Table(
    "audit_totals",
    metadata,
    Column("action", code_type(40), primary_key=True),
    Column("status", code_type(8), primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("row_count", BigInteger, nullable=False),
)
"""The number of sealed rows of an action and outcome in each hour, so that totals need no counting."""
