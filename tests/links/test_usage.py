"""The statistics of a link: the same before and after its rows are sealed, and after the sums are made again."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete

from filewallball.stats.tables import usage_link_daily
from harness.parts import Parts
from tests.access.people import client_of, new_token
from tests.links.shared import AS_ADMIN, keep_private, make_link, seen


def usage(client: FlaskClient, link: dict[str, Any]) -> dict[str, Any]:
    answer = client.get(f"/api/v1/links/{link['link_id']}/statistics", headers=AS_ADMIN)
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    # The owner's own look is on record by the link as well, and is no use of it.
    return {name: value for name, value in found.items() if name not in ("link_id", "period_days")}


def test_the_use_of_a_link_is_exact_sealed_or_not(app: Flask, client: FlaskClient) -> None:
    file, parts = keep_private(client), Parts(app)
    link, other = (make_link(client, file["file_id"], one_time=True) for _ in range(2))
    client.get(link["path"])
    client.get(link["path"], headers={"Range": "bytes=4-"})
    client.head(link["path"])
    client.get(link["path"])

    unsealed = usage(client, link)
    parts.sealer.run()
    sealed = usage(client, link)
    parts.rebuild.run()
    rebuilt = usage(client, link)

    (day,) = unsealed.pop("days")
    counts = {"downloads": 1, "transfers": 2, "bytes_sent": 16, "refused": 1}
    assert {**counts, "refusals": {"link_used_up": 1}} == unsealed
    assert {name: day[name] for name in counts} == counts
    assert sealed == rebuilt == {**unsealed, "days": [day]}
    assert usage(client, other)["downloads"] == 0


def test_reconciliation_recounts_the_use_of_links(app: Flask, client: FlaskClient) -> None:
    link, parts = make_link(client, keep_private(client)["file_id"]), Parts(app)
    client.get(link["path"])
    parts.shipper.flush(seconds=60)
    parts.sealer.run()
    before = next(parts.reconciliation.lines())

    with parts.database.begin() as connection:
        connection.execute(delete(usage_link_daily))

    after = next(parts.reconciliation.lines())
    assert (before.agrees, after.agrees) == (True, False)
    assert "uses by link" in after.text


def test_the_use_of_a_link_is_its_owners_to_know(app: Flask, client: FlaskClient) -> None:
    link = make_link(client, keep_private(client)["file_id"])
    other = client_of(app, new_token(app, "other"))

    assert seen(other.get(f"/api/v1/links/{link['link_id']}/statistics")) == (404, "not_found")
