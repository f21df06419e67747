"""What counts as a download by a link, on either database."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from filewallball.access.tables import users
from filewallball.clock import now_us
from filewallball.links.sweep import LinkSweep
from filewallball.links.tables import link_claims, links
from harness.parts import Parts
from tests.access.people import client_of
from tests.links.shared import AS_ADMIN, CONTENT, change, described, keep_private, make_link, seen

USED_UP = (410, "link_used_up")


def end_claims(app: Flask) -> None:
    with Parts(app).database.begin() as connection:
        connection.execute(update(link_claims).values(until_us=1))


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


def test_an_unknown_link_and_a_wrong_secret_are_answered_alike(client: FlaskClient) -> None:
    link = make_link(client, keep_private(client)["file_id"])
    _, _, link_id, secret = link["path"].split("/")

    for wrong in (f"/s/{link_id}/{secret[:-1]}", f"/s/{'0' * 20}/{secret}", f"/s/{link_id}%20/{secret}"):
        for method, route in (("GET", ""), ("GET", "/view"), ("GET", "/info"), ("POST", "/unlock")):
            answer = client.open(wrong + route, method=method, json={} if method == "POST" else None)
            assert seen(answer) == (404, "not_found"), wrong + route
            assert answer.get_json()["detail"] == client.get("/s/no/link").get_json()["detail"]


def test_no_link_is_made_before_the_audit_log_can_name_it(app: Flask, client: FlaskClient) -> None:
    file = keep_private(client)
    Parts(app).ledger.writer.row_format.keep_first()

    answer = client.post("/api/v1/links", json={"file_id": file["file_id"]}, headers=AS_ADMIN)

    assert seen(answer) == (409, "conflict")
    assert "upgrade finish" in answer.get_json()["detail"]


def test_the_sweep_drops_what_is_over_and_leaves_the_rest(app: Flask, client: FlaskClient) -> None:
    file, gone = keep_private(client), keep_private(client, b"other")
    kept = make_link(client, file["file_id"], max_downloads=2)
    claimed, used_up, expired = (
        make_link(client, file["file_id"], one_time=True),
        make_link(client, file["file_id"], one_time=True),
        make_link(client, file["file_id"], expires_in="1h"),
    )
    orphan = make_link(client, gone["file_id"])
    for link in (kept, used_up):
        client.get(link["path"])
    end_claims(app)
    client.get(claimed["path"])
    change(app, expired, expires_us=1)
    client.delete(f"/files/{gone['file_id']}", headers=AS_ADMIN)
    sweep, database = LinkSweep(Parts(app).database), Parts(app).database

    sweep.run()
    ended = set(database.scalars(select(links.c.link_id).where(links.c.ended_us.is_not(None))))
    with database.begin() as connection:
        connection.execute(update(links).where(links.c.ended_us.is_not(None)).values(ended_us=1))
    sweep.run()

    assert ended == {link["link_id"] for link in (used_up, expired, orphan)}
    left = client.get("/api/v1/links", headers=AS_ADMIN).get_json()["links"]
    assert [link["link_id"] for link in left] == [claimed["link_id"], kept["link_id"]]
    assert database.scalars(select(link_claims.c.link_id)) == [claimed["link_id"]]
    assert client.get(claimed["path"], headers={"Range": "bytes=4-"}).data == CONTENT[4:]
    assert seen(client.get(expired["path"])) == (404, "not_found")


def test_the_sweep_ends_a_link_of_a_disabled_maker_once_it_can_never_lead_anywhere(
    app: Flask, client: FlaskClient
) -> None:
    file, database = keep_private(client), Parts(app).database
    resting, expired = make_link(client, file["file_id"]), make_link(client, file["file_id"])
    maker = {"id": 99, "username": "maker", "role": "user", "created_us": 1, "disabled_us": 1}
    with database.begin() as connection:
        connection.execute(insert(users), maker)
    change(app, resting, created_by=99)
    change(app, expired, created_by=99, expires_us=1)

    LinkSweep(database).run()

    ended = database.scalars(select(links.c.link_id).where(links.c.ended_us.is_not(None)))
    assert ended == [expired["link_id"]]


def test_the_claims_of_a_link_that_thousands_follow_do_not_pile_up(app: Flask) -> None:
    claims = [
        {"link_id": "one", "network": f"10.0.{n // 256}.{n % 256}", "etag": "e", "until_us": 1}
        for n in range(1100)
    ]
    lasting = {**claims[0], "network": "192.0.2.1", "until_us": now_us() + 3600 * 1_000_000}
    database = Parts(app).database
    with database.begin() as connection:
        connection.execute(insert(link_claims), [*claims, lasting])

    dropped = LinkSweep(database).drop_claims()

    assert dropped == 1100
    assert database.scalars(select(link_claims.c.network)) == ["192.0.2.1"]


def test_reconciliation_recounts_the_downloads_of_links(app: Flask, client: FlaskClient) -> None:
    link = make_link(client, keep_private(client)["file_id"])
    for _ in range(3):
        client.get(link["path"])
    assert Parts(app).shipper.flush(seconds=60)
    agreeing = [
        line for line in Parts(app).reconciliation.lines() if line.name == "audit log and files table"
    ]
    change(app, link, downloads=2)

    differing = [
        line for line in Parts(app).reconciliation.lines() if line.name == "audit log and files table"
    ]

    assert [line.agrees for line in (*agreeing, *differing)] == [True, False]
    assert f"link {link['link_id']} is miscounted" in differing[0].text


def test_a_claim_of_a_clock_that_was_set_back_is_none(app: Flask, client: FlaskClient) -> None:
    link = make_link(client, keep_private(client)["file_id"], one_time=True)
    client.get(link["path"])
    with Parts(app).database.begin() as connection:
        connection.execute(update(link_claims).values(until_us=now_us() + 3600 * 1_000_000))

    assert seen(client.get(link["path"], headers={"Range": "bytes=4-"})) == USED_UP


def test_names_that_read_as_others_are_refused(client: FlaskClient) -> None:
    file, name = keep_private(client), "invoice\u202efdp.exe"

    for path, body in (("links", {"file_id": file["file_id"]}), ("access/tokens", {"user_id": 1})):
        answer = client.post(f"/api/v1/{path}", json={**body, "name": name}, headers=AS_ADMIN)
        assert seen(answer) == (422, "validation_error"), path
        assert "name" in answer.get_json()["errors"]
