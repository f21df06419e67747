"""Links as their owners make them and as others use them."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from filewallball.files.tables import files
from filewallball.links.lookup import digest
from filewallball.links.tables import links
from harness.parts import Parts
from tests.access.people import client_of, new_token
from tests.links.shared import AS_ADMIN, CONTENT, change, described, keep_private, make_link, seen

REVOKED, EXPIRED = (410, "link_revoked"), (410, "link_expired")


def test_a_link_gives_whoever_has_it_a_private_file(visitor: FlaskClient) -> None:
    file = keep_private(visitor)
    link = make_link(visitor, file["file_id"], name="for Bob")

    answers = [visitor.get(link["path"]), visitor.get(f"{link['path']}/view")]

    assert [(answer.status_code, answer.data) for answer in answers] == [(200, CONTENT)] * 2
    assert [answer.headers["Content-Disposition"].partition(";")[0] for answer in answers] == [
        "attachment",
        "inline",
    ]
    assert seen(visitor.get(f"/download/{file['file_id']}")) == (404, "not_found")


def test_a_new_link_says_what_it_is_and_its_url_is_shown_once(visitor: FlaskClient) -> None:
    file = keep_private(visitor)
    link = make_link(
        visitor, file["file_id"], name="for Bob", expires_in="1h", max_downloads=3, password="hush"
    )

    shown = described(visitor, link)
    assert shown == {name: value for name, value in link.items() if name not in ("url", "path")}
    assert (shown["name"], shown["max_downloads"], shown["one_time"]) == ("for Bob", 3, False)
    assert shown["one_time"] is False  # which 0 equals
    assert (shown["has_password"], shown["downloads"], shown["revoked_at"]) == (True, 0, None)
    assert (shown["state"], shown["created_by"]) == ("active", "admin")
    assert shown["file_name"] == file["filename"]
    assert shown["expires_at"] > shown["created_at"]
    listed = visitor.get(f"/api/v1/links?file_id={file['file_id']}", headers=AS_ADMIN).get_json()
    assert listed == {"links": [shown], "next_cursor": None}


def test_nothing_at_rest_opens_a_link(shared_app: Flask, visitor: FlaskClient) -> None:
    link = make_link(visitor, keep_private(visitor)["file_id"], password="correct horse")

    row = Parts(shared_app).database.row(links.select().where(links.c.link_id == link["link_id"]))

    assert row is not None
    secret = link["path"].rpartition("/")[2]
    assert row.secret_digest == digest(secret)
    assert not [value for value in row if isinstance(value, str) and (secret in value or "horse" in value)]


@pytest.mark.parametrize("options", [{"password": "hush"}, {"max_downloads": 2}, {"one_time": True}])
def test_conditions_are_for_private_files_alone(visitor: FlaskClient, options: dict[str, Any]) -> None:
    file = visitor.put("/upload/a.txt?visibility=public", data=CONTENT, headers=AS_ADMIN).get_json()

    answer = visitor.post("/api/v1/links", json={"file_id": file["file_id"], **options}, headers=AS_ADMIN)

    assert seen(answer) == (422, "validation_error")
    assert list(answer.get_json()["errors"]) == list(options)
    assert visitor.get(make_link(visitor, file["file_id"], expires_in="1h")["path"]).data == CONTENT


def test_a_link_belongs_to_the_owner_of_its_file(shared_app: Flask, visitor: FlaskClient) -> None:
    owner, other = (client_of(shared_app, new_token(shared_app, name)) for name in ("owner", "other"))
    file = owner.put("/upload/a.txt?visibility=private", data=CONTENT).get_json()
    public = owner.put("/upload/b.txt?visibility=public", data=CONTENT).get_json()
    link = owner.post("/api/v1/links", json={"file_id": file["file_id"]}).get_json()
    by_admin = make_link(visitor, file["file_id"])

    assert seen(other.post("/api/v1/links", json={"file_id": file["file_id"]})) == (404, "not_found")
    assert seen(other.post("/api/v1/links", json={"file_id": public["file_id"]})) == (403, "forbidden")
    assert seen(visitor.post("/api/v1/links", json={"file_id": public["file_id"]})) == (401, "auth_missing")
    assert seen(visitor.get("/api/v1/links")) == (401, "auth_missing")
    assert other.get("/api/v1/links").get_json()["links"] == []
    for method in ("GET", "DELETE"):
        assert seen(other.open(f"/api/v1/links/{link['link_id']}", method=method)) == (404, "not_found")
    mine = [each["link_id"] for each in owner.get("/api/v1/links").get_json()["links"]]
    assert mine == [by_admin["link_id"], link["link_id"]]
    assert owner.delete(f"/api/v1/links/{by_admin['link_id']}").status_code == 204


def test_a_revoked_link_is_over_at_once(visitor: FlaskClient) -> None:
    link = make_link(visitor, keep_private(visitor)["file_id"], password="hush")
    ticket = visitor.post(f"{link['path']}/unlock", json={"password": "hush"}).get_json()
    assert visitor.get(ticket["url"]).data == CONTENT

    assert visitor.delete(f"/api/v1/links/{link['link_id']}", headers=AS_ADMIN).status_code == 204

    assert seen(visitor.get(link["path"])) == REVOKED
    assert seen(visitor.get(ticket["url"], headers={"Range": "bytes=2-"})) == REVOKED
    assert seen(visitor.post(f"{link['path']}/unlock", json={"password": "hush"})) == REVOKED
    assert seen(visitor.delete(f"/api/v1/links/{link['link_id']}", headers=AS_ADMIN)) == (404, "not_found")
    assert described(visitor, link)["state"] == "revoked"


def test_an_expired_link_is_over(shared_app: Flask, visitor: FlaskClient) -> None:
    link = make_link(visitor, keep_private(visitor)["file_id"], expires_in="1h")
    change(shared_app, link, expires_us=1)

    assert seen(visitor.get(link["path"])) == EXPIRED
    assert described(visitor, link)["state"] == "expired"


def test_links_of_a_disabled_user_rest(shared_app: Flask, visitor: FlaskClient) -> None:
    owner = client_of(shared_app, new_token(shared_app, "leaver"))
    file = owner.put("/upload/a.txt?visibility=private", data=CONTENT).get_json()
    path = owner.post("/api/v1/links", json={"file_id": file["file_id"]}).get_json()["url"]
    users = visitor.get("/api/v1/access/users", headers=AS_ADMIN).get_json()["users"]
    user_id = next(user["id"] for user in users if user["username"] == "leaver")

    answers = []
    for disabled in (True, False):
        changed = visitor.patch(
            f"/api/v1/access/users/{user_id}", json={"disabled": disabled}, headers=AS_ADMIN
        )
        assert changed.status_code == 200
        answers.append(seen(visitor.get(path)))

    assert answers == [REVOKED, (200, "")]


@pytest.mark.parametrize("role", ["guest", "monitor", "user"])
def test_links_of_a_maker_who_lost_the_right_to_make_them_rest(
    shared_app: Flask, visitor: FlaskClient, role: str
) -> None:
    name = f"was-admin-{role}"
    maker = client_of(shared_app, new_token(shared_app, name, "admin"))
    own = maker.put("/upload/a.txt?visibility=private", data=CONTENT).get_json()["file_id"]
    others = keep_private(visitor)["file_id"]
    paths = [maker.post("/api/v1/links", json={"file_id": file}).get_json()["url"] for file in (own, others)]
    users = visitor.get("/api/v1/access/users", headers=AS_ADMIN).get_json()["users"]
    user_id = next(user["id"] for user in users if user["username"] == name)

    def answers_as(wanted: str) -> list[tuple[int, str]]:
        visitor.patch(f"/api/v1/access/users/{user_id}", json={"role": wanted}, headers=AS_ADMIN)
        return [seen(visitor.get(path)) for path in paths]

    assert answers_as(role) == [(200, "") if role == "user" else REVOKED, REVOKED]
    assert answers_as("admin") == [(200, ""), (200, "")]


def test_a_link_leads_nowhere_once_its_file_is_gone(shared_app: Flask, visitor: FlaskClient) -> None:
    file = keep_private(visitor)
    link, mine = make_link(visitor, file["file_id"]), files.c.file_id == file["file_id"]
    with Parts(shared_app).database.begin() as connection:
        connection.execute(update(files).where(mine).values(state="quarantined"))
    assert seen(visitor.get(link["path"])) == (403, "quarantined")
    assert visitor.get(f"{link['path']}/info").get_json()["state"] == "unavailable"
    with Parts(shared_app).database.begin() as connection:
        connection.execute(update(files).where(mine).values(state="live"))

    assert visitor.delete(f"/files/{file['file_id']}", headers=AS_ADMIN).status_code == 204

    assert seen(visitor.get(link["path"])) == (404, "not_found")
    assert described(visitor, link)["state"] == "unavailable"
