"""Whatever else a database keeps on the audit tables is found: objects under other words, indexes, counters, keys."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from filewallball.audit.structure import structure
from filewallball.audit.verifier import Span
from filewallball.recording.event import Event
from harness.parts import Parts
from harness.servers import MariaDB
from tests.fixtures.audit_log import alter, rows_of, seal_blocks

Record = Callable[..., list[Event]]
_IGNORE = "BEGIN SELECT RAISE(IGNORE); END"
_LAST = 2**63 - 1

SQLITE = {
    "an index over an expression": (
        ["CREATE INDEX more ON audit_log (abs(CASE username WHEN 'mallory' THEN -9223372036854775808 ELSE 0 END))"],
        "the index more on audit_log is over more than columns",
    ),
    "an index of some rows": (
        ["CREATE INDEX more ON audit_blocks (number) WHERE json(coalesce(nullif(number, 99), seal))"],
        "the index more on audit_blocks is over more than columns",
    ),
    "an index with a collation": (
        ["CREATE INDEX more ON audit_log (username COLLATE NOCASE)"],
        "the index more on audit_log is over more than columns",
    ),
    "a known index of some rows": (
        [
            "DROP INDEX ix_audit_log_user",
            "CREATE INDEX ix_audit_log_user ON audit_log (user_id) WHERE json(coalesce(nullif(id, 99), mac))",
        ],
        "the index ix_audit_log_user on audit_log is over more than columns",
    ),
    "a foreign key to it": (
        ["CREATE TABLE others (id INTEGER REFERENCES audit_log (id))"],
        "the table others names an audit table",
    ),
    "a view of it": (["CREATE VIEW more AS SELECT * FROM [Audit_Log]"], "the view more names an audit table"),
    "a table of searches": (
        ["CREATE VIRTUAL TABLE more USING fts5(details, content='audit_log', content_rowid='id')"],
        "the table more names an audit table",
    ),
    "a highest id": (
        [f"UPDATE audit_log SET id = {_LAST} WHERE id = 8"],
        "audit_log.id is near its end",
    ),
}  # fmt: skip
# What is replaced in the definition of audit_log, and what is said of it.
DEFINITIONS = {
    "a counter": ("PRIMARY KEY (id)", "PRIMARY KEY (id AUTOINCREMENT)", "audit_log has a counter of ids"),
    "ids that are no rowid": ("id INTEGER NOT NULL", "id BIGINT NOT NULL", "audit_log.id is given no next number"),
    "no rowid at all": ("(event_id)\n)", "(event_id)\n) WITHOUT ROWID", "audit_log has no rowid"),
}  # fmt: skip
MARIADB = {
    "a counter at its end": ([f"ALTER TABLE audit_log AUTO_INCREMENT = {_LAST}"], "audit_log.id is near its end"),
    "no counter": (["ALTER TABLE audit_log MODIFY id BIGINT NOT NULL"], "audit_log.id is given no next number"),
    "a highest id": ([f"UPDATE audit_log SET id = {_LAST - 1} WHERE id = 8"], "audit_log.id is near its end"),
    "a shorter column": (
        ["ALTER TABLE audit_log MODIFY username VARCHAR(9) COLLATE utf8mb4_bin NOT NULL"],
        "audit_log.username is too short",
    ),
    "numbers without a sign": (
        ["ALTER TABLE audit_log MODIFY block_id BIGINT UNSIGNED"],
        "audit_log.block_id is of another type",
    ),
    "small pages": (["ALTER TABLE audit_log ROW_FORMAT = COMPRESSED"], "audit_log has compression"),
    "an index of words": (["CREATE FULLTEXT INDEX more ON audit_log (details)"], "the index more on audit_log"),
    "a foreign key to it": (
        ["CREATE TABLE others (id BIGINT PRIMARY KEY, FOREIGN KEY more (id) REFERENCES audit_log (id))"],
        "of others names audit_log",
    ),
}  # fmt: skip


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", SQLITE)
def test_what_else_hangs_on_the_tables_in_sqlite_is_found(parts: Parts, record: Record, name: str) -> None:
    statements, problem = SQLITE[name]
    seal_blocks(parts, record, 2)
    alter(parts, *statements)
    _must_be_told(parts, problem)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", DEFINITIONS)
def test_definitions_that_keep_rows_out_of_sqlite_are_found(parts: Parts, record: Record, name: str) -> None:
    before, after, problem = DEFINITIONS[name]
    seal_blocks(parts, record, 2)
    _remake_log(parts, before, after)
    _must_be_told(parts, problem)


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
@pytest.mark.parametrize("name", MARIADB)
def test_what_else_keeps_rows_out_of_mariadb_is_found(
    parts: Parts, record: Record, mariadb: MariaDB, name: str
) -> None:
    statements, problem = MARIADB[name]
    mariadb.execute("SET GLOBAL innodb_file_per_table = ON")  # one file for all tables knows no small pages
    seal_blocks(parts, record, 2)
    alter(parts, *statements)
    _must_be_told(parts, problem)


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
def test_scheduled_events_that_name_the_log_are_found_and_others_are_not(
    parts: Parts, record: Record
) -> None:
    seal_blocks(parts, record, 2)
    every = "ON SCHEDULE EVERY 1 YEAR DISABLE DO"
    alter(parts, f"CREATE EVENT tidy {every} DELETE FROM files WHERE id < 0")
    assert not any("event" in each.problem for each in parts.verification.verifier().verify().findings)

    alter(parts, f"CREATE EVENT cut {every} DELETE FROM `audit_log` ORDER BY id DESC LIMIT 1")
    _must_be_told(parts, ".cut names an audit table")


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
def test_events_and_triggers_of_other_databases_that_name_the_log_are_found(
    parts: Parts, record: Record, mariadb: MariaDB
) -> None:
    seal_blocks(parts, record, 2)
    ours = parts.settings.database_url.rpartition("/")[2].partition("?")[0]
    other_url = mariadb.create_database()
    other = other_url.rpartition("/")[2].partition("?")[0]
    change = f"DELETE FROM {ours}.audit_log WHERE id < 0"
    try:
        mariadb.execute(
            f"CREATE TABLE {other}.audit_log (id INT)",
            f"CREATE TABLE {other}.plain (id INT)",
            f"CREATE TRIGGER {other}.own BEFORE INSERT ON {other}.plain FOR EACH ROW DELETE FROM {other}.audit_log",
        )
        assert parts.verification.verifier().verify().findings == []  # another service's log
        mariadb.execute(
            f"CREATE TRIGGER {other}.far BEFORE INSERT ON {other}.plain FOR EACH ROW {change}",
            f"CREATE EVENT {other}.late ON SCHEDULE EVERY 1 YEAR DISABLE DO {change}",
        )
        _must_be_told(parts, f"the trigger {other}.far names an audit table")
        _must_be_told(parts, f"the event {other}.late names an audit table")
        told = parts.verification.verifier().verify().not_checked
        assert ["other databases" in what for what in told] == [True]
    finally:
        mariadb.drop_database(other_url)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("table", ["audit_log", "files"])
def test_a_trigger_under_another_word_still_is_one(parts: Parts, record: Record, table: str) -> None:
    seal_blocks(parts, record, 2)
    names = "WHEN (SELECT count(*) FROM audit_log)" if table == "files" else ""
    alter(parts, f"CREATE TRIGGER t BEFORE INSERT ON {table} {names} {_IGNORE}")
    _rewrite(parts, "t", "type = 'TRIGGER'")

    if table == "audit_log":
        record(1)
        assert len(rows_of(parts, "SELECT id FROM audit_log WHERE block_id IS NULL")) == 0
    _must_be_told(parts, f"the trigger t on {table} may change")
    _must_be_told(parts, "the schema has a row of the unknown type 'TRIGGER': t")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ["audit_chain", "ix_audit_log_user", "t"])
def test_a_definition_that_is_no_text_is_found(parts: Parts, record: Record, name: str) -> None:
    seal_blocks(parts, record, 2)
    alter(parts, f"CREATE TRIGGER t BEFORE INSERT ON audit_log {_IGNORE}")
    _rewrite(parts, name, "sql = CAST(sql AS BLOB)")

    _must_be_told(parts, f"whose name or text is none: {name}")
    _must_be_told(parts, "the trigger t on audit_log may change")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_trigger_of_this_connection_alone_is_found(parts: Parts) -> None:
    def work(connection: Connection) -> list[str]:
        connection.exec_driver_sql(f"CREATE TEMP TRIGGER t BEFORE INSERT ON audit_log {_IGNORE}")
        found = structure(connection)
        connection.exec_driver_sql("DROP TRIGGER t")
        return found

    assert parts.database.query(work) == [
        "the trigger t on audit_log may change, drop or refuse what is written"
    ]


@pytest.mark.parametrize(
    "columns", ["username", "username, id DESC", "timestamp_us, action, status, duration_us"]
)
def test_a_plain_index_that_an_operator_adds_is_no_tampering(
    parts: Parts, record: Record, columns: str
) -> None:
    seal_blocks(parts, record, 2)
    alter(parts, f"CREATE INDEX more ON audit_log ({columns})", "CREATE INDEX others ON files (upload_us)")
    seal_blocks(parts, record, 1)

    assert parts.verification.verifier().verify().findings == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_plain_forms_of_an_index_in_sqlite_are_no_tampering(parts: Parts, record: Record) -> None:
    alter(
        parts,
        'CREATE INDEX IF NOT EXISTS "some more" ON "audit_log" ("user_id" DESC, [id] ASC)',
        "create index\n  more on `audit_blocks`(\n  sealed_us\n)",
    )
    seal_blocks(parts, record, 2)

    assert parts.verification.verifier().verify().findings == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_totals SET row_count = 0",
        "UPDATE audit_totals SET row_count = row_count + 1",
        "DELETE FROM audit_totals",
        "UPDATE audit_totals SET hour = hour + 24",
        "INSERT INTO audit_totals VALUES ('file:view', 'failed', 5, 1)",
    ],
)
def test_totals_that_are_not_the_logs_are_found_and_can_be_counted_again(
    parts: Parts, record: Record, change: str
) -> None:
    seal_blocks(parts, record, 2)
    alter(parts, change)

    (finding,) = parts.verification.verifier().verify().findings
    assert finding.block == 0
    assert "totals of" in finding.problem
    assert "are not the log's" in finding.problem
    assert parts.verification.verifier().verify(Span(1, 2)).is_intact

    alter(parts, *_count_again())
    assert parts.verification.verifier().verify().findings == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("column", ["row_count", "hour"])
def test_totals_that_are_no_numbers_are_found(parts: Parts, record: Record, column: str) -> None:
    seal_blocks(parts, record, 2)
    alter(parts, f"UPDATE audit_totals SET {column} = 'x'")

    (finding,) = parts.verification.verifier().verify().findings
    assert "totals of" in finding.problem


def _must_be_told(parts: Parts, problem: str) -> None:
    found = parts.verification.verifier().verify().findings
    assert any(problem in finding.problem for finding in found), found


def _count_again() -> list[str]:
    """The statements that the runbook gives."""
    text = Path("docs/runbook.md").read_text()
    (block,) = (part for part in text.split("```sql\n")[1:] if part.startswith("DELETE FROM audit_totals;"))
    return block.partition("```")[0].strip().rstrip(";").split(";")


def _remake_log(parts: Parts, before: str, after: str) -> None:
    """The table with the same rows and indexes, and another definition."""
    (table, *indexes) = (
        row.sql
        for row in rows_of(
            parts,
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'audit_log' AND sql <> '' ORDER BY type DESC",
        )
    )
    assert table.count(before) == 1
    alter(
        parts,
        "CREATE TABLE old AS SELECT * FROM audit_log",
        "DROP TABLE audit_log",
        table.replace(before, after),
        "INSERT INTO audit_log SELECT * FROM old",
        "DROP TABLE old",
        *indexes,
    )


def _rewrite(parts: Parts, name: str, change: str) -> None:
    """Change a row of the schema itself, as whoever can write to the file may."""
    parts.database.close()
    path = parts.settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(f"UPDATE sqlite_master SET {change} WHERE name = ?", (name,))
        (version,) = connection.execute("PRAGMA schema_version").fetchone()
        connection.execute(f"PRAGMA schema_version = {version + 1}")
