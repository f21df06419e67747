"""A private MariaDB: small buffers, a new database for whoever asks."""

import itertools
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymysql
from pymysql.constants import CLIENT

from harness.servers.base import Server

_LAYOUT = ["--innodb-log-file-size=8M", "--innodb-data-file-path=ibdata1:12M:autoextend"]
_DUMP = [
    *("--routines", "--skip-comments", "--no-tablespaces"),
    # It fills an empty database that nobody uses yet.
    *("--skip-add-drop-table", "--skip-add-locks", "--skip-disable-keys"),
]
_USER = "filewallball"
_PASSWORD = "private"


class MariaDB(Server):
    """One server; `create_database` gives the URL of an empty database, or of one filled from a `dump`."""

    max_connections = 300

    def __init__(self, folder: Path, template: Path) -> None:
        """`template` holds an initialised data folder (made here if missing), copied for each server."""
        super().__init__(folder)
        self._data = folder / "data"
        self._numbers = itertools.count(1)
        if not template.exists():
            _initialise(template)
        shutil.copytree(template, self._data)
        (folder / "tmp").mkdir()

    def command(self) -> list[str]:
        return [
            "mariadbd",
            "--no-defaults",
            *_as_this_user(),
            *_LAYOUT,
            f"--datadir={self._data}",
            # Its own, because a server that starts removes what others have in theirs.
            f"--tmpdir={self.folder}/tmp",
            # Relative to the data folder, because a path of more than 107 bytes is no socket name.
            "--socket=mariadbd.sock",
            f"--pid-file={self._data}/mariadbd.pid",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--performance-schema=OFF",
            "--innodb-buffer-pool-size=64M",
            "--skip-innodb-buffer-pool-dump-at-shutdown",
            # Survives kill -9 of the server, which the tests do; not a power cut, which they cannot.
            "--innodb-flush-log-at-trx-commit=2",
            "--innodb-flush-method=nosync",
            # A database for each test is thousands of tables: in one file they come and go in half the time.
            "--innodb-file-per-table=OFF",
            f"--max-connections={self.max_connections}",
        ]

    def is_ready(self) -> bool:
        try:
            self.execute("SELECT 1")
        except pymysql.err.OperationalError:
            return False
        return True

    def execute(self, *statements: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Run statements as the server's root; the rows of the last one."""
        with self._connect(database) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def create_database(self, dump: Path | None = None) -> str:
        name = f"test_{next(self._numbers)}"
        self.execute(
            f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            f"GRANT ALL ON {name}.* TO {_USER}@127.0.0.1 IDENTIFIED BY '{_PASSWORD}'",
        )
        if dump is not None:
            self._run(_one_query(dump.read_text()), name)
        return f"mysql+pymysql://{_USER}:{_PASSWORD}@127.0.0.1:{self.port}/{name}?charset=utf8mb4"

    def dump(self, url: str, into: Path) -> Path:
        """Write a database as a script, with everything in it, for `create_database`."""
        program = [*self._client("mariadb-dump"), *_DUMP]
        with into.open("wb") as script:
            subprocess.run([*program, database_name(url)], stdout=script, check=True)
        return into

    def drop_database(self, url: str) -> None:
        """Remove it, cutting connections that still hold it open."""
        name = database_name(url)
        for (number,) in self.execute(f"SELECT id FROM information_schema.processlist WHERE db = '{name}'"):
            with suppress(pymysql.err.OperationalError):  # it may have ended by itself just now
                self.execute(f"KILL {number}")
        self.execute(f"DROP DATABASE {name}")

    def _run(self, script: str, database: str) -> None:
        with self._connect(database) as connection, connection.cursor() as cursor:
            cursor.execute(script)
            while cursor.nextset():
                pass

    def _connect(self, database: str | None) -> Any:
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user="root",
            database=database,
            connect_timeout=5,
            read_timeout=30,
            ssl_disabled=True,
            autocommit=True,
            client_flag=CLIENT.MULTI_STATEMENTS,
        )

    def _client(self, program: str) -> list[str]:
        return [
            program,
            "--no-defaults",
            "--host=127.0.0.1",
            f"--port={self.port}",
            "--user=root",
            "--skip-ssl",
        ]


def database_name(url: str) -> str:
    """The database that a URL of `create_database` names."""
    return urlsplit(url).path.lstrip("/")


def _one_query(script: str) -> str:
    """The statements of a dump without what only the client program understands.

    To start that program, and to answer each statement by itself, takes longer than the tables do.
    """
    lines, delimiter = [], ";"
    for line in script.split("\n"):
        if line.startswith("DELIMITER "):
            delimiter = line.removeprefix("DELIMITER ")
        elif not line.startswith("/*M!999999"):  # tells the program to distrust what follows
            is_end = delimiter != ";" and line.endswith(delimiter)
            lines.append(line.removesuffix(delimiter) + ";" if is_end else line)
    return "\n".join(lines)


def _initialise(template: Path) -> None:
    template.parent.mkdir(parents=True, exist_ok=True)
    command = ["mariadb-install-db", "--no-defaults", *_as_this_user(), f"--datadir={template}", *_LAYOUT]
    done = subprocess.run(
        [*command, "--auth-root-authentication-method=normal", "--skip-test-db"],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(template.parent)},
    )
    if done.returncode:
        shutil.rmtree(template, ignore_errors=True)
        raise RuntimeError(f"mariadb-install-db failed:\n{done.stdout}{done.stderr}")


def _as_this_user() -> list[str]:
    # As root the server refuses to start without being told so.
    return ["--user=root"] if os.geteuid() == 0 else []
