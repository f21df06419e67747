"""Private files and the links to them, for tests of what a link gives."""

import io
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from filewallball.links.tables import links
from harness.parts import Parts
from tests.conftest import ADMIN_TOKEN

CONTENT = b"0123456789"
AS_ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


def keep_private(client: FlaskClient, content: bytes = CONTENT, name: str = "a.txt") -> dict[str, Any]:
    """A private file of the administrator."""
    data = {"file": (io.BytesIO(content), name), "visibility": "private"}
    answer = client.post("/upload", data=data, headers=AS_ADMIN)
    assert answer.status_code == 201, answer.get_json()
    file: dict[str, Any] = answer.get_json()
    return file


def make_link(client: FlaskClient, file_id: str, **options: Any) -> dict[str, Any]:
    """A link to the file, made by the administrator; `path` is that of its URL."""
    answer = client.post("/api/v1/links", json={"file_id": file_id, **options}, headers=AS_ADMIN)
    assert answer.status_code == 201, answer.get_json()
    link: dict[str, Any] = answer.get_json()
    return {**link, "path": urlsplit(link["url"]).path}


def described(client: FlaskClient, link: dict[str, Any]) -> dict[str, Any]:
    """The link as its owner sees it now."""
    found: dict[str, Any] = client.get(f"/api/v1/links/{link['link_id']}", headers=AS_ADMIN).get_json()
    return found


def seen(answer: TestResponse) -> tuple[int, str]:
    """Status and code of an answer."""
    return answer.status_code, (answer.get_json(silent=True) or {}).get("code", "")


def change(app: Flask, link: dict[str, Any], **values: Any) -> None:
    """Change columns of the link's row."""
    with Parts(app).database.begin() as connection:
        connection.execute(update(links).where(links.c.link_id == link["link_id"]).values(**values))
