"""Parameters in the wrong place: a change that asks for more than would be done is refused, and changes nothing."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.access.people import Build, client_of
from tests.conftest import ADMIN_TOKEN
from tests.files.images import image

_BLOCKS, _USERS, _TOKENS = (f"/api/v1/access/{name}" for name in ("blocks", "users", "tokens"))


@pytest.fixture
def admin(build: Build) -> FlaskClient:
    """A client of an app that sends the first administrator's token."""
    return client_of(build(), ADMIN_TOKEN)


@pytest.mark.parametrize(
    ("method", "path", "body", "name"),
    [
        ("POST", f"{_BLOCKS}?expires_in=1h", {"network": "192.0.2.7", "reason": "tests"}, "expires_in"),
        ("POST", f"{_TOKENS}?expires_in=1d", {"user_id": 1}, "expires_in"),
        ("POST", f"{_USERS}?role=guest", {"username": "jo"}, "role"),
        ("PATCH", f"{_USERS}/1?disabled=false", {}, "disabled"),
        ("POST", f"{_TOKENS}/1/rotate?grace=1h", {}, "grace"),
        ("DELETE", f"{_TOKENS}/1?grace=1h", None, "grace"),
        ("DELETE", f"{_BLOCKS}/1?force=true", None, "force"),
        ("PUT", "/api/v1/access/quotas/users/1?limit_bytes=1", {}, "limit_bytes"),
        ("PUT", "/api/v1/access/quotas/addresses/192.0.2.7?limit_files=1", {}, "limit_files"),
        (
            "PUT",
            "/api/v1/stats/expected/192.0.2.7?expected_within=1h",
            {"expected_within": "2h"},
            "expected_within",
        ),
        ("DELETE", "/api/v1/stats/expected/192.0.2.7?days=1", None, "days"),
        ("DELETE", "/files/any?delete_token=secret", None, "delete_token"),
        ("DELETE", "/files/any?X-Delete-Token=secret", None, "X-Delete-Token"),
        ("POST", "/api/v1/quarantine/any/release?visibility=private", None, "visibility"),
        ("DELETE", "/api/v1/quarantine/any?older_than=7", None, "older_than"),
        ("GET", "/api/v1/stats/expected?client_ip=192.0.2.7", None, "client_ip"),
        ("GET", f"{_USERS}/1?page=2", None, "page"),
        ("GET", "/api/v1/audit/verify?block=1", None, "block"),
    ],
)
def test_a_parameter_that_is_not_read_is_refused_by_name(
    admin: FlaskClient, method: str, path: str, body: dict[str, Any] | None, name: str
) -> None:
    before = everything(admin)

    answer = (
        admin.open(path, method=method, json=body) if body is not None else admin.open(path, method=method)
    )

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [name]
    assert everything(admin) == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"{_TOKENS}/1/rotate", b"grace=1h"),
        ("PATCH", f"{_USERS}/1", b'{"disabled": true}'),
        ("PUT", "/api/v1/access/quotas/users/1", b'{"limit_bytes": 1}'),
        ("POST", _BLOCKS, b"network=192.0.2.7&reason=tests"),
    ],
)
def test_a_body_that_is_not_said_to_be_json_is_refused_and_not_ignored(
    admin: FlaskClient, method: str, path: str, body: bytes
) -> None:
    before = everything(admin)

    answer = admin.open(path, method=method, data=body, content_type="application/x-www-form-urlencoded")

    assert (answer.status_code, answer.get_json()["code"]) == (415, "unsupported_media_type")
    assert everything(admin) == before


def test_a_token_is_still_rotated_without_a_body(admin: FlaskClient) -> None:
    token = admin.post(_TOKENS, json={"user_id": 1}).get_json()["details"]["id"]

    assert admin.post(f"{_TOKENS}/{token}/rotate?_=1").status_code == 201


def test_links_may_carry_whatever_others_append(admin: FlaskClient) -> None:
    file = admin.put("/upload/a.txt", data=b"content").get_json()

    for path in (file["download_url"], file["view_url"], f"/files/{file['file_id']}", "/health", "/metrics"):
        assert admin.get(f"{path}?ref=newsletter&v=2").status_code == 200


@pytest.mark.parametrize("query", ["tag=a&tag=b", "a=1&a=2&v=1", "v=1", "ref=&ref=", "%ff=1&%ff=2"])
def test_links_to_files_may_carry_what_is_not_theirs_more_than_once(admin: FlaskClient, query: str) -> None:
    file = admin.put("/upload/a.png", data=image("PNG", (4, 4))).get_json()["file_id"]

    for path in ("download", "view", "thumbnail", "files"):
        answer = admin.get(f"/{path}/{file}?{query}")
        assert answer.status_code == 200, path
    assert admin.get(f"/thumbnail/{file}?{query}&size=64").status_code == 200


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("size=64&size=64", "size"),
        *(
            (f"v=1&{name}=64", name)
            for name in ("siz", "sizee", "sixe", "zize", "isze", "Size", "SIZE", "sie")
        ),
        ("size=64&Size=32", "Size"),
        ("size=0", "size"),
        ("size=", "size"),
    ],
)
def test_what_a_thumbnail_takes_is_still_to_be_spelt_right_and_sent_once(
    admin: FlaskClient, query: str, name: str
) -> None:
    file = admin.put("/upload/a.png", data=image("PNG", (4, 4))).get_json()["file_id"]

    answer = admin.get(f"/thumbnail/{file}?{query}")

    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [name])


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ('{"username": "x", "role": "user", "role": "admin"}', ["role"]),
        ('{"username": "x", "r\\u006fle": "user", "role": "user"}', ["role"]),
        ('{"username": "x", "username": "x", "bogus": 1, "bogus": 1}', ["bogus", "username"]),
        ('{"username": "x", "role": {"a": [{"b": 1, "b": 2}]}}', ["b"]),
        ('{"username": "x", "\\ud800": 1, "\\ud800": 2}', None),
    ],
)
def test_a_key_that_a_json_body_holds_twice_is_refused_by_name(
    admin: FlaskClient, body: str, names: list[str] | None
) -> None:
    before = everything(admin)

    answer = admin.post(_USERS, data=body, content_type="application/json")

    assert answer.status_code == 422
    assert names in (None, sorted(answer.get_json()["errors"]))
    assert everything(admin) == before


@pytest.mark.parametrize(
    ("body", "status"), [("", 422), ("{", 400), ("\xff", 400), ("[" * 100_000, 400), ("[]", 422)]
)
def test_what_is_no_json_object_is_refused_as_before(admin: FlaskClient, body: str, status: int) -> None:
    answer = admin.post(_USERS, data=body.encode("latin-1"), content_type="application/json")

    assert answer.status_code == status


def everything(admin: FlaskClient) -> list[Any]:
    """Everything that these requests would change."""
    paths = (_BLOCKS, _USERS, _TOKENS, "/api/v1/access/quotas", "/api/v1/stats/expected")
    found = [admin.get(path).get_json() for path in paths]
    for token in found[2]["tokens"]:
        token.pop("last_used_at")
    return found
