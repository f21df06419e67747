"""Verification believes nothing of the schema: whatever was done to the audit tables themselves is found and told."""

import sqlite3
from collections.abc import Callable

import pytest
from flask import Flask

from filewallball.audit.structure import structure
from filewallball.database.schema import downgrade, upgrade
from filewallball.recording.event import Event
from harness.parts import Parts
from harness.servers import MariaDB
from harness.servers.mariadb import database_name
from tests.fixtures.audit_log import alter, rewrite_schema, seal_blocks, write_as_before

Record = Callable[..., list[Event]]

# What is done behind the service's back, and what verification says of it.
MARIADB = {
    "a trigger": (
        ["CREATE TRIGGER t BEFORE UPDATE ON audit_log FOR EACH ROW SET NEW.block_id = OLD.block_id"],
        "the trigger t on audit_log",
    ),
    "a trigger on another table": (
        ["CREATE TRIGGER t AFTER INSERT ON files FOR EACH ROW DELETE FROM audit_log WHERE block_id IS NULL"],
        "the trigger t on files",
    ),
    "a view": (
        ["RENAME TABLE audit_log TO hidden", "CREATE VIEW audit_log AS SELECT * FROM hidden WHERE id <> 3"],
        "audit_log is no plain table but a view",
    ),
    "a foreign key": (
        [
            "CREATE TABLE others (number BIGINT PRIMARY KEY)",
            "INSERT INTO others SELECT number FROM audit_blocks",
            "ALTER TABLE audit_log ADD FOREIGN KEY (block_id) REFERENCES others (number) ON DELETE CASCADE",
        ],
        "audit_log has a foreign key",
    ),
    "a CHECK constraint": (
        ["ALTER TABLE audit_log ADD CHECK (username <> 'mallory')"],
        "audit_log has a CHECK constraint",
    ),
    "another unique key": (
        ["ALTER TABLE audit_log ADD UNIQUE (id, user_agent)"],
        "audit_log has a unique key over id, user_agent",
    ),
    "no primary key": (
        ["ALTER TABLE audit_log MODIFY id BIGINT NOT NULL, DROP PRIMARY KEY"],
        "the primary key of audit_log is another one",
    ),
    "no index of blocks": (["ALTER TABLE audit_log DROP INDEX ix_audit_log_block"], "the index ix_audit_log_block"),
    "an index nobody may use": (
        ["ALTER TABLE audit_log ALTER INDEX ix_audit_log_block IGNORED"],
        "the index ix_audit_log_block",
    ),
    "a generated column": (
        ["ALTER TABLE audit_log DROP username, ADD username VARCHAR(128) AS ('nobody') VIRTUAL"],
        "audit_log.username is generated",
    ),
    "a hidden column": (
        ["ALTER TABLE audit_log MODIFY details MEDIUMTEXT COLLATE utf8mb4_bin NOT NULL INVISIBLE DEFAULT ''"],
        "audit_log.details is generated or hidden",
    ),
    "another collation": (
        ["ALTER TABLE audit_log MODIFY action VARCHAR(40) COLLATE utf8mb4_general_ci NOT NULL"],
        "audit_log.action is of another type",
    ),
    "another type": (["ALTER TABLE audit_log MODIFY block_id DOUBLE"], "audit_log.block_id is of another type"),
    "a column more": (
        ["ALTER TABLE audit_log ADD extra INT NOT NULL DEFAULT (FLOOR(RAND()))"],
        "audit_log.extra is not the service's",
    ),
    "partitions": (
        [
            "CREATE TABLE parts LIKE audit_chain",
            "INSERT INTO parts SELECT * FROM audit_chain",
            "DROP TABLE audit_chain",
            "RENAME TABLE parts TO audit_chain",
            "ALTER TABLE audit_chain PARTITION BY RANGE (id) (PARTITION p VALUES LESS THAN (5))",
        ],
        "audit_chain has partitions",
    ),
    "versions": (["ALTER TABLE audit_blocks ADD SYSTEM VERSIONING"], "audit_blocks is no plain table"),
    "another engine": (["ALTER TABLE audit_log ENGINE = Aria"], "audit_log is no plain table"),
    "a nullable block": (
        ["ALTER TABLE audit_blocks MODIFY seal VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin"],
        "audit_blocks.seal may be NULL",
    ),
    "a total that may be NULL": (
        ["ALTER TABLE audit_totals MODIFY row_count BIGINT"],
        "audit_totals.row_count may be NULL",
    ),
    "no head at all": (["DROP TABLE audit_chain"], "audit_chain is missing"),
}  # fmt: skip
SQLITE = {
    "a trigger": (
        ["CREATE TRIGGER t BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(IGNORE); END"],
        "the trigger t on audit_log",
    ),
    "a trigger on the head": (
        ["CREATE TRIGGER t BEFORE UPDATE ON AUDIT_CHAIN BEGIN SELECT RAISE(IGNORE); END"],
        "the trigger t on ",
    ),
    "a trigger on another table": (
        ["CREATE TRIGGER t AFTER INSERT ON files BEGIN DELETE FROM Audit_Log WHERE block_id IS NULL; END"],
        "the trigger t on files",
    ),
    "a view": (
        ["ALTER TABLE audit_log RENAME TO hidden", "CREATE VIEW audit_log AS SELECT * FROM hidden WHERE id <> 3"],
        "audit_log is no plain table but a view",
    ),
    "a view instead of the head": (
        ["ALTER TABLE audit_chain RENAME TO hidden", "CREATE VIEW audit_chain AS SELECT * FROM hidden"],
        "audit_chain is no plain table but a view",
    ),
    "another unique key": (
        ["CREATE UNIQUE INDEX more ON audit_log (resource_id, user_agent, id)"],
        "audit_log has a unique key over resource_id, user_agent, id",
    ),
    "a partial unique key": (
        ["CREATE UNIQUE INDEX more ON audit_log (username) WHERE username = 'mallory'"],
        "audit_log has a unique key over username, (partial)",
    ),
    "no index of blocks": (["DROP INDEX ix_audit_log_block"], "the index ix_audit_log_block"),
    "a partial index of blocks": (
        ["DROP INDEX ix_audit_log_block", "CREATE INDEX ix_audit_log_block ON audit_log (block_id, id) WHERE id <> 3"],
        "",
    ),
    "a generated column": (
        ["ALTER TABLE audit_log ADD extra TEXT AS (nullif(action, 'file:upload')) VIRTUAL NOT NULL"],
        "audit_log.extra is not the service's",
    ),
    "no head at all": (["DROP TABLE audit_chain"], "audit_chain is missing"),
}  # fmt: skip
# In the definition of a table of SQLite, which nothing but its text keeps: what is replaced, and what is said of it.
DEFINITIONS = {
    "a nullable column": ("details TEXT NOT NULL", "details TEXT", "audit_log.details may be NULL"),
    "a CHECK constraint": ("details TEXT", "details TEXT CHECK (details <> 'x\\')", "audit_log has a CHECK"),
    "a foreign key": ("block_id BIGINT", "block_id BIGINT REFERENCES files (id)", "audit_log has a foreign key"),
    "a collation": ("mac VARCHAR(64)", "mac VARCHAR(64) COLLATE NOCASE", "audit_log has a collation"),
    "a clause for conflicts": ("UNIQUE (event_id)", "UNIQUE (event_id) ON CONFLICT REPLACE", "ON CONFLICT clause"),
    "another type": ("timestamp_us BIGINT", "timestamp_us TEXT", "audit_log.timestamp_us is of another type"),
}  # fmt: skip


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
@pytest.mark.parametrize("name", MARIADB)
def test_mariadb_tables_are_what_they_were_made(parts: Parts, record: Record, name: str) -> None:
    statements, problem = MARIADB[name]
    _must_be_found(parts, record, lambda: alter(parts, *statements), problem)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", SQLITE)
