"""Links as their owners make them and as others use them."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from filewallball.files.tables import files
from filewallball.links.lookup import digest
from filewallball.links.tables import link_claims, links
from harness.parts import Parts
from tests.access.people import client_of, new_token
from tests.links.shared import AS_ADMIN, CONTENT, described, keep_private, make_link, seen

USED_UP, REVOKED, EXPIRED = (410, "link_used_up"), (410, "link_revoked"), (410, "link_expired")


def change(app: Flask, link: dict[str, Any], **values: Any) -> None:
    with Parts(app).database.begin() as connection:
        connection.execute(update(links).where(links.c.link_id == link["link_id"]).values(**values))


def end_claims(app: Flask) -> None:
    with Parts(app).database.begin() as connection:
        connection.execute(update(link_claims).values(until_us=1))


def test_a_link_gives_whoever_has_it_a_private_file(client: FlaskClient) -> None:
    file = keep_private(client)
    link = make_link(client, file["file_id"], name="for Bob")

    answers = [client.get(link["path"]), client.get(f"{link['path']}/view")]

    assert [(answer.status_code, answer.data) for answer in answers] == [(200, CONTENT)] * 2
    assert [answer.headers["Content-Disposition"].partition(";")[0] for answer in answers] == [
        "attachment",
        "inline",
    ]
    assert seen(client.get(f"/download/{file['file_id']}")) == (404, "not_found")


def test_a_new_link_says_what_it_is_and_its_url_is_shown_once(client: FlaskClient) -> None:
    file = keep_private(client)
    link = make_link(
        client, file["file_id"], name="for Bob", expires_in="1h", max_downloads=3, password="hush"
    )

    shown = described(client, link)
    assert shown == {name: value for name, value in link.items() if name not in ("url", "path")}
    assert (shown["name"], shown["max_downloads"], shown["one_time"]) == ("for Bob", 3, False)
    assert (shown["has_password"], shown["downloads"], shown["revoked_at"]) == (True, 0, None)
    assert (shown["state"], shown["created_by"]) == ("active", "admin")
    assert shown["expires_at"] > shown["created_at"]
    listed = client.get(f"/api/v1/links?file_id={file['file_id']}", headers=AS_ADMIN).get_json()
    assert listed == {"links": [shown], "next_cursor": None}


def test_nothing_at_rest_opens_a_link(app: Flask, client: FlaskClient) -> None:
    link = make_link(client, keep_private(client)["file_id"], password="correct horse")

    row = Parts(app).database.row(links.select())

    assert row is not None
    secret = link["path"].rpartition("/")[2]
    assert row.secret_digest == digest(secret)
    assert not [value for value in row if isinstance(value, str) and (secret in value or "horse" in value)]


@pytest.mark.parametrize("options", [{"password": "hush"}, {"max_downloads": 2}, {"one_time": True}])
def test_conditions_are_for_private_files_alone(client: FlaskClient, options: dict[str, Any]) -> None:
    file = client.put("/upload/a.txt?visibility=public", data=CONTENT, headers=AS_ADMIN).get_json()

    answer = client.post("/api/v1/links", json={"file_id": file["file_id"], **options}, headers=AS_ADMIN)

    assert seen(answer) == (422, "validation_error")
    assert list(answer.get_json()["errors"]) == list(options)
    assert client.get(make_link(client, file["file_id"], expires_in="1h")["path"]).data == CONTENT


def test_a_link_belongs_to_the_owner_of_its_file(app: Flask, client: FlaskClient) -> None:
    owner, other = (client_of(app, new_token(app, name)) for name in ("owner", "other"))
    file = owner.put("/upload/a.txt?visibility=private", data=CONTENT).get_json()
    public = owner.put("/upload/b.txt?visibility=public", data=CONTENT).get_json()
    link = owner.post("/api/v1/links", json={"file_id": file["file_id"]}).get_json()
    by_admin = make_link(client, file["file_id"])

    assert seen(other.post("/api/v1/links", json={"file_id": file["file_id"]})) == (404, "not_found")
    assert seen(other.post("/api/v1/links", json={"file_id": public["file_id"]})) == (403, "forbidden")
    assert seen(client.post("/api/v1/links", json={"file_id": public["file_id"]})) == (401, "auth_missing")
    assert seen(client.get("/api/v1/links")) == (401, "auth_missing")
    assert other.get("/api/v1/links").get_json()["links"] == []
    for method in ("GET", "DELETE"):
        assert seen(other.open(f"/api/v1/links/{link['link_id']}", method=method)) == (404, "not_found")
    mine = [each["link_id"] for each in owner.get("/api/v1/links").get_json()["links"]]
    assert mine == [by_admin["link_id"], link["link_id"]]
    assert owner.delete(f"/api/v1/links/{by_admin['link_id']}").status_code == 204


def test_links_are_listed_in_pages_newest_first(client: FlaskClient) -> None:
    file = keep_private(client)
    made = [make_link(client, file["file_id"])["link_id"] for _ in range(5)]
    found: list[str] = []

    cursor = ""
    for _ in range(3):
        page = client.get(f"/api/v1/links?limit=2&cursor={cursor}", headers=AS_ADMIN).get_json()
        found += [link["link_id"] for link in page["links"]]
        cursor = page["next_cursor"]

    assert cursor is None
    assert found == made[::-1]


def test_an_unknown_link_and_a_wrong_secret_are_answered_alike(client: FlaskClient) -> None:
    link = make_link(client, keep_private(client)["file_id"])
    _, _, link_id, secret = link["path"].split("/")

    for wrong in (f"/s/{link_id}/{secret[:-1]}", f"/s/{'0' * 20}/{secret}", f"/s/{link_id}%20/{secret}"):
        for method, route in (("GET", ""), ("GET", "/view"), ("GET", "/info"), ("POST", "/unlock")):
            answer = client.open(wrong + route, method=method, json={} if method == "POST" else None)
            assert seen(answer) == (404, "not_found"), wrong + route
            assert answer.get_json()["detail"] == client.get("/s/no/link").get_json()["detail"]


def test_a_revoked_link_is_over_at_once(client: FlaskClient) -> None:
    link = make_link(client, keep_private(client)["file_id"], password="hush")
    ticket = client.post(f"{link['path']}/unlock", json={"password": "hush"}).get_json()
    assert client.get(ticket["url"]).data == CONTENT

    assert client.delete(f"/api/v1/links/{link['link_id']}", headers=AS_ADMIN).status_code == 204

    assert seen(client.get(link["path"])) == REVOKED
    assert seen(client.get(ticket["url"], headers={"Range": "bytes=2-"})) == REVOKED
    assert seen(client.post(f"{link['path']}/unlock", json={"password": "hush"})) == REVOKED
    assert seen(client.delete(f"/api/v1/links/{link['link_id']}", headers=AS_ADMIN)) == (404, "not_found")
    assert described(client, link)["state"] == "revoked"


def test_an_expired_link_is_over(app: Flask, client: FlaskClient) -> None:
    link = make_link(client, keep_private(client)["file_id"], expires_in="1h")
    change(app, link, expires_us=1)

    assert seen(client.get(link["path"])) == EXPIRED
    assert described(client, link)["state"] == "expired"


def test_links_of_a_disabled_user_rest(app: Flask, client: FlaskClient) -> None:
    owner = client_of(app, new_token(app, "owner"))
    file = owner.put("/upload/a.txt?visibility=private", data=CONTENT).get_json()
    path = owner.post("/api/v1/links", json={"file_id": file["file_id"]}).get_json()["url"]
    users = client.get("/api/v1/access/users", headers=AS_ADMIN).get_json()["users"]
    user_id = next(user["id"] for user in users if user["username"] == "owner")

    answers = []
    for disabled in (True, False):
        changed = client.patch(
            f"/api/v1/access/users/{user_id}", json={"disabled": disabled}, headers=AS_ADMIN
        )
        assert changed.status_code == 200
        answers.append(seen(client.get(path)))

    assert answers == [REVOKED, (200, "")]


def test_a_one_time_link_gives_one_download_that_may_be_resumed(app: Flask, client: FlaskClient) -> None:
    link = make_link(client, keep_private(client)["file_id"], one_time=True)
    rest = {"Range": "bytes=4-"}

    assert client.get(link["path"]).data == CONTENT
    assert seen(client.get(link["path"])) == USED_UP
    assert client.get(link["path"], headers=rest).data == CONTENT[4:]
    assert client.get(f"{link['path']}/view", headers=rest).data == CONTENT[4:]
    assert described(client, link)["downloads"] == 1
    end_claims(app)

    assert seen(client.get(link["path"], headers=rest)) == USED_UP
    assert seen(client.head(link["path"]))[0] == 410
    assert (described(client, link)["state"], described(client, link)["max_downloads"]) == ("used_up", 1)


def test_another_network_may_not_go_on_with_a_download(app: Flask, client: FlaskClient) -> None:
    link = make_link(client, keep_private(client)["file_id"], one_time=True)
    assert client.get(link["path"], headers={"Range": "bytes=0-3"}).data == CONTENT[:4]

    elsewhere = client_of(app, address="203.0.113.9").get(link["path"], headers={"Range": "bytes=4-"})

    assert seen(elsewhere) == USED_UP
    assert client.get(link["path"], headers={"Range": "bytes=4-"}).data == CONTENT[4:]


def test_parts_of_one_download_count_once_and_checks_never(client: FlaskClient) -> None:
    file = keep_private(client)
    link = make_link(client, file["file_id"], max_downloads=5)

    client.head(link["path"])
    client.get(link["path"], headers={"If-None-Match": f'"{file["file_hash"]}"'})
    client.get(link["path"], headers={"If-Match": '"another"'})
    client.get(link["path"], headers={"Range": "bytes=99-"})
    client.get(f"{link['path']}/info")
    assert described(client, link)["downloads"] == 0

    for first in range(0, 10, 2):
        client.get(link["path"], headers={"Range": f"bytes={first}-{first + 1}"})
    assert described(client, link)["downloads"] == 1

    client.get(link["path"])
    assert described(client, link)["downloads"] == 2


def test_what_a_link_does_is_on_record_by_its_id(
    client: FlaskClient, operations: Callable[[], list[Any]]
) -> None:
    file = keep_private(client)
    link = make_link(client, file["file_id"], name="for Bob", one_time=True)
    client.get(link["path"])
    client.get(link["path"], headers={"Range": "bytes=4-"})
    client.head(link["path"])
    client.get(link["path"])
    client.delete(f"/api/v1/links/{link['link_id']}", headers=AS_ADMIN)

    rows = operations()[1:]

    assert {(row.resource_type, row.resource_id, row.link_id) for row in rows} == {
        ("file", file["file_id"], link["link_id"])
    }
    assert sorted((row.action, row.status, row.error_type, row.file_size) for row in rows) == [
        ("file:check", "success", "", 0),
        ("file:download", "failed", "link_used_up", 0),
        ("file:download", "success", "", 6),
        ("file:download", "success", "", 10),
        ("link:claim", "success", "", 0),
        ("link:create", "success", "", 0),
        ("link:revoke", "success", "", 0),
    ]


def test_a_link_leads_nowhere_once_its_file_is_gone(app: Flask, client: FlaskClient) -> None:
    file = keep_private(client)
    link = make_link(client, file["file_id"])
    with Parts(app).database.begin() as connection:
        connection.execute(update(files).values(state="quarantined"))
    assert seen(client.get(link["path"])) == (403, "quarantined")
    assert client.get(f"{link['path']}/info").get_json()["state"] == "unavailable"
    with Parts(app).database.begin() as connection:
        connection.execute(update(files).values(state="live"))

    assert client.delete(f"/files/{file['file_id']}", headers=AS_ADMIN).status_code == 204

    assert seen(client.get(link["path"])) == (404, "not_found")
    assert described(client, link)["state"] == "unavailable"


def test_no_link_is_made_before_the_audit_log_can_name_it(app: Flask, client: FlaskClient) -> None:
    file = keep_private(client)
    Parts(app).ledger.writer.row_format.keep_first()

    answer = client.post("/api/v1/links", json={"file_id": file["file_id"]}, headers=AS_ADMIN)

    assert seen(answer) == (409, "conflict")
    assert "upgrade finish" in answer.get_json()["detail"]
