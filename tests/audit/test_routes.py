"""Every route is on record, or on a short list of those that are not."""

import re
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from harness.parts import Parts
from tests.fixtures.audit_log import rows_of

# Probes, metrics and documentation: asked all the time, telling nothing of anybody. Refusals are on record even there.
NOT_RECORDED = {
    "/",
    "/console/",
    "/console/<path:page>",
    "/console/assets/<version>/<path:name>",
    "/api/v1/console",
    "/docs",
    "/docs/errors",
    "/docs/static/<path:filename>",
    "/docs/swagger-ui/<path:name>",
    "/health",
    "/health/detailed",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/openapi.json",
    "/runbook",
    "/runbook.json",
    "/runbook/static/<path:filename>",
    # nginx alone may ask for it; what it records is tested behind nginx.
    "/_refused/<int:status>",
}
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_every_route_is_recorded_or_on_the_list(app: Flask) -> None:
    unrecorded = {rule.rule for rule in app.url_map.iter_rules() if not _actions(app, rule)}

    assert unrecorded == NOT_RECORDED


def test_an_attempt_on_any_recorded_route_leaves_one_row(app: Flask, parts: Parts) -> None:
    client = app.test_client()
    for number, rule in enumerate(app.url_map.iter_rules(), 1):
        client.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}"  # its own: the failures of one are limited
        for method, action in _actions(app, rule).items():
            before = _count(parts, action)
            path = re.sub(r"<int.*?:\w+>", "1", rule.rule)
            path = re.sub(r"<.*?>", "550e8400-e29b-41d4-a716-446655440000", path)

            answer = client.open(
                path, method=method, headers={"Authorization": "Bearer nobody-knows-this-token"}
            )

            assert answer.status_code == 401, (method, rule.rule)
            assert _count(parts, action) == before + 1, (method, rule.rule)


def test_refusals_of_unrecorded_routes_are_recorded(app: Flask, parts: Parts) -> None:
    client = app.test_client()
    for path in ("/metrics", "/health/detailed"):
        before = _count(parts, "auth:fail")

        answer = client.get(path, environ_base={"REMOTE_ADDR": "192.0.2.1"})

        assert answer.status_code == 401
        assert _count(parts, "auth:fail") == before + 1


def _actions(app: Flask, rule: Rule) -> dict[str, str]:
    """The operation that each method of a route performs."""
    view: Any = getattr(app.view_functions[rule.endpoint], "view_class", None)
    methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    found = {method: getattr(getattr(view, method.lower(), None), "rule", None) for method in methods}
    return {method: each.action for method, each in found.items() if each is not None}


def _count(parts: Parts, action: str) -> int:
    parts.ledger.coalescer.close_all()
    parts.shipper.ship()
    (row,) = rows_of(parts, f"SELECT COALESCE(SUM(count), 0) FROM audit_log WHERE action = '{action}'")
    return int(row[0])
