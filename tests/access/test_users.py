"""Users: their names, roles, and the administrator that always remains."""

import pytest
from flask.testing import FlaskClient

USERS = "/api/v1/access/users"


def test_a_user_is_created_listed_and_described(admin: FlaskClient) -> None:
    made = admin.post(USERS, json={"username": "김철수", "role": "monitor"})

    assert made.status_code == 201
    assert admin.get(f"{USERS}/{made.get_json()['id']}").get_json() == made.get_json()
    assert [user["username"] for user in admin.get(USERS).get_json()["users"]] == ["admin", "김철수"]


def test_a_name_is_given_once(admin: FlaskClient) -> None:
    assert admin.post(USERS, json={"username": "alice"}).status_code == 201

    again = admin.post(USERS, json={"username": "alice"})

    assert (again.status_code, again.get_json()["code"]) == (409, "conflict")


def test_names_that_differ_only_in_case_are_different_users(admin: FlaskClient) -> None:
    assert admin.post(USERS, json={"username": "alice"}).status_code == 201
    assert admin.post(USERS, json={"username": "Alice"}).status_code == 201


@pytest.mark.parametrize(
    "name",
    ["", " alice", "alice ", "system", "System", "me", "a\nb", "a\u202eb", "\uff41lice", "x" * 129, 7, None],
)
def test_names_that_could_be_mistaken_are_refused(admin: FlaskClient, name: object) -> None:
    assert admin.post(USERS, json={"username": name}).status_code == 422


@pytest.mark.parametrize(
    "body", [{"role": "root"}, {"disabled": "perhaps"}, {"id": 1}, {"username": "other"}, []]
)
def test_a_change_takes_nothing_but_role_and_disabled(admin: FlaskClient, body: object) -> None:
    assert admin.patch(f"{USERS}/1", json=body).status_code == 422


@pytest.mark.parametrize("change", [{"role": "user"}, {"disabled": True}])
def test_the_last_administrator_stays(admin: FlaskClient, change: dict[str, object]) -> None:
    assert admin.patch(f"{USERS}/1", json=change).status_code == 409
    assert admin.get(USERS).status_code == 200

    admin.post(USERS, json={"username": "second", "role": "admin"})

    assert admin.patch(f"{USERS}/1", json=change).status_code == 200


def test_an_unknown_user_is_not_found(admin: FlaskClient) -> None:
    assert admin.get(f"{USERS}/999").status_code == 404
    assert admin.patch(f"{USERS}/999", json={"role": "user"}).status_code == 404
    assert admin.get(f"{USERS}/99999999999999999999").status_code == 404
    assert admin.post("/api/v1/access/tokens", json={"user_id": 999}).status_code == 404
