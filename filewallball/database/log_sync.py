"""The sync of SQLite's write-ahead log apart from the commit, so that the next writer need not wait for the disk.

A commit writes to the log and is seen by everybody at once. Whoever made it calls `LateWriter.sync` before telling
anybody that it is done. The log has the commits in their order, so one sync covers all before it, and a power cut takes
none of those that were told. InnoDB has it the same way: a commit there, too, is seen before it is on the disk.

Where three processes take uploads, they take 1.17 times as many (docs/performance.md). To be rid of it, have the
dialect return `KeptWriter`.
"""

import errno
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from filewallball.database.driver_transaction import DriverTransaction
from filewallball.database.group_commit import KeptWriter
from filewallball.database.prepared import executed
from filewallball.errors import CommitUnknown, Unavailable
from filewallball.filesystem import OpenFile, SharedSync

logger = logging.getLogger("filewallball.database")
_SUFFIX = "-wal"
_ATTEMPTS = 3
"""To copy the log: SQLite's own files, too, are told once of a write that failed before."""


class LateWriter(KeptWriter):
    """One connection, kept for the commits of the process, and the log that they write to."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._log = LogSync(engine)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """The connection, which is kept unless the database failed. Callers hold the write lock, and roll back.

        Raises `Unavailable` if the log cannot be opened.
        """
        connection = self._take() or self._opened()
        try:
            yield connection
        except BaseException as error:
            if isinstance(error, DBAPIError | CommitUnknown) or not isinstance(error, Exception):
                connection.invalidate()  # nobody else may get it, as it does not sync
                connection.close()
            else:
                self._keep(connection)
            raise
        self._keep(connection)

    def _opened(self) -> Connection:
        connection = self._engine.connect()
        try:
            executed(connection, "PRAGMA synchronous=NORMAL", ())
            self._log.open()
        except BaseException as error:
            connection.invalidate()
            connection.close()
            if isinstance(error, OSError):
                raise Unavailable("The database's log cannot be opened.") from error
            raise
        return connection

    def begin(self, connection: Connection) -> DriverTransaction:
        return DriverTransaction(connection)

    def sync(self) -> None:
        """Return once everything that is committed by now is on the disk. Raises OSError."""
        self._log.sync()

    def close(self) -> None:
        kept = self._take()
        if kept is not None:
            kept.invalidate()
            kept.close()
        self._log.close()


class LogSync:
    """The write-ahead log of a database, and what was not written of it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._path = Path(f"{Path(str(engine.url.database)).resolve()}{_SUFFIX}")  # SQLite follows links, too
        self._shared = SharedSync()
        self._saving = threading.Lock()
        self._file: OpenFile | None = None
        self._failures = 0
        self._saved = 0
        """The failures whose loss is made good."""

    def open(self) -> None:
        """Open the log anew. To be called before a commit writes to it: who opens a file later need not be told of a
        write that failed. Raises OSError."""
        self._file = OpenFile(self._path)

    def close(self) -> None:
        """Close the log once no thread syncs it any more."""
        self._file = None

    def sync(self) -> None:
        """Return once everything that is committed by now is on the disk. Raises OSError.

        After a failed sync the kernel may take for written what is not, so that later commits would lie behind a gap:
        the whole log is then copied into the database, or nobody is told of a commit any more.
        """
        failure: OSError | None = None
        try:
            self._shared.sync(self._force)
        except OSError as error:
            failure = error
        failures = self._failures
        if failures > self._saved:
            with self._saving:
                self._save(failures, failure or OSError(errno.EIO, "an earlier sync failed"))

    def _force(self) -> None:
        try:
            file = self._file or OpenFile(self._path)
            os.fdatasync(file.fd)
        except FileNotFoundError:  # all is in the database
            return
        except OSError as error:
            self._failures += 1
            logger.error("The database's log was not synced", extra={"error_message": error.strerror})
            raise

    def _save(self, failures: int, failure: OSError) -> None:
        """Copy the log into the database, unless somebody did after that many failures."""
        for _ in range(_ATTEMPTS):
            known = self._failures
            with suppress(DBAPIError):
                if self._saved < failures and self._copy():
                    self._saved = known
                break
        if self._saved < failures:
            raise failure

    def _copy(self) -> bool:
        """Copy the whole log into the database, synced before and after; False while others read from the log."""
        with self._engine.connect() as connection:
            busy, *_ = executed(connection, "PRAGMA wal_checkpoint(TRUNCATE)", ()).rows[0]
            return not busy
