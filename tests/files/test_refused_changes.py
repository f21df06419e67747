"""Uploads that the database refuses: a clear answer, nothing left of their bytes, nobody else's upload harmed."""

import io
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.engine.base import RootTransaction
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from filewallball.database.driver_transaction import DriverTransaction
from filewallball.database.group_commit import GroupCommit
from harness.parts import Parts
from harness.waiting import wait_until

_SQLITE_TRIGGER = """
CREATE TRIGGER refusal BEFORE INSERT ON {table} WHEN NEW.{column} = '{value}' BEGIN SELECT RAISE(ABORT, 'no'); END
"""
_MARIADB_TRIGGER = """
CREATE TRIGGER refusal BEFORE INSERT ON {table} FOR EACH ROW
IF NEW.{column} = '{value}' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END IF
"""


@pytest.fixture
def parts(app: Flask) -> Parts:
    """The app's runtime."""
    return Parts(app)


@pytest.fixture
def refuse(parts: Parts) -> Iterator[Callable[..., None]]:
    """Makes the database refuse new rows: `refuse("files", "filename", "bad.txt")`."""
    template = _SQLITE_TRIGGER if parts.database.dialect.name == "sqlite" else _MARIADB_TRIGGER

    def make(table: str, column: str, value: str) -> None:
        with parts.database.begin() as connection:
            connection.exec_driver_sql(template.format(table=table, column=column, value=value))

    yield make
    with parts.database.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER IF EXISTS refusal")


@pytest.fixture
def full_disk(prepared_sqlite: Path, tmp_path: Path) -> Iterator[Path]:
    """A small file system with a prepared database on it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], check=True)
    shutil.copyfile(prepared_sqlite, folder / "filewallball.db")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def put(client: FlaskClient, name: str = "a.txt", content: bytes = b"content") -> TestResponse:
    return client.put(f"/upload/{name}", data=content)


def post(client: FlaskClient) -> TestResponse:
    return client.post("/upload", data={"file": (io.BytesIO(b"content"), "a.txt")})


def left(parts: Parts) -> list[Path]:
    """Every file in the store but its marker."""
    folders = parts.store.blobs_root, parts.store.staging
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [("files", "filename", "a.txt"), ("audit_log", "status", "success")],
    ids=["the file's row", "the audit row"],
)
@pytest.mark.parametrize("upload", [put, post])
def test_a_row_that_the_database_refuses_leaves_no_bytes(
    client: FlaskClient,
    parts: Parts,
    refuse: Callable[..., None],
    upload: Callable[[FlaskClient], TestResponse],
    table: str,
    column: str,
    value: str,
) -> None:
    refuse(table, column, value)

    answer = upload(client)

    assert answer.status_code >= 500
    assert left(parts) == []


def test_an_unforeseen_error_within_the_change_leaves_no_bytes(
    client: FlaskClient, parts: Parts, monkeypatch: pytest.MonkeyPatch, operations: Callable[[], list[Any]]
) -> None:
    def surprise(*_: Any) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(parts.ledger.writer, "append", surprise)
    answer = put(client)
    monkeypatch.undo()

    assert answer.status_code == 500
    assert left(parts) == []
    assert [(row.status, row.error_type) for row in operations()] == [("failed", "internal_error")]


@pytest.mark.parametrize("landed", [True, False])
def test_a_commit_of_unknown_outcome_keeps_the_bytes(
    client: FlaskClient, parts: Parts, monkeypatch: pytest.MonkeyPatch, landed: bool
) -> None:
    def breaking_off(commit: Callable[[Any], None]) -> Callable[[Any], None]:
        def break_off(transaction: Any) -> None:
            commit(transaction) if landed else transaction.rollback()
            raise OperationalError("COMMIT", {}, Exception("connection lost"))

        return break_off

    for kind in (RootTransaction, DriverTransaction):
        monkeypatch.setattr(kind, "commit", breaking_off(kind.commit))
    answer = put(client)
    monkeypatch.undo()

    assert answer.get_json()["code"] == "commit_unknown"
    assert len(left(parts)) == 1
    assert put(client).status_code == 201
    assert len(left(parts)) == (1 if landed else 2)  # the second is the sweep's


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_read_only_database_file_is_told_and_leaves_no_bytes(client: FlaskClient, parts: Parts) -> None:
    writer = parts.database._writer
    writer.dispose()
    event.listen(writer, "connect", lambda driver, _: driver.execute("PRAGMA query_only = ON"))

    answers = [put(client), post(client)]

    assert [answer.get_json()["code"] for answer in answers] == ["unavailable", "unavailable"]
    assert answers[0].get_json()["detail"] == "The database is read-only."
    assert left(parts) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_without_space_is_told_and_leaves_no_bytes(
    set_config: Callable[..., Flask], full_disk: Path
) -> None:
    app = set_config(DATABASE_URL=f"sqlite:///{full_disk / 'filewallball.db'}")
    client, parts, filler = app.test_client(), Parts(app), full_disk / "filler"
    assert put(client, content=b"first").status_code == 201
    subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4096"], check=False, capture_output=True)

    refused = [put(client, f"{number}.txt", b"%d" % number) for number in range(100)]

    assert {answer.status_code for answer in refused[-10:]} == {507}
    assert {answer.get_json()["code"] for answer in refused if answer.status_code != 201} == {"storage_full"}
    kept = [answer for answer in refused if answer.status_code == 201]
    assert len(left(parts)) == 1 + len(kept)
    filler.unlink()
    assert put(client, content=b"last").status_code == 201


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_fails_among_others_takes_nobodys_bytes_along(
    app: Flask, parts: Parts, refuse: Callable[..., None]
) -> None:
    refuse("files", "filename", "bad.txt")
    names = ["bad.txt", "a.txt", "b.txt", "bad.txt", "c.txt"]
    commits = parts.database.commits
    assert isinstance(commits, GroupCommit)

    with ThreadPoolExecutor(len(names)) as pool, parts.database.writing():
        futures: list[Future[TestResponse]] = []
        for name in names:  # one after the other, so that the one who fails comes first
            futures.append(pool.submit(put, app.test_client(), name, b"the same bytes"))
            wait_until(lambda: len(commits.waiting) == len(futures), what="it waits")
    answers = [future.result() for future in futures]

    assert [answer.status_code for answer in answers] == [500, 201, 201, 500, 201]
    assert len(left(parts)) == 1
    for answer in answers:
        if answer.status_code == 201:
            assert app.test_client().get(answer.get_json()["download_url"]).data == b"the same bytes"
