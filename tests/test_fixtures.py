"""The app that tests are given is whole, private and prepared, on either database."""

import io
from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import literal, select

from filewallball.database.engines import Engines
from filewallball.registry import part
from filewallball.settings.service import Settings


def test_a_file_uploaded_by_the_client_comes_back(client: FlaskClient) -> None:
    uploaded = client.post("/upload", data={"file": (io.BytesIO(b"content"), "name.txt")})
    assert uploaded.status_code == 201, uploaded.text

    fetched = client.get(f"/download/{uploaded.get_json()['file_id']}")

    assert fetched.data == b"content"


def test_each_test_begins_without_files(admin: FlaskClient) -> None:
    assert admin.get("/files").get_json()["files"] == []


def test_the_administrator_may_read_the_audit_log_and_others_may_not(
    admin: FlaskClient, client: FlaskClient
) -> None:
    assert client.get("/api/v1/audit/logs").status_code == 401
    assert admin.get("/api/v1/audit/logs").status_code == 200


def test_settings_are_those_the_app_runs_with(set_config: Callable[..., Flask], settings: Settings) -> None:
    assert settings.max_upload_size == 50 * 1024 * 1024

    small = set_config(MAX_UPLOAD_SIZE="1KB").test_client()

    assert small.put("/upload/a.bin", data=b"x" * 1025).status_code == 413


def test_apps_share_the_statements_that_they_compile(set_config: Callable[..., Flask]) -> None:
    def compiled(app: Flask) -> object:
        with part(Engines, app).reader.connect() as connection:
            return connection.execute(select(literal(1).label("only_here"))).context.compiled

    assert compiled(set_config()) is compiled(set_config())
