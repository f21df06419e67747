"""A transaction of SQLite that SQLAlchemy learns of only with its own statements, or with a failure.

Keeping its record of a transaction costs as much as one of the upload's statements. To be rid of it, have the writers
return `Connection.begin()`.
"""

from sqlalchemy import Connection

from filewallball.database.prepared import executed, is_in_transaction


class DriverTransaction:
    """One write transaction, which begins at once."""

    def __init__(self, connection: Connection) -> None:
        executed(connection, "BEGIN IMMEDIATE", ())
        self._connection = connection

    def commit(self) -> None:
        """Commit, as a transaction of SQLAlchemy's does."""
        known = self._connection.get_transaction()
        if known is not None:
            known.commit()
        else:
            executed(self._connection, "COMMIT", ())

    def rollback(self) -> None:
        """Undo all, unless SQLite did already."""
        known = self._connection.get_transaction()
        if known is not None:
            known.rollback()
        elif is_in_transaction(self._connection):
            executed(self._connection, "ROLLBACK", ())