def test_sqlite_tables_are_what_they_were_made(parts: Parts, record: Record, name: str) -> None:
    statements, problem = SQLITE[name]
    _must_be_found(parts, record, lambda: alter(parts, *statements), problem)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", DEFINITIONS)
def test_sqlite_definitions_are_read_by_the_letter(parts: Parts, record: Record, name: str) -> None:
    before, after, problem = DEFINITIONS[name]
    _must_be_found(parts, record, lambda: rewrite_schema(parts, "audit_log", before, after), problem)


def _must_be_found(parts: Parts, record: Record, change: Callable[[], None], problem: str) -> None:
    seal_blocks(parts, record, 2)
    assert parts.verification.verifier().verify().is_intact

    change()

    found = parts.verification.verifier().verify().findings
    assert any(problem in finding.problem for finding in found), found


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("index", "lie"),
    [
        ("ix_audit_log_timestamp", "(timestamp_us, id) WHERE id <> 3"),
        ("ix_audit_log_timestamp", "(file_size, id)"),
        ("ix_audit_log_block", "(block_id, id) WHERE id <> 11"),
    ],
)
def test_an_index_that_lies_is_found_although_its_definition_does_not(
    parts: Parts, record: Record, index: str, lie: str
) -> None:
    seal_blocks(parts, record, 2)
    record(3)

    truth = "(block_id, id)" if "block" in index else "(timestamp_us, id)"
    rewrite_schema(parts, index, truth, lie, reindex=True)
    rewrite_schema(parts, index, lie, truth)

    assert parts.database.query(structure) == []
    found = parts.verification.verifier().verify().findings
    assert any("audit_log and its indexes disagree" in finding.problem for finding in found), found


