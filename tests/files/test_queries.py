"""Listing files: who sees which, filters, pages and cursors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, select

from filewallball.clock import parse_moment
from filewallball.files.tables import files
from filewallball.web.paging import encode
from harness.parts import Parts
from tests.access.people import client_of, new_token
from tests.files.kept import AS_ADMIN, keep, listed
from tests.files.named import put_names

PLANS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "sqlite": ("EXPLAIN QUERY PLAN", lambda row: "upload_us<?" in row.detail),
    "mariadb": ("EXPLAIN", lambda row: row.key == "ix_files_public" and int(row.rows) <= 100),
}
DAYS = {
    "before": "2026-01-30T23:59:59.999999Z",
    "first": "2026-01-31T00:00:00Z",
    "noon": "2026-01-31T12:00:00Z",
    "last": "2026-01-31T23:59:59.999999Z",
    "after": "2026-02-01T00:00:00Z",
}


def test_only_public_files_are_listed_newest_first(client: FlaskClient) -> None:
    keep(client, name="first", visibility="public")
    keep(client, name="hidden")
    keep(client, name="mine", visibility="private")
    keep(client, name="second", visibility="public")

    assert listed(client) == ["second", "first"]
    assert listed(client, headers=AS_ADMIN) == ["second", "mine", "hidden", "first"]


def test_filters_narrow_the_list(client: FlaskClient) -> None:
    keep(client, b"\x89PNG\r\n\x1a\n" + b"x" * 100, "sea.png", visibility="public")
    keep(client, b"words", "100%_sure.txt", visibility="public")

    assert listed(client, "type=image/png") == ["sea.png"]
    assert listed(client, "type=image/*") == ["sea.png"]
    assert listed(client, "name=%25_s") == ["100%_sure.txt"]
    assert listed(client, "size_max=50") == ["100%_sure.txt"]
    assert listed(client, "size_min=51") == ["sea.png"]
    assert listed(client, "date_from=2999-01-01T00:00:00Z") == []
    for contradiction in (
        "size_min=2&size_max=1",
        "date_from=2024-01-02T00:00:00&date_to=2024-01-01T23:00:00Z",
    ):
        assert client.get(f"/files?{contradiction}").status_code == 422
    assert listed(client, "date_from=2020-01-01T00:00:00&date_to=2999-01-01T00:00:00%2B09:00") == [
        "100%_sure.txt",
        "sea.png",
    ]


def test_a_media_type_is_asked_for_in_any_case(client: FlaskClient) -> None:
    keep(client, b"\x89PNG\r\n\x1a\n" + b"x" * 100, "sea.png", visibility="public")
    keep(client, b"words", "words.txt", visibility="public")

    for wanted in ("IMAGE/PNG", "Image/*", "image/png%20"):
        assert listed(client, f"type={wanted}") == ["sea.png"]
    assert listed(client, "type=*/*") == ["words.txt", "sea.png"]
    for nothing in ("image", "image/p", "mage/*", "image/%25", "i_age/*", "image\\/*", "ımage/*", "image/é"):
        assert listed(client, "type=" + nothing) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("date_from=2026-01-31&date_to=2026-01-31", ["last", "noon", "first"]),
        ("date_to=2026-01-30", ["before"]),
        ("date_from=2026-02-01", ["after"]),
        ("date_to=2026-01-31T12:00:00Z", ["noon", "first", "before"]),
        ("date_to=2026-01-31T21:00:00%2B09:00", ["noon", "first", "before"]),
        ("date_to=2026-01-31 21:00:00+09:00", ["noon", "first", "before"]),
        ("date_from=20260201T000000Z", ["after"]),
        ("date_from=1969-01-01&date_to=1970-01-01", []),
    ],
)
def test_a_date_means_the_whole_day_as_in_the_audit_log(
    app: Flask, client: FlaskClient, query: str, found: list[str]
) -> None:
    for name, text in DAYS.items():
        put_names(Parts(app), [name], upload_us=parse_moment(text))

    assert listed(client, query) == found


@pytest.mark.parametrize("date", ["yesterday", "2026-02-30", "31.01.2026", "1769817600", "2026", ""])
def test_what_is_no_date_is_none_anywhere(client: FlaskClient, admin: FlaskClient, date: str) -> None:
    for url, sender in (("/files", client), ("/api/v1/audit/logs", admin), ("/api/v1/audit/export", admin)):
        for name in ("date_from", "date_to"):
            answer = sender.get(url, query_string={name: date})

            assert answer.status_code == 422
            assert answer.json is not None
            assert list(answer.json["errors"]) == [name]


def test_pages_and_cursors_walk_the_same_list(client: FlaskClient) -> None:
    for number in range(7):
        keep(client, name=f"file-{number}", visibility="public")
    expected = [f"file-{number}" for number in reversed(range(7))]

    pages = [name for page in (1, 2, 3) for name in listed(client, f"size=3&page={page}")]
    walked, cursor = [], ""
    while cursor is not None:
        answer = client.get(f"/files?size=3&cursor={cursor}").json
        assert answer is not None
        walked += [file["filename"] for file in answer["files"]]
        cursor = answer["next_cursor"]

    assert pages == expected
    assert walked == expected
    first = client.get("/files?size=3").json
    assert first is not None
    assert (first["total"], first["pages"], first["total_is_lower_bound"]) == (7, 3, False)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("page=500&size=500", "page_too_deep"),
        ("cursor=junk", "validation_error"),
        ("limit=1", "validation_error"),
    ],
)
def test_a_page_out_of_reach_says_so(client: FlaskClient, query: str, code: str) -> None:
    answer = client.get(f"/files?{query}")

    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["code"] == code


def test_a_deep_page_is_sought_in_the_index_not_walked_to(app: Flask, client: FlaskClient) -> None:
    parts = Parts(app)
    put_names(parts, [str(number) for number in range(3000)])
    oldest = parts.database.rows(select(files.c.upload_us, files.c.id).order_by(files.c.id).limit(20))[-1]
    asked: list[tuple[str, Any]] = []

    with _listening(lambda *call: asked.append((call[2], call[3]))):
        names = listed(client, f"size=5&cursor={encode(*oldest)}")

    assert names == ["18", "17", "16", "15", "14"]
    (statement, values) = next((text, values) for text, values in asked if "ORDER BY" in text)
    explain, is_sought = PLANS[parts.database.dialect.name]
    with parts.database.read() as connection:
        plan = connection.exec_driver_sql(f"{explain} {statement}", values).all()
    assert any(map(is_sought, plan)), plan


def test_owners_are_named_in_a_list_to_whoever_may_know_them(app: Flask, client: FlaskClient) -> None:
    one, other = (client_of(app, new_token(app, name)) for name in ("one", "other"))
    for who, name in ((one, "one's"), (other, "other's"), (client, "nobody's")):
        keep(who, name=name, visibility="public")

    def owners(who: FlaskClient, **headers: str) -> dict[str, str | None]:
        found = who.get("/files", headers=headers).get_json()["files"]
        return {file["filename"]: file["owner"] for file in found}

    assert owners(client) == {"nobody's": None, "other's": None, "one's": None}
    assert owners(one) == {"nobody's": None, "other's": None, "one's": "one"}
    assert owners(client, **AS_ADMIN) == {"nobody's": "", "other's": "other", "one's": "one"}


def test_the_names_of_all_owners_cost_one_query(app: Flask, client: FlaskClient) -> None:
    asked: list[str] = []
    counts = set()
    for number in range(2):
        keep(client_of(app, new_token(app, f"owner-{number}")), visibility="public")
        asked.clear()
        with _listening(lambda *call: asked.append(call[2])):
            listed(client, headers=AS_ADMIN)
        counts.add(sum("FROM users" in text and " IN (" in text for text in asked))

    assert counts == {1}


@contextmanager
def _listening(hear: Callable[..., None]) -> Iterator[None]:
    """Hear of every statement that is executed meanwhile."""
    event.listen(Engine, "before_cursor_execute", hear)
    yield
    event.remove(Engine, "before_cursor_execute", hear)
