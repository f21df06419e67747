"""Describing, listing, fetching and deleting files."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from filewallball.files.tables import files
from harness.parts import Parts
from tests.conftest import ADMIN_TOKEN

AS_ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


def keep(
    client: FlaskClient, content: bytes = b"content", name: str = "a.txt", **options: str
) -> dict[str, Any]:
    headers = AS_ADMIN if options.get("visibility") == "private" else {}
    answer = client.post("/upload", data={"file": (io.BytesIO(content), name), **options}, headers=headers)
    assert answer.status_code == 201
    file: dict[str, Any] = answer.get_json()
    return file


def listed(client: FlaskClient, query: str = "", **options: Any) -> list[str]:
    answer = client.get(f"/files?{query}", **options)
    assert answer.status_code == 200
    assert answer.json is not None
    return [file["filename"] for file in answer.json["files"]]


def expire(app: Flask, file_id: str) -> None:
    with Parts(app).database.begin() as connection:
        connection.execute(update(files).where(files.c.file_id == file_id).values(expires_us=1))


def test_a_description_repeats_what_the_upload_said(client: FlaskClient) -> None:
    file = keep(client, visibility="public")

    described = client.get(f"/files/{file['file_id']}").json

    of_the_upload = ("is_duplicate", "quarantine_reasons", "delete_token")
    assert described == {name: value for name, value in file.items() if name not in of_the_upload}


def test_only_public_files_are_listed_newest_first(client: FlaskClient) -> None:
    keep(client, name="first", visibility="public")
    keep(client, name="hidden")
    keep(client, name="mine", visibility="private")
    keep(client, name="second", visibility="public")

    assert listed(client) == ["second", "first"]
    assert listed(client, headers=AS_ADMIN) == ["second", "mine", "hidden", "first"]


def test_filters_narrow_the_list(client: FlaskClient) -> None:
    keep(client, b"\x89PNG\r\n\x1a\n" + b"x" * 100, "sea.png", visibility="public")
    keep(client, b"words", "100%_sure.txt", visibility="public")

    assert listed(client, "type=image/png") == ["sea.png"]
    assert listed(client, "type=image/*") == ["sea.png"]
    assert listed(client, "name=%25_s") == ["100%_sure.txt"]
    assert listed(client, "size_max=50") == ["100%_sure.txt"]
    assert listed(client, "size_min=51") == ["sea.png"]
    assert listed(client, "date_from=2999-01-01T00:00:00Z") == []
    for contradiction in (
        "size_min=2&size_max=1",
        "date_from=2024-01-02T00:00:00&date_to=2024-01-01T23:00:00Z",
    ):
        assert client.get(f"/files?{contradiction}").status_code == 422
    assert listed(client, "date_from=2020-01-01T00:00:00&date_to=2999-01-01T00:00:00%2B09:00") == [
        "100%_sure.txt",
        "sea.png",
    ]


def test_pages_and_cursors_walk_the_same_list(client: FlaskClient) -> None:
    for number in range(7):
        keep(client, name=f"file-{number}", visibility="public")
    expected = [f"file-{number}" for number in reversed(range(7))]

    pages = [name for page in (1, 2, 3) for name in listed(client, f"size=3&page={page}")]
    walked, cursor = [], ""
    while cursor is not None:
        answer = client.get(f"/files?size=3&cursor={cursor}").json
        assert answer is not None
        walked += [file["filename"] for file in answer["files"]]
        cursor = answer["next_cursor"]

    assert pages == expected
    assert walked == expected
    first = client.get("/files?size=3").json
    assert first is not None
    assert (first["total"], first["pages"], first["total_is_lower_bound"]) == (7, 3, False)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("page=500&size=500", "page_too_deep"),
        ("cursor=junk", "validation_error"),
        ("limit=1", "validation_error"),
    ],
)
def test_a_page_out_of_reach_says_so(client: FlaskClient, query: str, code: str) -> None:
    answer = client.get(f"/files?{query}")

    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["code"] == code


def test_a_delete_token_deletes_once(client: FlaskClient, operations: Callable[[], list[Any]]) -> None:
    file = keep(client)
    path, token = f"/files/{file['file_id']}", {"X-Delete-Token": file["delete_token"]}

    assert client.delete(path).status_code == 401
    assert client.delete(path, headers={"X-Delete-Token": "wrong"}).status_code == 403
    assert client.delete(path, headers=token).status_code == 204
    assert client.delete(path, headers=token).status_code == 404
    assert client.get(file["download_url"]).status_code == 404

    deletions = [(row.status, row.error_type) for row in operations() if row.action == "file:delete"]
    assert deletions == [
        ("denied", "auth_missing"),
        ("denied", "forbidden"),
        ("success", ""),
        ("failed", "not_found"),
    ]


def test_an_administrator_deletes_any_file(client: FlaskClient) -> None:
    file = keep(client)

    assert client.delete(f"/files/{file['file_id']}", headers=AS_ADMIN).status_code == 204


def test_an_expired_file_is_gone_for_ever(app: Flask, client: FlaskClient) -> None:
    file = keep(client, visibility="public", expires_in="1h")
    expire(app, file["file_id"])

    for path in (file["download_url"], file["view_url"], f"/files/{file['file_id']}"):
        answer = client.get(path)
        assert answer.status_code == 410
        assert answer.json is not None
        assert answer.json["code"] == "expired"
    assert listed(client) == []


def test_reading_is_on_record(client: FlaskClient, operations: Callable[[], list[Any]]) -> None:
    file = keep(client, b"0123456789")

    client.get(file["download_url"])
    client.get(file["download_url"], headers={"Range": "bytes=2-4"})
    client.get(file["download_url"], headers={"If-None-Match": f'"{file["file_hash"]}"'})
    client.head(file["download_url"])
    client.get(file["view_url"])
    client.get("/files")
    client.get("/download/unknown")

    assert [(row.action, row.status, row.error_type, row.file_size) for row in operations()[1:]] == [
        ("file:download", "success", "", 10),
        ("file:download", "success", "", 3),
        ("file:check", "success", "", 0),
        ("file:check", "success", "", 0),
        ("file:view", "success", "", 10),
        ("file:list", "success", "", 0),
        ("file:download", "failed", "not_found", 0),
    ]


def test_a_flood_of_refusals_is_folded_into_a_count(
    app: Flask, client: FlaskClient, operations: Callable[[], list[Any]]
) -> None:
    for _ in range(50):
        client.get("/download/unknown")
    Parts(app).ledger.folds.close_before(1 << 62)

    rows = operations()

    assert sum(row.count for row in rows) == 50
    assert len(rows) <= 22  # ten alone and one fold for each minute that the loop touched
