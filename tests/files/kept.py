"""Files that tests keep, lists of those that are there, and one as a lookup finds it."""

import io
from typing import Any

from flask.testing import FlaskClient

from filewallball.files.rows import FoundFile
from filewallball.files.tables import LIVE, UNLISTED
from tests.conftest import ADMIN_TOKEN

AS_ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
FOUND = FoundFile(
    file_id="one",
    filename="a.txt",
    file_size=4,
    mime_type="text/plain",
    claimed_type="",
    file_hash="00" * 32,
    visibility=UNLISTED,
    description="",
    upload_us=1,
    expires_us=None,
    state=LIVE,
    owner_id=0,
    delete_digest="",
    blob_id=1,
    path="ab/cd",
    scan_state="",
    damaged_us=None,
)


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
