"""Passwords of links: what they open, and how often they may be guessed."""

import threading
import unicodedata
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from filewallball import errors
from filewallball.links.passwords import Passwords
from tests.access.people import client_of
from tests.links.shared import AS_ADMIN, CONTENT, described, keep_private, make_link, seen

REQUIRED, WRONG = (401, "link_password_required"), (403, "link_password_wrong")
LIMITED = (429, "rate_limited")


def unlock(client: FlaskClient, link: dict[str, Any], password: str | None) -> Any:
    return client.post(f"{link['path']}/unlock", json={} if password is None else {"password": password})


def test_a_protected_link_gives_nothing_without_its_password(visitor: FlaskClient) -> None:
    link = make_link(visitor, keep_private(visitor)["file_id"], password="hush")

    for route in ("", "/view", "/thumbnail"):
        answer = visitor.get(link["path"] + route)
        assert seen(answer) == REQUIRED
        assert answer.headers["WWW-Authenticate"].startswith("Link-Password ")
        assert CONTENT not in answer.data
    told = visitor.get(f"{link['path']}/info").get_json()

    assert told == {
        "state": "active",
        "needs_password": True,
        "file_name": None,
        "size": None,
        "media_type": None,
    }
    assert described(visitor, link)["downloads"] == 0


def test_the_password_gives_a_ticket_for_the_file(visitor: FlaskClient) -> None:
    link = make_link(visitor, keep_private(visitor)["file_id"], password="hush", max_downloads=2)

    answer = unlock(visitor, link, "hush")

    assert answer.status_code == 200
    ticket = answer.get_json()
    assert (ticket["file_name"], ticket["size"], ticket["thumbnail_url"]) == ("a.txt", 10, None)
    assert ticket["url"] == f"/t/{ticket['ticket']}"
    assert visitor.get(ticket["url"]).data == CONTENT
    assert visitor.get(ticket["url"], headers={"Range": "bytes=4-"}).data == CONTENT[4:]
    assert visitor.get(ticket["view_url"]).data == CONTENT
    assert seen(visitor.get(ticket["url"])) == (410, "link_used_up")
    assert seen(visitor.get(link["path"])) == REQUIRED


def test_a_link_without_a_password_gives_its_ticket_at_once(visitor: FlaskClient) -> None:
    link = make_link(visitor, keep_private(visitor)["file_id"], one_time=True)

    for password in (None, "whatever"):
        ticket = unlock(visitor, link, password).get_json()
    assert described(visitor, link)["downloads"] == 0

    assert visitor.get(ticket["url"]).data == CONTENT
    assert seen(visitor.get(ticket["url"])) == (410, "link_used_up")


@pytest.mark.parametrize("wrong", ["", "hus", "hush ", "HUSH", "x" * 256, "\x00", "쉿쉿쉿쉿"])
def test_any_other_password_is_wrong(visitor: FlaskClient, wrong: str) -> None:
    link = make_link(visitor, keep_private(visitor)["file_id"], password="hush")

    assert seen(unlock(visitor, link, wrong)) == WRONG
    assert seen(visitor.get(link["path"])) == REQUIRED


def test_a_password_is_the_same_however_its_letters_are_composed(visitor: FlaskClient) -> None:
    composed, decomposed = (unicodedata.normalize(form, "비밀번호") for form in ("NFC", "NFD"))
    link = make_link(visitor, keep_private(visitor)["file_id"], password=composed)

    assert composed != decomposed
    assert unlock(visitor, link, decomposed).status_code == 200
    assert unlock(visitor, link, composed).status_code == 200


def test_nobody_guesses_faster_than_the_limit(shared_app: Flask, visitor: FlaskClient) -> None:
    file = keep_private(visitor)
    link, other = (make_link(visitor, file["file_id"], password="hush") for _ in range(2))

    answers = [seen(unlock(visitor, link, f"guess {number}")) for number in range(8)]

    assert answers == [WRONG] * 5 + [LIMITED] * 3
    assert seen(unlock(visitor, link, "hush")) == LIMITED
    assert unlock(visitor, other, "hush").status_code == 200
    assert unlock(client_of(shared_app, address="203.0.113.1"), link, "hush").status_code == 200


def test_many_clients_together_guess_no_faster_than_ten_may(shared_app: Flask, visitor: FlaskClient) -> None:
    link = make_link(visitor, keep_private(visitor)["file_id"], password="hush")
    clients = [client_of(shared_app, address=f"203.0.113.{number}") for number in range(100, 120)]

    # So short that it is compared with nothing, which takes no time; it counts all the same.
    answers = [seen(unlock(each, link, "x")) for each in clients for _ in range(3)]

    assert answers == [WRONG] * 50 + [LIMITED] * 10


def test_a_wrong_password_is_on_record_and_no_password_is(shared_app: Flask, visitor: FlaskClient) -> None:
    secret = "a very secret password"
    link = make_link(visitor, keep_private(visitor)["file_id"], password=secret)
    guest = client_of(shared_app, address="203.0.113.60")  # of whom nothing was coalesced yet
    unlock(guest, link, secret)
    unlock(guest, link, f"{secret} of another")

    query = "/api/v1/audit/logs?action=link:unlock&ip_address=203.0.113.60"
    rows = visitor.get(query, headers=AS_ADMIN).get_json()["logs"]

    mine = [row for row in rows if row["link_id"] == link["link_id"]]
    assert [(row["status"], row["error_type"]) for row in mine] == [
        ("denied", "link_password_wrong"),
        ("success", ""),
    ]
    assert secret not in str(rows)


def test_few_passwords_are_computed_at_once() -> None:
    passwords = Passwords(at_once=1, longest_wait_seconds=0.01)
    stored = passwords.hash("hush")
    assert passwords.matches("hush", stored)
    assert not passwords.matches("hush", stored.replace("scrypt", "crypt"))
    for text in ("", "scrypt:16384:8:1:salt:00", "scrypt:3:8:1:00:00", f"scrypt:{2**70}:8:1:00:00"):
        assert not passwords.matches("hush", text), text
    taken = threading.Event()
    assert passwords._places.acquire()

    def guess() -> None:
        with pytest.raises(errors.Unavailable):
            passwords.matches("hush", stored)
        taken.set()

    thread = threading.Thread(target=guess)
    thread.start()
    thread.join(30)
    assert taken.is_set()


def test_a_password_or_anything_else_in_the_query_is_refused(visitor: FlaskClient) -> None:
    file = keep_private(visitor)
    link = make_link(visitor, file["file_id"], password="hush")

    for query in ("password=hush", "size=3"):
        refused = visitor.post(f"{link['path']}/unlock?{query}", json={"password": "hush"})
        assert seen(refused) == (422, "validation_error")
        ticket = visitor.post(f"/api/v1/files/{file['file_id']}/ticket?{query}", headers=AS_ADMIN)
        assert seen(ticket) == (422, "validation_error")
    assert visitor.post(f"{link['path']}/unlock?utm_source=x", json={"password": "hush"}).status_code == 200
