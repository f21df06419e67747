"""Tickets: one file, one network, ten minutes, and a secret wherever something is written down."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from filewallball import errors
from filewallball.links.tickets import LASTS_US, Tickets
from filewallball.redaction import hide_tokens
from tests.access.people import client_of, new_token
from tests.files.images import image
from tests.links.shared import AS_ADMIN, CONTENT, keep_private, make_link, seen

TICKET_EXPIRED = (410, "ticket_expired")


def ticket_for(client: FlaskClient, file_id: str, **options: Any) -> dict[str, Any]:
    answer = client.post(f"/api/v1/files/{file_id}/ticket", **{"headers": AS_ADMIN, **options})
    assert answer.status_code == 201, answer.get_json()
    ticket: dict[str, Any] = answer.get_json()
    return ticket


def test_a_ticket_gives_its_file_without_a_token(visitor: FlaskClient) -> None:
    file = keep_private(visitor, image("JPEG"), "a.jpg")
    ticket = ticket_for(visitor, file["file_id"])

    whole = visitor.get(ticket["url"])
    part = visitor.get(ticket["view_url"], headers={"Range": "bytes=2-5"})
    known = visitor.get(ticket["url"], headers={"If-None-Match": whole.headers["ETag"]})
    small = visitor.get(ticket["thumbnail_url"])

    assert (whole.status_code, whole.data) == (200, image("JPEG"))
    assert (part.status_code, part.data) == (206, image("JPEG")[2:6])
    assert (known.status_code, small.status_code) == (304, 200)
    assert small.headers["Content-Type"] == "image/jpeg"
    assert seen(visitor.get(file["download_url"])) == (404, "not_found")


def test_what_a_ticket_fetches_is_on_record_as_its_owners(shared_app: Flask, visitor: FlaskClient) -> None:
    owner = client_of(shared_app, new_token(shared_app, "ticket owner"))
    file = owner.put("/upload/a.txt?visibility=private", data=CONTENT).get_json()
    ticket = owner.post(f"/api/v1/files/{file['file_id']}/ticket").get_json()

    assert visitor.get(ticket["url"]).data == CONTENT

    query = f"/api/v1/audit/logs?resource_id={file['file_id']}&action=file:download"
    (row,) = visitor.get(query, headers=AS_ADMIN).get_json()["logs"]
    assert (row["username"], row["status"], row["link_id"]) == ("ticket owner", "success", "")


def test_tickets_are_for_whoever_may_fetch_and_shows_a_token(shared_app: Flask, visitor: FlaskClient) -> None:
    file = keep_private(visitor)
    public = visitor.put("/upload/a.txt?visibility=public", data=CONTENT).get_json()
    other = client_of(shared_app, new_token(shared_app, "no owner"))

    def ask(client: FlaskClient, file_id: str) -> tuple[int, str]:
        return seen(client.post(f"/api/v1/files/{file_id}/ticket"))

    assert ask(visitor, file["file_id"]) == ask(other, file["file_id"]) == (404, "not_found")
    assert ask(visitor, public["file_id"]) == (401, "auth_missing")
    assert ask(other, public["file_id"]) == (201, "")


def test_a_ticket_is_good_from_its_network_alone(shared_app: Flask, visitor: FlaskClient) -> None:
    ticket = ticket_for(visitor, keep_private(visitor)["file_id"])

    assert seen(client_of(shared_app, address="203.0.113.1").get(ticket["url"])) == TICKET_EXPIRED
    assert visitor.get(ticket["url"]).status_code == 200


@pytest.mark.parametrize("method", ["revoke", "delete"])
def test_a_ticket_ends_with_what_it_rests_on(shared_app: Flask, visitor: FlaskClient, method: str) -> None:
    owner = client_of(shared_app, new_token(shared_app, f"owner for {method}"))
    file = owner.put("/upload/a.txt?visibility=private", data=CONTENT).get_json()
    ticket = owner.post(f"/api/v1/files/{file['file_id']}/ticket").get_json()
    assert visitor.get(ticket["url"]).status_code == 200

    if method == "revoke":
        tokens = visitor.get("/api/v1/access/tokens", headers=AS_ADMIN).get_json()["tokens"]
        newest = max(token["id"] for token in tokens)
        visitor.delete(f"/api/v1/access/tokens/{newest}", headers=AS_ADMIN)
        expected = TICKET_EXPIRED
    else:
        owner.delete(f"/files/{file['file_id']}")
        expected = (404, "not_found")

    assert seen(visitor.get(ticket["url"])) == expected


def test_only_the_service_makes_tickets(visitor: FlaskClient) -> None:
    ticket = ticket_for(visitor, keep_private(visitor)["file_id"])["ticket"]
    mac, terms = ticket[:28], ticket[28:]
    others, _ = Tickets(b"another key").issue("x", "127.0.0.1")

    wrong = [
        others,
        ticket[:-1],
        ticket + "A",
        ticket + "=",
        ticket.replace("fwb_t_", "fwb_s_"),
        mac + terms[::-1],
        ticket[6:],
        "fwb_t_",
        "fwb_t_" + "A" * 600,
        f"{ticket}%20",
        "é",
    ]
    assert {seen(visitor.get(f"/t/{each}")) for each in wrong} == {(404, "not_found")}


def test_a_ticket_lasts_ten_minutes_by_any_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    tickets = Tickets(b"key")
    text, ticket = tickets.issue("file", "127.0.0.1", token_id=7)
    assert tickets.read(text, "127.0.0.1") == ticket

    for moment in (ticket.expires_us, ticket.expires_us - LASTS_US - 1):
        monkeypatch.setattr("filewallball.links.tickets.now_us", lambda moment=moment: moment)
        with pytest.raises(errors.TicketExpired):
            tickets.read(text, "127.0.0.1")


def test_secrets_of_links_and_tickets_look_like_our_tokens_to_every_sink(visitor: FlaskClient) -> None:
    file = keep_private(visitor)
    link, ticket = make_link(visitor, file["file_id"]), ticket_for(visitor, file["file_id"])

    for path in (f"{link['path']}/view", ticket["view_url"]):
        secret = next(piece for piece in path.split("/") if piece.startswith("fwb_"))
        written = hide_tokens(f"GET {path} HTTP/1.1")
        assert written.endswith("/[hidden]/view HTTP/1.1")
        assert secret[8:] not in written
