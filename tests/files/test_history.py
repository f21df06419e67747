"""`GET /files/{file_id}/history`: who is told what, in which order, at which cost."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from harness.parts import Parts, put_on_record
from tests.access.people import client_of, new_token
from tests.files.images import image
from tests.files.kept import AS_ADMIN, keep
from tests.fixtures.audit_log import alter, make_event


@pytest.fixture
def owner(app: Flask) -> FlaskClient:
    """A client with a user's token."""
    return client_of(app, new_token(app, "owner"))


def history(client: FlaskClient, file: dict[str, Any], **query: Any) -> dict[str, Any]:
    answer = client.get(f"/files/{file['file_id']}/history", query_string=query)
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def walk(client: FlaskClient, file: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        page = history(client, file, cursor=cursor, **query)
        events += page["events"]
        cursor = page["next_cursor"]
    return events


def test_an_owner_sees_who_fetched_and_changed_a_file(app: Flask, owner: FlaskClient) -> None:
    other = client_of(app, new_token(app, "other"), "203.0.113.77")
    stranger = client_of(app, address="2001:db8:1:2::9")
    file = keep(owner, b"words", "a.txt")
    other.get(file["download_url"])
    stranger.get(file["view_url"], headers={"Range": "bytes=0-1"})
    owner.patch(f"/files/{file['file_id']}", json={"description": "one"})
    stranger.delete(f"/files/{file['file_id']}")

    events = history(owner, file)["events"]

    told = [(event["action"], event["status"], event["actor"], event["address"]) for event in events]
    assert told == [
        ("file:delete", "denied", "anonymous", "2001:db8:1::/48"),
        ("file:update", "success", "owner", "127.0.0.0/24"),
        ("file:view", "success", "anonymous", "2001:db8:1::/48"),
        ("file:download", "success", "other", "203.0.113.0/24"),
        ("file:upload", "success", "owner", "127.0.0.0/24"),
    ]
    assert [event["bytes"] for event in events[1:]] == [5, 2, 5, 5]
    assert [event["complete"] for event in events] == [None, None, True, True, None]
    assert events[1]["changes"] == {"description": {"old": "", "new": "one"}}
    assert not any(event["sent_by_nginx"] for event in events)
    assert all(event["request_id"] for event in events)


def test_where_nginx_sends_nobody_knows_whether_all_arrived(set_config: Callable[..., Flask]) -> None:
    app = set_config(X_ACCEL="true", TRUSTED_PROXIES="127.0.0.1/32")
    owner = client_of(app, new_token(app, "owner"))
    file = keep(owner)
    owner.get(file["download_url"], headers={"X-Forwarded-For": "192.0.2.1"})

    fetched = history(owner, file, include="fetches")["events"][0]

    assert (fetched["sent_by_nginx"], fetched["complete"]) == (True, None)


@pytest.mark.parametrize(("addresses", "told"), [("full", "127.0.0.1"), ("none", None)])
def test_addresses_are_told_as_the_setting_says(
    set_config: Callable[..., Flask], addresses: str, told: str | None
) -> None:
    app = set_config(HISTORY_ADDRESSES=addresses)
    owner = client_of(app, new_token(app, "owner"))

    assert history(owner, keep(owner))["events"][0]["address"] == told


def test_only_the_owner_and_administrators_are_told(
    app: Flask, client: FlaskClient, owner: FlaskClient
) -> None:
    other = client_of(app, new_token(app, "other"))
    public = keep(owner, visibility="public")
    private = owner.put("/upload/a.txt?visibility=private", data=b"words").get_json()

    def statuses(who: FlaskClient, **options: Any) -> list[int]:
        paths = [f"/files/{file['file_id']}/history" for file in (public, private)]
        return [who.get(path, **options).status_code for path in (*paths, "/files/nothing/history")]

    assert statuses(client) == [401, 404, 404]
    assert statuses(other) == [403, 404, 404]
    assert statuses(owner) == [200, 200, 404]
    assert statuses(client, headers=AS_ADMIN) == [200, 200, 404]


def test_the_history_outlives_the_file_for_its_owner(client: FlaskClient, owner: FlaskClient) -> None:
    file = keep(owner, visibility="public")
    owner.delete(f"/files/{file['file_id']}")

    assert [event["action"] for event in history(owner, file)["events"]] == ["file:delete", "file:upload"]
    assert client.get(f"/files/{file['file_id']}/history").status_code == 404


def test_pages_follow_each_other_without_gap_or_repetition(app: Flask, owner: FlaskClient) -> None:
    file = keep(owner)
    same = {"resource_id": file["file_id"], "timestamp_us": 1_700_000_000_000_000}
    put_on_record(Parts(app), [make_event(request_id=f"req_{number}", **same) for number in range(7)])

    events = walk(owner, file, limit=2)

    requests = [event["request_id"] for event in events if event["request_id"].startswith("req_")]
    assert [name for name in requests if len(name) == 5] == [f"req_{number}" for number in reversed(range(7))]
    assert len(requests) == len(set(requests))


def test_a_filtered_page_looks_at_no_more_than_a_thousand_rows(app: Flask, owner: FlaskClient) -> None:
    file = keep(owner)
    owner.get(file["download_url"])
    put_on_record(
        Parts(app),
        [make_event(action="file:describe", resource_id=file["file_id"]) for _ in range(2500)],
    )

    first = history(owner, file, include="fetches", limit=5)

    assert (first["events"], bool(first["next_cursor"])) == ([], True)
    assert [event["action"] for event in walk(owner, file, include="fetches")] == ["file:download"]
    assert [event["action"] for event in walk(owner, file, include="changes")] == ["file:upload"]
    assert len(walk(owner, file, include="all", limit=500)) >= 2502


def test_downloads_are_told_without_the_thumbnails(owner: FlaskClient) -> None:
    file = keep(owner, image("PNG"), "a.png")
    for address in ("thumbnail_url", "view_url", "download_url"):
        assert owner.get(file[address]).status_code == 200

    found = {
        include: [event["action"] for event in history(owner, file, include=include)["events"]]
        for include in ("downloads", "fetches")
    }

    assert found == {
        "downloads": ["file:download", "file:view"],
        "fetches": ["file:download", "file:view", "file:thumbnail"],
    }


def test_the_requests_of_one_link_are_told_alone(app: Flask, owner: FlaskClient) -> None:
    file, other = keep(owner), keep(owner)
    for number, link in enumerate(("one", "two", "one", "")):
        put_on_record(
            Parts(app), [make_event(resource_id=file["file_id"], link_id=link, request_id=f"req_{number}")]
        )
    put_on_record(Parts(app), [make_event(resource_id=other["file_id"], link_id="one")])

    told = walk(owner, file, link_id="one", limit=1)

    assert [(event["request_id"], event["link_id"]) for event in told] == [("req_2", "one"), ("req_0", "one")]
    assert walk(owner, file, link_id="on") == []


def test_rows_that_the_service_did_not_write_are_left_to_the_audit_log(
    app: Flask, owner: FlaskClient
) -> None:
    file, parts = keep(owner), Parts(app)
    put_on_record(parts, [make_event(resource_id=file["file_id"], request_id="req_forged")])
    alter(parts, "UPDATE audit_log SET username = 'somebody' WHERE request_id = 'req_forged'")
    parts.sealer.run()

    assert "req_forged" not in [event["request_id"] for event in walk(owner, file)]


@pytest.mark.parametrize(
    "change",
    ["timestamp_us = 9000000000000000000", "timestamp_us = -1", """details = '{"changes":"none"}'"""],
)
def test_rows_that_others_changed_hide_no_other_rows(app: Flask, owner: FlaskClient, change: str) -> None:
    file, parts = keep(owner), Parts(app)
    event = make_event(action="file:update", resource_id=file["file_id"], request_id="req_changed")
    put_on_record(parts, [event])
    alter(parts, f"UPDATE audit_log SET {change} WHERE request_id = 'req_changed'")

    assert "file:upload" in [event["action"] for event in walk(owner, file, limit=1)]


@pytest.mark.parametrize("query", ["cursor=junk", "limit=0", "limit=501", "include=some", "page=2"])
def test_what_is_no_page_is_refused(owner: FlaskClient, query: str) -> None:
    assert owner.get(f"/files/{keep(owner)['file_id']}/history?{query}").status_code == 422
