"""The examples of the API's description are what the service takes and answers."""

from io import BytesIO
from typing import Any

import jsonschema_rs
import pytest
from flask.testing import FlaskClient

from filewallball.web.examples import ANSWERS, REQUESTS

ROUTES_WITHOUT = {"Notification"}  # what Alertmanager sends


@pytest.fixture
def description(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").get_json()
    return found


def test_every_example_is_shown_and_fits_its_schema(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]

    for name, example in (REQUESTS | ANSWERS).items():
        assert schemas[name]["examples"] == [example]
        schema = {"$ref": f"#/components/schemas/{name}", "components": description["components"]}
        jsonschema_rs.validate(schema, example)


def test_the_example_of_an_answer_has_all_of_its_fields(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    fields = {name: set(schemas[name]["properties"]) for name in ANSWERS if name != "Problem"}

    assert {name: set(ANSWERS[name]) for name in fields} == fields
    assert set(ANSWERS["Problem"]) == set(schemas["Problem"]["required"])


def test_every_json_body_has_an_example_to_send(description: dict[str, Any]) -> None:
    bodies = [
        operation["requestBody"]["content"].get("application/json")
        for path in description["paths"].values()
        for method, operation in path.items()
        if method != "parameters" and "requestBody" in operation
    ]

    names = {body["schema"]["$ref"].rpartition("/")[2] for body in bodies if body}
    assert names - ROUTES_WITHOUT == set(REQUESTS)


def test_the_examples_of_an_administrators_requests_work(admin: FlaskClient) -> None:
    sent = [
        ("POST", "/api/v1/access/users", "NewUser", 201),
        ("POST", "/api/v1/access/tokens", "NewToken", 201),
        ("POST", "/api/v1/access/tokens/2/rotate", "Rotation", 201),
        ("PATCH", "/api/v1/access/users/2", "UserChange", 200),
        ("PUT", "/api/v1/access/quotas/users/2", "Limits", 200),
        ("POST", "/api/v1/access/blocks", "NewBlock", 201),
        ("PUT", "/api/v1/stats/expected/203.0.113.9", "Expect", 200),
    ]
    answers = [admin.open(path, method=method, json=REQUESTS[name]) for method, path, name, _ in sent]

    assert [answer.status_code for answer in answers] == [status for *_, status in sent]


def test_the_examples_of_an_owners_requests_work(admin: FlaskClient) -> None:
    file = admin.put("/upload/report.pdf", data=b"%PDF-1.4").get_json()
    changed = admin.patch(f"/files/{file['file_id']}", json=REQUESTS["FileChange"])
    link = admin.post("/api/v1/links", json=REQUESTS["NewLink"] | {"file_id": file["file_id"]})

    assert (changed.status_code, link.status_code) == (200, 201)


def test_the_form_as_the_documentation_offers_it_can_be_sent_twice(
    client: FlaskClient, description: dict[str, Any]
) -> None:
    operation = description["paths"]["/upload"]["post"]
    fields = operation["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    offered = {
        name: each.get("example", each.get("default")) for name, each in fields.items() if name != "file"
    }
    headers = {each["name"]: each["example"] for each in operation["parameters"] if "example" in each}

    answers = [
        client.post("/upload", data=offered | {"file": (content, "a.txt")}, headers=headers)
        for content in (BytesIO(b"one"), BytesIO(b"two"))
    ]

    assert None not in offered.values()
    assert [answer.status_code for answer in answers] == [201, 201]
