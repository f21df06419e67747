"""Every validation_error names its fields and reasons in the error log and on its audit row, short and harmless."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from filewallball.errors import NotFound, ValidationFailed
from filewallball.errors.fields import recorded_faults
from tests.access.people import client_of, events
from tests.conftest import ADMIN_TOKEN

TOKEN = "fwb_" + "s3cret" * 7
JSON = {"content_type": "application/json"}
CASES: dict[str, tuple[str, str, dict[str, Any], str, set[str]]] = {
    "a query parameter": ("GET", "/files?size=0", {}, "file:list", {"size"}),
    "an unknown query parameter": ("GET", "/files?siez=1", {}, "file:list", {"siez"}),
    "a query parameter given twice": ("GET", "/files?size=1&size=2", {}, "file:list", {"size"}),
    "a query where none is read": ("GET", "/api/v1/access/me?a=1", {}, "user:describe", {"a"}),
    "a cursor": ("GET", "/files?cursor=zzz", {}, "file:list", {"cursor"}),
    "a range of sizes": ("GET", "/files?size_min=2&size_max=1", {}, "file:list", {"size_max"}),
    "JSON": (
        "POST",
        "/api/v1/access/users",
        {"data": b'{"role": "king"}', **JSON},
        "user:create",
        {"username", "role"},
    ),
    "nested JSON": (
        "POST",
        "/api/v1/access/users",
        {"data": b'{"username": {"a": 1}}', **JSON},
        "user:create",
        {"username"},
    ),
    "JSON that is an array": (
        "POST",
        "/api/v1/access/users",
        {"data": b"[]", **JSON},
        "user:create",
        {"_schema"},
    ),
    "a key given twice": (
        "POST",
        "/api/v1/access/users",
        {"data": b'{"role": "user", "role": "admin"}', **JSON},
        "user:create",
        {"role"},
    ),
    "not a number": (
        "POST",
        "/api/v1/access/users",
        {"data": b'{"username": NaN}', **JSON},
        "user:create",
        {"_schema"},
    ),
    "a network": (
        "POST",
        "/api/v1/access/blocks",
        {"data": b'{"network": "x", "reason": "y"}', **JSON},
        "block:add",
        {"network"},
    ),
    "an address in a path": (
        "PUT",
        "/api/v1/stats/expected/nowhere",
        {"data": b'{"expected_within": "1d"}', **JSON},
        "client:update",
        {"client_ip"},
    ),
    "a form without a file": (
        "POST",
        "/upload",
        {"data": {"visibility": "public"}, "content_type": "multipart/form-data"},
        "file:upload",
        {"file"},
    ),
    "a form's option": (
        "POST",
        "/upload",
        {"data": {"visibility": "secret", "file": (io.BytesIO(b"x"), "a")}},
        "file:upload",
        {"visibility"},
    ),
    "an option of a raw upload": (
        "PUT",
        "/upload/a?expires_in=never",
        {"data": b"x"},
        "file:upload",
        {"expires_in"},
    ),
    "a header": (
        "PUT",
        "/upload/a",
        {"data": b"x", "headers": {"X-Visibility": "public"}},
        "file:upload",
        {"X-Visibility"},
    ),
    "a digest": (
        "PUT",
        "/upload/a",
        {"data": b"x", "headers": {"Repr-Digest": "md5=:AA==:"}},
        "file:upload",
        {"Repr-Digest"},
    ),
}


@pytest.fixture
def told(set_config: Callable[..., Flask], environ: dict[str, str]) -> tuple[FlaskClient, Callable[[], Any]]:
    """An administrator's client, and what the error log has said so far."""
    client = client_of(set_config(ANONYMOUS_ROLE="user"), ADMIN_TOKEN)

    def lines() -> list[dict[str, Any]]:
        text = Path(environ["DATA_DIR"], "logs", "filewallball.log").read_text()
        found = [json.loads(line) for line in text.splitlines()]
        return [line for line in found if line["logger"] == "filewallball.error"]

    return client, lines


@pytest.mark.parametrize("case", CASES)
def test_the_log_and_the_audit_row_name_the_fields_and_reasons(
    told: tuple[FlaskClient, Callable[[], Any]], case: str
) -> None:
    client, lines = told
    method, path, options, action, names = CASES[case]

    answer = client.open(path, method=method, **options)

    assert answer.get_json()["code"] == "validation_error", answer.text
    (line,) = lines()
    (row, *_) = events(client, action)
    details: Any = row["details"]
    assert set(line["errors"]) == set(details["errors"]) == names
    assert all(details["errors"].values())
    assert line["errors"] == details["errors"]
    assert any(reason in line["error_message"] for reason in details["errors"].values())


def test_names_and_reasons_are_bounded_harmless_and_without_tokens(
    told: tuple[FlaskClient, Callable[[], Any]],
) -> None:
    client, lines = told
    hostile = {
        TOKEN: 1,
        "x" * 5000: 2,
        "\x1b[31m\u202e": 3,
        "a\nb": 4,
        **{f"n{number}": 1 for number in range(2000)},
    }

    answer = client.post("/api/v1/access/users", json=hostile)

    assert answer.status_code == 422
    found = lines()[-1]
    (row, *_) = events(client, "user:create")
    for text in (json.dumps(found), json.dumps(row["details"])):
        assert "s3crets3cret" not in text
        assert "\\u001b" not in text
        assert "\\u202e" not in text
        assert len(text) < 8000
    assert len(found["errors"]) <= 10


def test_an_error_without_fields_is_not_given_any() -> None:
    assert recorded_faults(NotFound("There is nothing here.")) == {}
    assert recorded_faults(ValidationFailed("The query and the form differ.")) == {
        "_schema": "The query and the form differ."
    }


@pytest.mark.parametrize("shown", [f"%66wb_{TOKEN[4:]}", f"Bearer {TOKEN[4:]}"])
def test_a_token_is_hidden_in_whatever_form_it_stands(shown: str) -> None:
    recorded = recorded_faults(ValidationFailed(errors={shown: [shown]}))

    assert TOKEN[4:] not in json.dumps(recorded)
