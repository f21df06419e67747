"""What `filewallball doctor` reminds of: nothing breaks without it."""

import os
from pathlib import Path

from flask import Flask
from sqlalchemy import create_engine

from filewallball.audit.seals import Seals
from filewallball.audit.verify_job import Verification
from filewallball.doctor.host import audit, database
from filewallball.recording.caller import SYSTEM
from filewallball.recording.row_format import RowFormat
from filewallball.registry import part
from harness.parts import Parts


def test_a_lock_file_that_keeps_writers_from_taking_turns_is_named(tmp_path: Path) -> None:
    path, turns = tmp_path / "a.db", tmp_path / "a.db.turns"
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = wal")
    turns.touch()
    assert database({"": engine}).status == "ok"
    os.chown(path, os.geteuid() + 1, -1)

    found = database({"": engine})

    engine.dispose()
    assert (found.status, str(turns) in found.text) == ("warning", True)


def test_an_upgrade_that_is_not_finished_is_named(app: Flask) -> None:
    parts, verification = Parts(app), part(Verification, app)
    verification.run_if_due(SYSTEM)
    formats = RowFormat(parts.database, b"the key"), RowFormat(parts.database, b"another key")
    with parts.database.begin() as connection:
        formats[0].finish(connection)

    newest, earlier = (
        audit(parts.settings, parts.database, part(Seals, app), verification, each) for each in formats
    )

    assert newest.status == "ok"
    assert (earlier.status, "`filewallball upgrade finish`" in earlier.text) == ("warning", True)
