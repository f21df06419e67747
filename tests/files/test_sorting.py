"""Sorting and filtering lists of files: every order, by page and by cursor, for each kind of caller, by an index."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from filewallball.files.tables import EXPIRED, PRIVATE, PUBLIC, UNLISTED
from harness.parts import Parts
from tests.access.people import client_of, new_token
from tests.files.kept import AS_ADMIN
from tests.files.named import put_names

_NAMES = ("Bear", "ant", "가방", "ant", "zebra", "Éclair", "10", "9")
_SIZES = (5, 3, 3, 9, 2**40, 0, 7, 5)
_SOUGHT: dict[str, tuple[str, Callable[[Any, str], bool]]] = {
    "sqlite": (
        "EXPLAIN QUERY PLAN",
        lambda row, index: f"USING INDEX {index} (" in row.detail and row.detail.endswith("?)"),
    ),
    "mariadb": ("EXPLAIN", lambda row, index: bool(row.key == index and row.type == "range")),
}


@pytest.fixture
def owner(app: Flask) -> FlaskClient:
    """A user's client; half of the files are theirs."""
    client = client_of(app, new_token(app, "owner"))
    user_id = client.get("/api/v1/access/me").get_json()["user_id"]
    for number, (name, size) in enumerate(zip(_NAMES, _SIZES, strict=True)):
        mine = {"owner_id": user_id, "visibility": PRIVATE if number % 4 else UNLISTED} if number % 2 else {}
        put_names(Parts(app), [name], file_size=size, upload_us=1_700_000_000_000_000 + number, **mine)
    return client


def walk(client: FlaskClient, size: int = 100, **query: Any) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    cursor = ""
    while cursor is not None:
        answer = client.get("/files", query_string={**query, "size": size, "cursor": cursor})
        assert answer.status_code == 200, answer.get_json()
        page = answer.get_json()
        found += [(file["filename"], file["file_size"]) for file in page["files"]]
        cursor = page["next_cursor"]
        assert len(found) <= 100, "a cursor leads nowhere"
    return found


@pytest.mark.parametrize("sort", ["name", "size", "time"])
def test_every_order_is_the_same_by_page_and_by_cursor(
    client: FlaskClient, owner: FlaskClient, sort: str
) -> None:
    for who, expected in ((client, 4), (owner, 8), (client_of_admin(client), 8)):
        up, down = walk(who, sort=sort), walk(who, sort=f"-{sort}")

        assert len(up) == expected
        assert up == down[::-1]
        assert walk(who, 1, sort=sort) == up
        assert walk(who, 3, sort=f"-{sort}") == down
        pages = [
            who.get("/files", query_string={"sort": sort, "size": 3, "page": n}).get_json() for n in (1, 2, 3)
        ]
        assert [file["filename"] for page in pages for file in page["files"]] == [name for name, _ in up]
        if sort == "size":
            assert [size for _, size in up] == sorted(size for _, size in up)


def test_names_are_sorted_as_searches_compare_them(owner: FlaskClient) -> None:
    names = [name for name, _ in walk(owner, sort="name")]

    assert names == ["10", "9", "ant", "ant", "Bear", "zebra", "Éclair", "가방"]


def test_a_cursor_of_one_order_is_foreign_to_the_others(client: FlaskClient, owner: FlaskClient) -> None:
    sorts = ("name", "-name", "size", "-size", "time", "-time")
    cursors = {
        sort: client.get("/files", query_string={"sort": sort, "size": 1}).get_json()["next_cursor"]
        for sort in sorts
    }

    for sort in sorts:
        for of, cursor in cursors.items():
            answer = client.get("/files", query_string={"sort": sort, "cursor": cursor})
            assert answer.status_code == (200 if of == sort else 422), (sort, of)
    assert client.get("/files?sort=beauty").status_code == 422


def test_lists_are_filtered_by_owner_and_visibility(client: FlaskClient, owner: FlaskClient) -> None:
    admin = client_of_admin(client)

    def count(who: FlaskClient, **query: Any) -> int:
        return len(walk(who, 1, sort="name", **query))

    assert [count(owner, visibility=each) for each in (PUBLIC, UNLISTED, PRIVATE)] == [4, 0, 4]
    assert [count(admin, visibility=each) for each in (PUBLIC, UNLISTED, PRIVATE)] == [4, 0, 4]
    assert [count(client, visibility=each) for each in (PUBLIC, UNLISTED, PRIVATE)] == [4, 0, 0]
    assert [count(who, owner="me") for who in (client, owner, admin)] == [0, 4, 0]
    assert [count(who, owner="owner") for who in (owner, admin)] == [4, 4]
    assert count(admin, owner="owner", visibility=PUBLIC) == 0
    assert owner.get("/files?owner=system").status_code == 403
    assert client.get("/files?owner=owner").status_code == 403
    assert admin.get("/files?owner=nobody").status_code == 404


def test_expired_files_are_shown_to_their_owner_and_administrators(
    app: Flask, client: FlaskClient, owner: FlaskClient
) -> None:
    user_id = owner.get("/api/v1/access/me").get_json()["user_id"]
    put_names(Parts(app), ["mine"], state=EXPIRED, owner_id=user_id)
    put_names(Parts(app), ["public"], state=EXPIRED, visibility=PUBLIC)

    assert [name for name, _ in walk(owner, expired="true")] == ["mine"]
    assert walk(client, expired="true") == []
    assert {name for name, _ in walk(client_of_admin(client), expired="true")} == {"mine", "public"}


@pytest.mark.parametrize(
    ("sort", "index"),
    [("name", "ix_files_public_name"), ("-size", "ix_files_public_size"), ("time", "ix_files_public")],
)
def test_a_deep_page_is_sought_in_the_index_of_its_order(
    app: Flask, client: FlaskClient, sort: str, index: str
) -> None:
    parts = Parts(app)
    for number in range(3):
        put_names(parts, [f"{number}-{each:04}" for each in range(1000)], file_size=number, upload_us=number)
    asked: list[tuple[str, Any]] = []
    page = client.get("/files", query_string={"sort": sort, "size": 500}).get_json()
    for _ in range(3):
        page = client.get(
            "/files", query_string={"sort": sort, "size": 500, "cursor": page["next_cursor"]}
        ).get_json()

    with _listening(lambda *call: asked.append((call[2], call[3]))):
        client.get("/files", query_string={"sort": sort, "size": 5, "cursor": page["next_cursor"]})

    (statement, values) = next((text, values) for text, values in asked if "ORDER BY" in text)
    explain, is_sought = _SOUGHT[parts.database.dialect.name]
    with parts.database.read() as connection:
        plan = connection.exec_driver_sql(f"{explain} {statement}", values).all()
    assert any(is_sought(row, index) for row in plan), plan


def client_of_admin(client: FlaskClient) -> FlaskClient:
    """The first administrator's client of the same app."""
    admin = client.application.test_client()
    admin.environ_base["HTTP_AUTHORIZATION"] = AS_ADMIN["Authorization"]
    return admin


@contextmanager
def _listening(hear: Callable[..., None]) -> Iterator[None]:
    """Hear of every statement that is executed meanwhile."""
    event.listen(Engine, "before_cursor_execute", hear)
    yield
    event.remove(Engine, "before_cursor_execute", hear)
