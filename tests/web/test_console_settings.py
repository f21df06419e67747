"""`GET /api/v1/console`: what a page may know before anything else."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from filewallball import permissions
from filewallball.settings.loading import ConfigError, load_settings

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@on_sqlite
def test_it_tells_what_a_page_needs(set_config: Callable[..., Flask]) -> None:
    app = set_config(
        GRAFANA_URL="https://grafana.example.org/base/",
        MAX_UPLOAD_SIZE="3MB",
        ALLOWED_FILE_TYPES="image/*,text/plain",
        ANONYMOUS_ROLE="guest",
        UPLOADS_PER_CLIENT="7",
    )

    answer = app.test_client().get("/api/v1/console")

    told = answer.get_json()
    assert answer.headers["Cache-Control"] == "no-cache"
    assert told["grafana_url"] == "https://grafana.example.org/base"
    assert told["max_upload_size"] == 3 * 2**20
    assert told["allowed_file_types"] == ["image/*", "text/plain"]
    assert told["anonymous"] == {"role": "guest", "permissions": sorted(permissions.ROLES["guest"])}
    assert told["resumable"] == {
        "enabled": True,
        "version": "1.0.0",
        "max_size": 3 * 2**20,
        "max_chunk_size": 3 * 2**20,
        "max_unfinished": 7,
        "idle_seconds": 3600,
        "expires_seconds": 86400,
    }
    assert "virus_scan" not in told["features"]


@on_sqlite
def test_it_is_the_same_for_everybody(client: FlaskClient, admin: FlaskClient) -> None:
    assert client.get("/api/v1/console").data == admin.get("/api/v1/console").data
    assert client.get("/api/v1/console").get_json()["grafana_url"] is None


@on_sqlite
def test_it_counts_towards_the_limit(set_config: Callable[..., Flask]) -> None:
    client = set_config(RATELIMIT_API="2/hour").test_client()

    statuses = [
        client.get("/api/v1/console", environ_base={"REMOTE_ADDR": "198.51.100.9"}).status_code
        for _ in range(3)
    ]

    assert statuses == [200, 200, 429]


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "https://admin:secret@grafana.example.org", "grafana.example.org", "https://"],
)
def test_what_is_no_address_to_show_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ConfigError, match="GRAFANA_URL"):
        load_settings({"GRAFANA_URL": url})
