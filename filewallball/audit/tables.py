"""What seals the audit log: the blocks of its rows, the head of their chain, and totals of what they hold."""

from sqlalchemy import BigInteger, Column, Integer, Table

from filewallball.database.columns import code_type
from filewallball.database.tables import db

audit_blocks = Table(
    "audit_blocks",
    db.metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("first_id", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("first_us", BigInteger, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Column("sealed_us", BigInteger, nullable=False),
    Column("seal", code_type(64), nullable=False),
    Column("pruned_us", BigInteger),
    Column("stub", code_type(64), default="", nullable=False),
)
"""A run of rows sealed together. A block with `pruned_us` is a stub: its rows, and all before them, are gone."""

audit_chain = Table(
    "audit_chain",
    db.metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("seal", code_type(64), nullable=False),
    Column("pruned", BigInteger, nullable=False),
)
"""The head of the chain, a single row: what every digest must advance, so that two never seal the same rows."""

audit_totals = Table(
    "audit_totals",
    db.metadata,
    Column("action", code_type(40), primary_key=True),
    Column("status", code_type(8), primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("row_count", BigInteger, nullable=False),
)
"""How many sealed rows of an action and outcome an hour holds, so that totals need no counting."""
