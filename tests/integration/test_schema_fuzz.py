"""Whatever the API's own description allows to be sent: no 500, no undocumented status, no answer of another shape."""

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from filewallball.permissions import ROLES
from tests.access.people import new_token
from tests.conftest import ADMIN_TOKEN

_CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture
def target(set_config: Callable[..., Flask]) -> Flask:
    """An app without limits."""
    return set_config(
        RATELIMIT_AUTH="off", AUTOBLOCK_AUTH="off", AUTOBLOCK_SUSPICIOUS="off", LOG_LEVEL="CRITICAL"
    )


@pytest.fixture
def senders(target: Flask) -> list[str]:
    """The Authorization header of everybody who may ask: nobody, each role."""
    roles = [role for role in ROLES if role != "admin"]
    tokens = [ADMIN_TOKEN, *(new_token(target, f"some-{role}", role) for role in roles)]
    return ["", *(f"Bearer {token}" for token in tokens)]


@pytest.mark.soak
def test_no_request_that_the_description_allows_breaks_a_promise(
    target: Flask, senders: list[str], rounds: Callable[[int, int], int]
) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", target)
    sent, broken = 0, list[str]()

    for found in schema.get_all_operations():
        count, wrong = campaign(found.ok(), rounds(7, 180), senders)  # type: ignore[union-attr]
        sent, broken = sent + count, broken + wrong

    assert not broken, "\n\n".join(broken)
    assert sent >= rounds(1_000, 25_000)  # and as many on the other database


def campaign(operation: Any, examples: int, senders: list[str]) -> tuple[int, list[str]]:
    """Send so many generated requests for one operation, each in every name; how many, and what was answered wrong."""
    broken: list[str] = []
    sent = 0

    @settings(max_examples=examples, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        nonlocal sent
        invented = (case.headers or {}).pop("Authorization", "")
        for credentials in {*senders, invented}:
            answer = case.call(headers={"Authorization": credentials} if credentials else {})
            sent += 1
            try:
                case.validate_response(answer, checks=_CHECKS)
            except FailureGroup as wrong:
                broken.append(f"{case.as_curl_command()}\n{answer.status_code} {answer.text[:300]}\n{wrong}")

    send()
    return sent, broken
