"""Quarantine: kept, not served, shown to administrators, released or purged by them."""

from collections.abc import Sequence
from typing import Any, BinaryIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Row, delete, update

from filewallball.database.connections import Database
from filewallball.files.quarantine import list_quarantined
from filewallball.files.tables import QUARANTINED, blobs, files
from filewallball.recording.event import Event
from harness.parts import Parts
from harness.shell import Shell
from tests.access.people import Build, client_of, events, new_token
from tests.conftest import ADMIN_TOKEN

DISGUISED = b"<html><script>alert(1)</script></html>"
QUARANTINE = "/api/v1/quarantine"


def put(client: FlaskClient, name: str = "holiday.png", data: bytes = DISGUISED) -> str:
    answer = client.put(f"/upload/{name}?visibility=public", data=data)
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["file_id"])


def test_a_file_in_quarantine_is_kept_and_not_served(client: FlaskClient, admin: FlaskClient) -> None:
    file_id = put(client)

    for route in ("/download/", "/view/", "/files/"):
        answer = client.get(route + file_id)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "quarantined"), route
    assert admin.get(f"/download/{file_id}").status_code == 403
    assert client.get("/files").get_json()["files"] == []
    assert admin.get(f"/files/{file_id}").status_code == 200


def test_the_uploader_is_told_the_reasons(client: FlaskClient) -> None:
    kept = client.put("/upload/holiday.png", data=DISGUISED).get_json()
    served = client.put("/upload/words.txt", data=b"only words").get_json()

    assert (kept["is_quarantined"], kept["quarantine_reasons"]) == (True, ["disguised_script"])
    assert (served["is_quarantined"], served["quarantine_reasons"]) == (False, [])


def test_purging_nothing_in_particular_is_a_mistake(environ: dict[str, str], app: Flask) -> None:
    with pytest.raises(RuntimeError, match="--older-than"):
        Shell(environ).run("quarantine", "purge")
    with pytest.raises(RuntimeError, match="--older-than"):
        Shell(environ).run("quarantine", "purge", "--older-than", str(10**12))


def test_administrators_see_the_reasons(client: FlaskClient, admin: FlaskClient) -> None:
    file_id = put(client)

    listed = admin.get(QUARANTINE).get_json()["files"]

    assert [(row["file_id"], row["reasons"]) for row in listed] == [(file_id, ["disguised_script"])]
    details = events(admin, "file:upload")[0]["details"]
    assert details["suspicion"] == ["disguised_script"]  # type: ignore[index]


def test_a_released_file_is_served(client: FlaskClient, admin: FlaskClient) -> None:
    file_id = put(client)

    assert admin.post(f"{QUARANTINE}/{file_id}/release").status_code == 204

    assert client.get(f"/download/{file_id}").data == DISGUISED
    assert admin.post(f"{QUARANTINE}/{file_id}/release").status_code == 404
    assert events(admin, "file:release")[0]["resource_id"] == file_id


def test_a_review_releases_what_earlier_rules_put_there_and_is_not_dangerous(
    app: Flask, client: FlaskClient, environ: dict[str, str]
) -> None:
    dangerous, lost = put(client), put(client, data=DISGUISED + b" ")
    wrong = put(client, "holiday.jpg", b"only words")
    store = Parts(app).store
    store.remove(next(path for path in store.blobs() if _holds(store.open(path), DISGUISED + b" ")))
    everything = update(files).values(state=QUARANTINED, suspicion="extension_contradicts_content")
    with Parts(app).database.begin() as connection:
        connection.execute(everything)

    named = Shell(environ).run("quarantine", "review")
    assert client.get(f"/download/{wrong}").status_code == 403
    released = Shell(environ).run("quarantine", "review", "--release")

    assert f"{wrong} is not dangerous: holiday.jpg, text/plain" in named
    assert f"{wrong} is served again" in released
    assert dangerous not in named + released
    assert f"{lost} cannot be read" in named
    assert [client.get(f"/download/{file_id}").status_code for file_id in (dangerous, lost, wrong)] == [
        403,
        403,
        200,
    ]