def test_tables_that_went_through_all_migrations_are_what_they_should_be(app: Flask) -> None:
    write_as_before(Parts(app))
    with app.app_context():
        downgrade("0001")
        upgrade()

    assert Parts(app).database.query(structure) == []
    assert Parts(app).verification.verifier().verify().is_intact


@pytest.mark.parametrize(
    "column",
    ["kept_by INTEGER", "kept_for INTEGER DEFAULT 1 NOT NULL", "link VARCHAR(32) DEFAULT '' NOT NULL"],
)
def test_a_column_of_a_newer_release_is_no_tampering(parts: Parts, record: Record, column: str) -> None:
    seal_blocks(parts, record, 2)

    alter(parts, f"ALTER TABLE audit_log ADD COLUMN {column}")
    seal_blocks(parts, record, 2)

    assert parts.verification.verifier().verify().findings == []


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
@pytest.mark.parametrize(
    ("grants", "is_checked"),
    [
        (["GRANT SELECT ON {}.* TO looks@127.0.0.1"], False),
        (["GRANT SELECT, TRIGGER ON {}.* TO looks@127.0.0.1"], True),
        (["GRANT SELECT ON {}.* TO looks@127.0.0.1", "GRANT TRIGGER ON {}.audit_log TO looks@127.0.0.1"], False),
        (["CREATE ROLE seers", "GRANT SELECT, TRIGGER ON {}.* TO seers", "GRANT seers TO looks@127.0.0.1",
          "SET DEFAULT ROLE seers FOR looks@127.0.0.1"], True),
    ],
)  # fmt: skip
def test_what_an_account_is_not_shown_is_told_and_not_taken_for_right(
    database_url: str,
    mariadb: MariaDB,
    set_config: Callable[..., Flask],
    grants: list[str],
    is_checked: bool,
) -> None:
    name = database_name(database_url)
    mariadb.execute(
        "DROP ROLE IF EXISTS seers", "CREATE OR REPLACE USER looks@127.0.0.1 IDENTIFIED BY 'private'"
    )
    mariadb.execute(*(statement.format(name) for statement in grants))

    parts = Parts(set_config(DATABASE_URL=database_url.replace("filewallball:", "looks:")))
    report = parts.verification.verifier().verify()

    assert report.is_intact
    assert any(what.startswith("triggers") for what in report.not_checked) != is_checked
    assert any(what.startswith("scheduled events") for what in report.not_checked)


def test_damage_that_keeps_blocks_from_being_read_is_told_with_its_cause(
    parts: Parts, record: Record
) -> None:
    seal_blocks(parts, record, 2)
    alter(parts, "ALTER TABLE audit_log RENAME COLUMN mac TO gone")

    found = parts.verification.verifier().verify().findings

    assert "audit_log.mac is missing" in [finding.problem for finding in found]


def test_sqlite_is_new_enough_to_compare_a_table_with_its_indexes() -> None:
    assert sqlite3.sqlite_version_info >= (3, 33)
