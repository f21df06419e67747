"""The schema goes up and down with data, and is what the models say."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import inspect, text
from uuid_utils import uuid7

from filewallball.database.schema import downgrade, newest, upgrade
from filewallball.database.tables import db
from filewallball.files.name_backfill import NameBackfill
from filewallball.files.queries import FileFilter, list_files
from filewallball.recording.caller import Caller
from filewallball.recording.event import Event
from harness import ROOT
from harness.parts import Parts, put_on_record
from tests.files.named import put_names
from tests.fixtures.audit_log import write_as_before

MIGRATIONS = str(ROOT / "migrations")
KEPT = "SELECT id, username FROM users ORDER BY id"


@pytest.fixture(autouse=True)
def context(app: Flask, parts: Parts) -> object:
    """The app's context around each test, over rows that the schema of earlier releases can hold."""
    write_as_before(parts)
    with app.app_context():
        yield app


def test_the_schema_is_what_the_models_say() -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, db.metadata)

    assert differences == []


def test_the_newest_migration_is_known_by_its_file_without_alembic() -> None:
    assert newest() == ScriptDirectory(MIGRATIONS).get_current_head()


def test_every_migration_goes_down_and_up_with_data() -> None:
    revisions = [script.revision for script in ScriptDirectory(MIGRATIONS).walk_revisions()]  # newest first
    with db.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO users (username, role, created_us) VALUES ('someone', 'user', 1)")
        )
        before = list(connection.execute(text(KEPT)))

    for revision in revisions[1:]:
        downgrade(revision=revision)
        upgrade()
        with db.engine.connect() as connection:
            assert list(connection.execute(text(KEPT))) == before


def test_the_first_migration_leaves_nothing_behind() -> None:
    downgrade(revision="base")

    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
    upgrade()


def test_a_sealed_log_its_totals_and_statistics_survive_going_down_and_up(app: Flask) -> None:
    parts = Parts(app)
    events = [
        Event(str(uuid7()), 1_700_000_000_000_000 + number * 600_000_000, "file:view", ip_address="192.0.2.7")
        for number in range(40)
    ]
    put_on_record(parts, events)
    parts.sealer.run()
    sealed, before = _look(*SEALED), _look(*SUMMED)

    downgrade(revision="0004")
    upgrade()
    parts.rebuild.run_if_incomplete()
    assert (_look(*SEALED), _look(*SUMMED)) == (sealed, before)
    assert parts.verification.verifier().verify().findings == []

    downgrade(revision="0001")
    assert _look("SELECT COUNT(*) FROM audit_log WHERE block_id IS NOT NULL") == [[(0,)]]
    upgrade()
    (parts.settings.data_dir / "audit-head").unlink()  # else the log is behind what this host has seen
    parts.sealer.run()
    assert _look(*SUMMED) == before
    assert parts.verification.verifier().verify().findings == []


def test_the_index_of_traces_is_made_anew_where_that_was_broken_off() -> None:
    downgrade(revision="0011")
    assert _index_of_traces() == ["trace_id"]
    with db.engine.begin() as connection:
        at = "" if connection.dialect.name == "sqlite" else " ON audit_log"
        connection.execute(text(f"DROP INDEX ix_audit_log_trace{at}"))

    upgrade()

    assert _index_of_traces() == ["trace_id", "timestamp_us", "id"]


def _index_of_traces() -> list[str | None]:
    indexes = {index["name"]: index["column_names"] for index in inspect(db.engine).get_indexes("audit_log")}
    return indexes["ix_audit_log_trace"]


def test_files_from_before_quotas_count_towards_who_sent_them() -> None:
    downgrade(revision="0002")
    with db.engine.begin() as connection:
        for number, (owner, address) in enumerate(
            ((7, "203.0.113.7"), (0, "203.0.113.7"), (0, "2001:db8::5"))
        ):
            values = {"id": f"file-{number}", "owner": owner, "address": address, "filename": "a"}
            connection.execute(text(_OLD_FILE), values)

    upgrade()

    with db.engine.connect() as connection:
        principals = list(connection.execute(text("SELECT principal FROM files ORDER BY id")).scalars())
    assert principals == ["user:7", "203.0.113.7", "2001:db8::/64"]


def test_a_service_that_knew_no_alerts_comes_to_keep_them_and_back() -> None:
    with db.engine.begin() as connection:
        connection.execute(text(_ALERT))
        connection.execute(text(_SMS))

    downgrade(revision="0006")
    assert not {"alerts", "alert_messages"} & set(inspect(db.engine).get_table_names())
    upgrade()

    with db.engine.connect() as connection:
        assert list(connection.execute(text("SELECT * FROM alerts"))) == []


