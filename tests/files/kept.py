"""Files that tests keep, and lists of those that are there."""

import io
from typing import Any

from flask.testing import FlaskClient

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
