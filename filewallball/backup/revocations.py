"""Revocations outlive a restore: links, tokens and users that this database knows to be revoked come back revoked."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, select, update

from filewallball.backup.rows import tables
from filewallball.database.connections import Database

Known = Mapping[str, Sequence[Mapping[str, Any]]]
"""Of each table the things that are revoked: `thing`, and `moment` of the revocation."""
_KINDS = {
    "links": ("link_id", "revoked_us"),
    "tokens": ("digest", "revoked_us"),
    "users": ("username", "disabled_us"),
}


def known_revocations(database: Database) -> Known:
    """All that this database knows to be revoked, of whatever age its schema is; of an empty one nothing."""
    return database.query(_known)


def keep_revoked(connection: Connection, known: Known) -> dict[str, int]:
    """Revoke again what was restored alive; returns how many of each table."""
    there, kept = _there(connection), {}
    for name, revoked in known.items():
        table, (key, moment) = there.get(name), _KINDS[name]
        if table is None or not revoked:
            continue
        alive = table.c[key] == bindparam("thing"), table.c[moment].is_(None)
        ends = [moment, *[column for column in ("ended_us",) if column in table.c]]
        statement = update(table).where(*alive).values({end: bindparam("moment") for end in ends})
        kept[name] = sum(connection.execute(statement, values).rowcount for values in revoked)
    return {name: count for name, count in kept.items() if count}


def _known(connection: Connection) -> Known:
    found = {}
    for name, table in _there(connection).items():
        key, moment = (table.c[column] for column in _KINDS[name])
        rows = connection.execute(select(key, moment).where(moment.is_not(None)))
        found[name] = [{"thing": row[0], "moment": row[1]} for row in rows]
    return found


def _there(connection: Connection) -> dict[str, Table]:
    return {str(table.name): table for table in tables(connection) if table.name in _KINDS}