def test_files_of_the_release_before_are_found_by_name_while_it_still_runs(app: Flask) -> None:
    parts = Parts(app)
    downgrade(revision="0007")
    _insert_old_file("before", "연간 REPORT.TXT")
    upgrade()
    backfill = NameBackfill(parts.database)
    backfill.run()
    _insert_old_file("meanwhile", "Report 2.txt")

    unfolded = _found(parts, "report")
    backfill.run()
    half = _found(parts, "report")
    backfill.run()

    assert unfolded == half == _found(parts, "report") == ["Report 2.txt", "연간 REPORT.TXT"]
    assert _look("SELECT name_folded FROM files ORDER BY id") == [[("연간 report.txt",), ("report 2.txt",)]]


def test_folded_names_go_and_are_made_again_when_the_schema_goes_down_and_up(app: Flask) -> None:
    parts = Parts(app)
    put_names(parts, ["REPORT.TXT"])

    downgrade(revision="0007")
    upgrade()
    assert _look("SELECT name_folded FROM files") == [[(None,)]]
    backfill = NameBackfill(parts.database)
    backfill.run()
    backfill.run()

    assert _look("SELECT name_folded FROM files") == [[("report.txt",)]]


def test_a_migration_that_was_broken_off_is_run_again() -> None:
    with db.engine.begin() as connection:
        connection.execute(text("DROP TABLE backfills"))
    downgrade(revision="0007")
    with db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE files ADD COLUMN name_folded VARCHAR(1530)"))

    upgrade()

    assert inspect(db.engine).has_table("backfills")
    assert "name_folded" in {column["name"] for column in inspect(db.engine).get_columns("files")}


def test_links_go_when_the_schema_goes_down_and_a_broken_off_migration_is_run_again() -> None:
    with db.engine.begin() as connection:
        connection.execute(text(_LINK))
        connection.execute(text("INSERT INTO link_claims VALUES ('one', '127.0.0.1', 'etag', 1)"))

    downgrade(revision="0011")
    assert not {"links", "link_claims", "usage_link_daily"} & set(inspect(db.engine).get_table_names())
    upgrade()
    with db.engine.begin() as connection:
        connection.execute(text(_LINK))
        connection.execute(text("DROP TABLE link_claims"))
        connection.execute(text("DROP INDEX ix_links_owner" + _of_table("links")))
        connection.execute(text("UPDATE alembic_version SET version_num = '0011'"))
    upgrade()

    assert _look("SELECT link_id FROM links", "SELECT * FROM link_claims") == [[("one",)], []]
    assert "ix_links_owner" in {index["name"] for index in inspect(db.engine).get_indexes("links")}


def _of_table(name: str) -> str:
    return "" if db.engine.dialect.name == "sqlite" else f" ON {name}"


def _insert_old_file(file_id: str, filename: str) -> None:
    """As the release before inserts a file."""
    values = {"id": file_id, "filename": filename}
    with db.engine.begin() as connection:
        connection.execute(text(_OLD_FILE), {"owner": 0, "address": "203.0.113.7", **values})


def _found(parts: Parts, name: str) -> list[str]:
    page = list_files(parts.database, Caller(), FileFilter(name=name), page=1, size=10)
    return [row.filename for row in page.rows]


_LINK = """
INSERT INTO links (link_id, file_id, owner_id, name, secret_digest, password_hash, one_time, downloads, created_by,
    created_us)
VALUES ('one', 'a file', 1, '', '00', '', 0, 0, 1, 1)
"""
_ALERT = """
INSERT INTO alerts (id, fingerprint, starts_us, status, name, severity, receiver, labels, annotations, received_us,
    updated_us)
VALUES (1, 'ff', 1, 'firing', 'StorageFull', 'critical', 'email', '{}', '{}', 1, 1)
"""
_SMS = """
INSERT INTO alert_messages (alert_id, status, recipient, state, attempts, created_us, due_us)
VALUES (1, 'firing', '+1', 'waiting', 0, 1, 1)
"""


def _look(*statements: str) -> list[list[Any]]:
    with db.engine.connect() as connection:
        return [list(connection.execute(text(statement))) for statement in statements]


SEALED = ("SELECT * FROM audit_log ORDER BY id", "SELECT * FROM audit_blocks ORDER BY number")
SUMMED = (
    "SELECT action, status, hour, row_count FROM audit_totals ORDER BY action, status, hour",
    "SELECT hour, kind_id, count FROM usage_hourly ORDER BY hour, kind_id",
    "SELECT * FROM latency_hourly ORDER BY hour, action, bucket",
    "SELECT * FROM daily_seen WHERE kind = 'ip' ORDER BY day",
)
_OLD_FILE = """
INSERT INTO files (file_id, state, visibility, filename, description, file_size, mime_type, claimed_type, file_hash,
    blob_id, owner_id, delete_digest, client_ip, upload_us)
VALUES (:id, 'live', 'public', :filename, '', 1, 'text/plain', '', '', 1, :owner, '', :address, 1)
"""
