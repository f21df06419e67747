"""The lists of users, tokens, blocks and quotas: filters, pages, and cursors that lose and repeat nothing."""

from typing import Any

import pytest
from flask.testing import FlaskClient

URL = "/api/v1/access"
LISTS = ("users", "tokens", "blocks", "quotas")


@pytest.fixture
def people(admin: FlaskClient) -> dict[str, int]:
    """Five users, each with a token, a quota and a block."""
    found = {}
    for number, role in enumerate(("user", "guest", "user", "monitor", "user")):
        user = admin.post(f"{URL}/users", json={"username": f"p-{number}", "role": role}).get_json()
        found[user["username"]] = user["id"]
        admin.post(f"{URL}/tokens", json={"user_id": user["id"], "name": f"of {number}"})
        admin.put(f"{URL}/quotas/users/{user['id']}", json={"limit_files": number + 1})
        admin.post(f"{URL}/blocks", json={"network": f"203.0.113.{number}", "reason": "test"})
    return found


def page(admin: FlaskClient, name: str, **query: Any) -> dict[str, Any]:
    answer = admin.get(f"{URL}/{name}", query_string=query)
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def walk(admin: FlaskClient, name: str, **query: Any) -> list[Any]:
    rows: list[Any] = []
    cursor = ""
    while cursor is not None:
        found = page(admin, name, cursor=cursor, **query)
        rows += found[name]
        cursor = found["next_cursor"]
    return rows


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("name", LISTS)
def test_a_cursor_walks_the_same_list_as_pages(admin: FlaskClient, name: str) -> None:
    whole = page(admin, name)

    assert walk(admin, name, size=2) == whole[name]
    assert page(admin, name, size=2, page=2)[name] == whole[name][2:4]
    assert (whole["total"], whole["next_cursor"]) == (len(whole[name]), None)
    assert len(whole[name]) >= 5


@pytest.mark.usefixtures("people")
def test_a_cursor_of_one_list_is_foreign_to_the_others(admin: FlaskClient) -> None:
    cursors = {name: page(admin, name, size=1)["next_cursor"] for name in LISTS}
    for name in LISTS:
        for other in {*cursors.values()} - {cursors[name]} | {"junk", "W10", "e30", "WyJ1c2VycyIsMWU5OV0"}:
            answer = admin.get(f"{URL}/{name}", query_string={"cursor": other})
            assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["cursor"]), (name, other)


def test_users_and_tokens_are_filtered(admin: FlaskClient, people: dict[str, int]) -> None:
    admin.patch(f"{URL}/users/{people['p-0']}", json={"disabled": True})
    (token,) = page(admin, "tokens", user_id=people["p-1"])["tokens"]
    admin.delete(f"{URL}/tokens/{token['id']}")

    def names(**query: Any) -> list[str]:
        return [row["username"] for row in walk(admin, "users", q="p-", size=1, **query)]

    assert names() == list(people)
    assert names(role="user") == ["p-0", "p-2", "p-4"]
    assert names(role="user", disabled="false") == ["p-2", "p-4"]
    assert names(disabled="true") == ["p-0"]
    assert page(admin, "users", q="P-", size=1)["total"] == 0
    assert page(admin, "users", q="누구")["users"] == []
    assert [row["name"] for row in walk(admin, "tokens", state="revoked", size=1)] == ["of 1"]
    assert [row["name"] for row in walk(admin, "tokens", state="active", q="of ", size=1)] == [
        f"of {number}" for number in (4, 3, 2, 0)
    ]
    assert page(admin, "tokens", state="expired") == {"tokens": [], "total": 0, "next_cursor": None}


def test_blocks_and_quotas_are_filtered(admin: FlaskClient, people: dict[str, int]) -> None:
    (block,) = page(admin, "blocks", q="113.3")["blocks"]
    admin.delete(f"{URL}/blocks/{block['id']}")

    assert page(admin, "blocks", q="113.3")["total"] == 0
    assert page(admin, "blocks", q="113.3", everything="true")["total"] == 1
    assert page(admin, "blocks", origin="automatic")["blocks"] == []
    assert page(admin, "blocks", origin="manual", size=1)["total"] == 4
    wanted = f"user:{people['p-2']}"
    assert [row["principal"] for row in page(admin, "quotas", q=wanted)["quotas"]] == [wanted]
    assert page(admin, "quotas", q="누구")["quotas"] == []


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("users", "role=king"),
        ("tokens", "state=lost"),
        ("blocks", "origin=mine"),
        ("quotas", "q=%00"),
    ],
)
def test_what_is_no_filter_is_refused(admin: FlaskClient, name: str, query: str) -> None:
    assert admin.get(f"{URL}/{name}?{query}").status_code == 422
