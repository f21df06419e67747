"""Requests of tus to an application without a server, and looks at what it keeps."""

import base64
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from harness.parts import Parts

VERSION = {"Tus-Resumable": "1.0.0"}
HOUR_US = 3600 * 1_000_000


def create(client: FlaskClient, length: int | None, **values: str) -> TestResponse:
    pairs = [f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items()]
    announced = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
    return client.post("/uploads", headers={**VERSION, **announced, "Upload-Metadata": ",".join(pairs)})


def begin(client: FlaskClient, length: int | None, **values: str) -> str:
    answer = create(client, length, **{"filename": "a.bin", **values})
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def patch(client: FlaskClient, url: str, offset: int, data: bytes) -> TestResponse:
    body = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
    return client.patch(url, data=data, headers={**VERSION, **body})


def head(client: FlaskClient, url: str) -> TestResponse:
    return client.head(url, headers=VERSION)


def change(app: Flask, table: Any, **values: Any) -> None:
    """Set columns of all rows."""
    with Parts(app).database.begin() as connection:
        connection.execute(update(table).values(**values))


def segments(app: Flask) -> list[Path]:
    return [path for path in (Parts(app).store.root / "uploads").rglob("*") if path.is_file()]


def seen(rows: list[Any], action: str) -> list[tuple[str, str]]:
    return [(row.status, row.error_type) for row in rows if row.action == action]
