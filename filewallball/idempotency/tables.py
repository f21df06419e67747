"""The idempotency keys that are in use, and the answers that were given under them."""

from sqlalchemy import BigInteger, Column, Index, Table, bindparam

from filewallball.database.columns import code_type, sealed_type
from filewallball.database.metadata import metadata

RUNNING, DONE = "running", "done"

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("principal", code_type(64), primary_key=True),
    Column("key_digest", code_type(64), primary_key=True),
    Column("state", code_type(8), nullable=False),
    Column("holder", code_type(36), nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("content_digest", code_type(64), nullable=False),
    Column("answer", sealed_type()),
    Column("done_us", BigInteger),
    Index("ix_idempotency_keys_state", "state", "done_us"),
)
"""A key under which something is created. `holder` is the event id of the operation that creates it, or did; `beat`
rises while that goes on. Once it is done, `content_digest` tells what was asked for, and `answer` is the answer,
encrypted with the key itself."""

OF_KEY = (
    idempotency_keys.c.principal == bindparam("of_principal"),
    idempotency_keys.c.key_digest == bindparam("of_digest"),
)
"""The row of one key."""
