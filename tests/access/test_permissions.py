"""The permissions of every role on every route, and on files that are one's own, another's or nobody's."""

import io
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from filewallball import permissions
from filewallball.access.admission import Rule
from tests.access.people import Build, client_of, new_token
from tests.conftest import ADMIN_TOKEN

# What the design promises; the code's own table is compared with it.
HOLDERS = {
    permissions.SELF: {"anonymous", "guest", "user", "monitor", "admin"},
    permissions.FETCH: {"anonymous", "guest", "user", "monitor", "admin"},
    permissions.UPLOAD: {"user", "admin"},
    permissions.LIST: {"user", "admin"},
    permissions.UPDATE: {"user", "admin"},
    permissions.HISTORY: {"user", "admin"},
    permissions.DELETE: {"user", "admin"},
    permissions.SHARE: {"user", "admin"},
    permissions.OWN_STATS: {"user", "monitor", "admin"},
    permissions.ANY_FILE: {"admin"},
    permissions.STATS: {"monitor", "admin"},
    permissions.ALERTS: {"monitor", "admin"},
    permissions.AUDIT: {"admin"},
    permissions.MANAGE: {"admin"},
    permissions.QUARANTINE: {"admin"},
}
ROLES = ("anonymous", "guest", "user", "monitor", "admin")
UNRECORDED = (
    "health.",
    "docs.",
    "start.",
    "console.",
    "api-docs.",
    "console-settings.",
    "runbook.",
    "refusals.",
)  # probes, documentation, and what nginx alone may ask for: nothing to protect here
ARGUMENTS = {"file_id": str(uuid.UUID(int=7)), "filename": "a.bin", "client_ip": "127.0.0.1"}
QUERIES = {"statistics.Series": {"client": "127.0.0.1"}}
"""What routes are asked for that are more open to some questions than to others."""


@pytest.fixture
def strict(build: Build) -> Flask:
    """Anonymous callers are guests, and the tests' own address has no monitoring rights."""
    return build(ANONYMOUS_ROLE="guest", MONITORING_NETWORKS="192.0.2.0/24")


@pytest.fixture
def callers(strict: Flask) -> dict[str, FlaskClient]:
    """A client for each role."""
    tokens = {role: new_token(strict, f"some-{role}", role) for role in permissions.ROLES if role != "admin"}
    tokens["admin"] = ADMIN_TOKEN
    return {"anonymous": client_of(strict)} | {
        role: client_of(strict, token) for role, token in tokens.items()
    }


def routes(app: Flask) -> Iterator[tuple[str, str, str, Rule | None]]:
    """(method, path with sample arguments, endpoint, rule) of every route."""
    adapter = app.url_map.bind("localhost")
    for route in app.url_map.iter_rules():
        view: Any = app.view_functions[route.endpoint]
        arguments = {name: ARGUMENTS.get(name, 999) for name in route.arguments}
        if "path" in str(route.rule):
            arguments = dict.fromkeys(route.arguments, "x")
        for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
            handler = getattr(getattr(view, "view_class", None), method.lower(), view)
            asked = {**arguments, **QUERIES.get(route.endpoint, {})}
            path = adapter.build(route.endpoint, asked, method=method)
            yield method, path, route.endpoint, getattr(handler, "rule", None)


def test_every_route_names_its_operation_or_is_known_to_need_none(strict: Flask) -> None:
    unruled = {endpoint for _, _, endpoint, rule in routes(strict) if rule is None}

    assert {name for name in unruled if not name.startswith(UNRECORDED) and "prometheus" not in name} <= {
        "metrics"
    }


def test_the_roles_hold_what_the_design_gives_them() -> None:
    for permission, holders in HOLDERS.items():
        granted = {role for role, held in permissions.ROLES.items() if permission in held}
        assert granted == holders - {"anonymous"}, permission
    assert set().union(*permissions.ROLES.values()) == set(HOLDERS)


def test_every_route_is_open_to_those_who_may_and_to_nobody_else(
    strict: Flask, callers: dict[str, FlaskClient]
) -> None:
    wrong = []
    for method, path, _, rule in routes(strict):
        if rule is None or rule.permission == permissions.RECEIVE_ALERTS:
            continue  # a secret opens that, no role does
        for role in ROLES:
            answer = callers[role].open(path, method=method, json={} if method in ("POST", "PATCH") else None)
            code = (answer.get_json(silent=True) or {}).get("code", "")
            refused = (answer.status_code, code) in ((401, "auth_missing"), (403, "forbidden"))
            # Whether a file may be deleted is its own question, and an unknown one is not found.
            expected = role not in HOLDERS[rule.permission]
            if refused != expected or answer.status_code >= 500:
                wrong.append((role, method, path, answer.status_code, code))
            if expected and answer.status_code != (401 if role == "anonymous" else 403):
                wrong.append((role, method, path, answer.status_code, code))

    assert wrong == []


def test_detailed_health_and_metrics_are_for_monitors(callers: dict[str, FlaskClient]) -> None:
    for path in ("/metrics", "/health/detailed"):
        allowed = {role for role, client in callers.items() if client.get(path).status_code < 400}
        assert allowed == {"monitor", "admin"}, path


def test_a_foreign_private_file_looks_like_an_unknown_one(
    strict: Flask, callers: dict[str, FlaskClient]
) -> None:
    own = callers["user"].post(
        "/upload", data={"file": (io.BytesIO(b"mine"), "a.txt"), "visibility": "private"}
    )
    private, unknown = own.get_json()["file_id"], str(uuid.UUID(int=9))
    others = {**callers, "other user": client_of(strict, new_token(strict, "other"))}
    del others["user"], others["admin"]

    for method, route in (
        ("GET", "/download/{}"),
        ("GET", "/view/{}"),
        ("GET", "/thumbnail/{}"),
        ("GET", "/files/{}"),
        ("DELETE", "/files/{}"),
    ):
        for who, client in others.items():
            seen = [client.open(route.format(file_id), method=method) for file_id in (private, unknown)]
            answers = [(answer.status_code, answer.get_json()["code"]) for answer in seen]
            assert answers[0] == answers[1], (who, method, route)
            assert answers[0][0] in (401, 403, 404)
    assert callers["user"].get(f"/download/{private}").data == b"mine"
    assert callers["admin"].get(f"/download/{private}").data == b"mine"


def test_only_the_owner_an_administrator_or_the_delete_token_deletes(
    strict: Flask, callers: dict[str, FlaskClient]
) -> None:
    def mine() -> str:
        answer = callers["user"].put("/upload/a.txt?visibility=public", data=b"mine")
        return f"/files/{answer.get_json()['file_id']}"

    other = client_of(strict, new_token(strict, "other"))

    assert other.delete(mine()).status_code == 403
    assert other.delete(mine(), headers={"X-Delete-Token": "guess"}).status_code == 403
    assert callers["monitor"].delete(mine()).status_code == 403
    assert callers["user"].delete(mine()).status_code == 204
    assert callers["admin"].delete(mine()).status_code == 204
