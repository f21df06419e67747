"""Programs that MariaDB runs by itself against the audit tables: scheduled events, and triggers in other databases."""

import re
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, text

_EVENTS = text(
    "SELECT EVENT_SCHEMA = DATABASE() AS is_ours, EVENT_SCHEMA AS place, EVENT_NAME AS name, EVENT_DEFINITION AS body "
    "FROM information_schema.EVENTS"
)
_TRIGGERS = text(
    "SELECT FALSE AS is_ours, TRIGGER_SCHEMA AS place, TRIGGER_NAME AS name, ACTION_STATEMENT AS body "
    "FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA <> DATABASE()"
)
_GRANT = re.compile(r"GRANT (.+?) ON (\*\.\*|`.+?`\.\*) TO ")
_OWN = "scheduled events: this database account is not shown them, one with the EVENT privilege is"
_OTHERS = "events and triggers of other databases: this account is not shown all of them, the server's administrator is"


def programs(connection: Connection, tables: Iterable[str]) -> Iterator[str]:
    """Find what names one of the tables, as far as this account is shown it. Elsewhere a name means this database's
    table only behind the database's own."""
    database = _database(connection)
    names = rf"`?\b(?:{'|'.join(tables)})\b"
    anywhere = re.compile(names, re.IGNORECASE)
    qualified = re.compile(rf"`?(?<!\w){re.escape(database)}`?\s*\.\s*{names}", re.IGNORECASE)
    for kind, statement in (("event", _EVENTS), ("trigger", _TRIGGERS)):
        for row in connection.execute(statement):
            if (anywhere if row.is_ours else qualified).search(row.body or ""):
                yield f"the {kind} {row.place}.{row.name} names an audit table, and may change what is in it"


def not_shown(connection: Connection) -> Sequence[str]:
    """The programs that this account's rights keep from it."""
    everywhere = _granted(connection, {"*.*"})
    database = _database(connection)
    here = everywhere | _granted(
        connection, {f"`{database}`.*", "`{}`.*".format(database.replace("_", "\\_"))}
    )
    found = [] if here & {"EVENT", "ALL PRIVILEGES"} else [_OWN]
    if "ALL PRIVILEGES" not in everywhere and not {"EVENT", "TRIGGER"} <= everywhere:
        found.append(_OTHERS)
    return found


def _granted(connection: Connection, places: set[str]) -> set[str]:
    grants = (_GRANT.match(line) for (line,) in connection.exec_driver_sql("SHOW GRANTS"))
    return {right for grant in grants if grant and grant[2] in places for right in grant[1].split(", ")}


def _database(connection: Connection) -> str:
    return str(connection.exec_driver_sql("SELECT DATABASE()").scalar_one())