@pytest.mark.parametrize("command", [("review", "--release"), ("purge", "--older-than", "0")])
def test_a_file_that_leaves_quarantine_meanwhile_ends_no_command(
    app: Flask,
    client: FlaskClient,
    admin: FlaskClient,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    first, gone = put(client, "a.png", b"only words"), put(client)
    with Parts(app).database.begin() as connection:
        connection.execute(update(files).values(state=QUARANTINED, suspicion="of earlier rules"))

    def list_and_lose(database: Database, **place: Any) -> Sequence[Row[Any]]:
        rows = list_quarantined(database, **place)
        assert admin.delete(f"{QUARANTINE}/{gone}").status_code == 204
        with database.begin() as connection:
            connection.execute(delete(blobs).where(blobs.c.refs == 0))  # as the sweep does later
        return rows

    monkeypatch.setattr("filewallball.files.commands.list_quarantined", list_and_lose)

    assert first in Shell(environ).run("quarantine", *command)


def _holds(file: BinaryIO, data: bytes) -> bool:
    with file:
        return file.read() == data


def test_a_purged_file_is_gone(client: FlaskClient, admin: FlaskClient) -> None:
    file_id = put(client)

    assert admin.delete(f"{QUARANTINE}/{file_id}").status_code == 204

    assert admin.get(f"/files/{file_id}").status_code == 404
    assert admin.get(QUARANTINE).get_json()["files"] == []


def test_a_name_of_an_earlier_release_is_found_before_it_is_folded(
    app: Flask, client: FlaskClient, admin: FlaskClient
) -> None:
    file_id = put(client)
    with Parts(app).database.begin() as connection:
        connection.execute(update(files).values(name_folded=None))

    found, other = (
        admin.get(QUARANTINE, query_string={"name": name}).get_json() for name in ("liday", "work")
    )

    assert [row["file_id"] for row in found["files"]] == [file_id]
    assert other["total"] == 0


def test_only_files_in_quarantine_are_purged_or_released(client: FlaskClient, admin: FlaskClient) -> None:
    live = put(client, "a.txt", b"words")

    assert admin.delete(f"{QUARANTINE}/{live}").status_code == 404
    assert admin.post(f"{QUARANTINE}/{live}/release").status_code == 404
    assert client.get(f"/download/{live}").status_code == 200


def test_its_owner_may_delete_it(app: Flask) -> None:
    client = client_of(app, new_token(app, "alice"))

    assert client.delete(f"/files/{put(client)}").status_code == 204


def test_a_deceptive_name_is_neutralised_flagged_and_served(app: Flask, client: FlaskClient) -> None:
    seen: list[Event] = []
    Parts(app).ledger.listeners += (seen.append,)

    file_id = put(client, "photo%E2%80%AEgpj.exe", b"\x01\x02")

    assert client.get(f"/download/{file_id}").status_code == 200
    assert "\u202e" not in client.get(f"/files/{file_id}").get_json()["filename"]
    assert seen[0].suspicious


def test_flagged_files_are_served_and_counted(set_config: Build) -> None:
    app = set_config(SUSPICIOUS_UPLOADS="flag")
    seen: list[Event] = []
    Parts(app).ledger.listeners += (seen.append,)
    client = app.test_client()

    assert client.get(f"/download/{put(client)}").status_code == 200
    assert seen[0].suspicious


def test_rejected_files_leave_nothing_but_the_record(set_config: Build) -> None:
    app = set_config(SUSPICIOUS_UPLOADS="reject")

    answer = app.test_client().put("/upload/holiday.png", data=DISGUISED)

    assert (answer.status_code, answer.get_json()["code"]) == (422, "suspicious_file")
    assert list(Parts(app).store.blobs()) == []
    row = events(client_of(app, ADMIN_TOKEN), "file:upload")[0]
    assert (row["status"], row["error_type"]) == ("failed", "suspicious_file")


@pytest.mark.parametrize("name", ["tool", "holiday.png"])
def test_a_refused_executable_counts_as_suspicious(app: Flask, client: FlaskClient, name: str) -> None:
    seen: list[Event] = []
    Parts(app).ledger.listeners += (seen.append,)

    assert client.put(f"/upload/{name}", data=b"\x7fELF\x02\x01\x01" + b"\0" * 60).status_code == 415
    assert seen[0].suspicious


def test_an_allowed_executable_under_its_own_name_is_served(set_config: Build) -> None:
    client = set_config(BLOCKED_FILE_TYPES="application/x-none").test_client()

    program = b"\x7fELF\x02\x01\x01" + b"\0" * 60

    file_id = put(client, "tool", program)

    assert client.get(f"/download/{file_id}").data == program
