"""Deleting files."""

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from tests.files.kept import AS_ADMIN, keep


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
