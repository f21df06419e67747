"""Describing and fetching files."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from filewallball.files.tables import files
from harness.parts import Parts
from tests.access.people import client_of, new_token
from tests.files.kept import AS_ADMIN, keep, listed


def expire(app: Flask, file_id: str) -> None:
    with Parts(app).database.begin() as connection:
        connection.execute(update(files).where(files.c.file_id == file_id).values(expires_us=1))


def test_a_description_repeats_what_the_upload_said(client: FlaskClient) -> None:
    file = keep(client, visibility="public")

    described = client.get(f"/files/{file['file_id']}").json

    of_the_upload = ("is_duplicate", "quarantine_reasons", "delete_token", "ignored_fields")
    expected = {name: value for name, value in file.items() if name not in of_the_upload}
    assert described == {**expected, "owner": None}


def test_the_owner_is_named_to_the_owner_and_to_administrators(app: Flask, client: FlaskClient) -> None:
    owner, other = (client_of(app, new_token(app, name)) for name in ("owner", "other"))
    owned, ownerless = keep(owner), keep(client)

    def told(by: FlaskClient, file: dict[str, Any], **headers: str) -> Any:
        return by.get(f"/files/{file['file_id']}", headers=headers).get_json()["owner"]

    assert [told(each, owned) for each in (owner, other, client)] == ["owner", None, None]
    assert (told(client, owned, **AS_ADMIN), told(client, ownerless, **AS_ADMIN)) == ("owner", "")
    changed = owner.patch(f"/files/{owned['file_id']}", json={"description": "mine"})
    assert changed.get_json()["owner"] == "owner"


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
    Parts(app).ledger.coalescer.close_all()

    rows = operations()

    assert sum(row.count for row in rows) == 50
    assert len(rows) <= 22  # ten alone and one coalesced event for each minute that the loop touched


def test_nginx_is_left_the_bytes_only_of_what_it_passed_on(set_config: Callable[..., Flask]) -> None:
    client = set_config(X_ACCEL="true", TRUSTED_PROXIES="127.0.0.1/32").test_client()
    file = keep(client)
    link = client.post("/api/v1/links", json={"file_id": file["file_id"]}, headers=AS_ADMIN).get_json()
    passed_on = {"X-Forwarded-For": "192.0.2.1"}

    for path in (file["download_url"], link["url"]):
        direct, by_nginx = client.get(path), client.get(path, headers=passed_on)

        assert (direct.data, "X-Accel-Redirect" in direct.headers) == (b"content", False)
        assert (by_nginx.data, "X-Accel-Redirect" in by_nginx.headers) == (b"", True)


def test_who_pretends_to_be_a_proxy_gets_the_bytes(set_config: Callable[..., Flask]) -> None:
    client = set_config(X_ACCEL="true", TRUSTED_PROXIES="192.0.2.9/32").test_client()

    answer = client.get(keep(client)["download_url"], headers={"X-Forwarded-For": "127.0.0.1"})

    assert (answer.data, "X-Accel-Redirect" in answer.headers) == (b"content", False)
