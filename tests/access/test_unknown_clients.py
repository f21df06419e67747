"""Clients whose address cannot be read: on record as `unknown`, counted together for each proxy, never more trusted."""

from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from filewallball.access.offenders import block_offenders
from filewallball.access.tables import blocks
from filewallball.files.tables import files
from filewallball.recording.caller import SYSTEM
from filewallball.recording.operations import operation
from harness.parts import Parts
from tests.access.people import Build, client_of, new_token
from tests.conftest import ADMIN_TOKEN

PROXY, OTHER_PROXY, CLIENT = "192.0.2.1", "192.0.2.2", "203.0.113.9"
BLOCKS = "/api/v1/access/blocks"
RIGHTS = ["/metrics", "/health/detailed", "/api/v1/stats/clients", "/api/v1/alerts", "/api/v1/upload/errors"]


def through(app: Flask, proxy: str, chain: str = "unknown", token: str = "") -> FlaskClient:
    """A client whom a trusted proxy names so."""
    client = client_of(app, token, proxy)
    client.environ_base["HTTP_X_FORWARDED_FOR"] = chain
    return client


@pytest.fixture
def behind(set_config: Build) -> Build:
    """Builds an app that trusts both proxies, which are monitoring networks too."""

    def make(**settings: str) -> Flask:
        networks = {"TRUSTED_PROXIES": "192.0.2.0/24", "MONITORING_NETWORKS": "0.0.0.0/0,::/0", **settings}
        return set_config(**networks)

    return make


def upload(client: FlaskClient, content: bytes = b"content") -> dict[str, object]:
    answer = client.post("/upload", data={"file": (BytesIO(content), "a.txt")})
    assert answer.status_code == 201, answer.text
    found: dict[str, object] = answer.get_json()
    return found


@pytest.mark.parametrize("path", RIGHTS)
def test_an_unknown_client_has_no_rights_of_a_network(behind: Build, path: str) -> None:
    app = behind()

    assert through(app, PROXY).get(path).status_code == 401
    assert through(app, PROXY, f"{CLIENT}:51234").get(path).status_code == 200
    assert through(app, PROXY, token=ADMIN_TOKEN).get(path).status_code == 200, "a token counts as ever"


def test_unknown_clients_share_a_limit_for_each_proxy(behind: Build) -> None:
    app = behind(RATELIMIT_API="2/hour", RATELIMIT_AUTH="1/hour")

    shared = [through(app, PROXY, chain).get("/files").status_code for chain in ("unknown", "_x", '""')]
    other = through(app, OTHER_PROXY).get("/files").status_code
    known = through(app, PROXY, CLIENT).get("/files").status_code
    me = through(app, OTHER_PROXY).get("/api/v1/access/me").get_json()

    assert (shared, other, known) == ([200, 200, 429], 200, 200)
    assert (me["address"], me["counted_as"], me["peer"]) == ("unknown", f"unknown:{OTHER_PROXY}", OTHER_PROXY)


def test_wrong_credentials_of_unknown_clients_count_for_their_proxy(behind: Build) -> None:
    app = behind(RATELIMIT_AUTH="1/hour")
    wrong = "fwb_a-token-that-nobody-was-given"

    seen = [
        through(app, proxy, token=wrong).get("/files").status_code for proxy in [PROXY] * 2 + [OTHER_PROXY]
    ]

    assert seen == [401, 429, 401]


def test_an_unknown_client_is_never_blocked_by_itself(behind: Build) -> None:
    app = behind(AUTOBLOCK_AUTH="1/hour", MONITORING_NETWORKS="", RATELIMIT_AUTH="")
    parts = Parts(app)
    for chain in ("unknown", CLIENT):
        for _ in range(3):
            through(app, PROXY, chain, token="fwb_a-token-that-nobody-was-given").get("/files")

    block_offenders(parts.gate, 60, lambda: operation(parts.ledger, "block:add", SYSTEM))

    listed = client_of(app, ADMIN_TOKEN).get(BLOCKS).get_json()["blocks"]
    assert [row["network"] for row in listed] == [CLIENT]
    assert through(app, PROXY).get("/files").status_code == 200


@pytest.mark.parametrize(
    ("network", "status"),
    [(PROXY, 200), ("192.0.2.0/24", 200), ("::/64", 200), ("0.0.0.0/0", 403), ("::/0", 403)],
)
def test_only_a_block_of_everybody_holds_for_unknown_clients(
    behind: Build, network: str, status: int
) -> None:
    app = behind()
    block = {"network": network, "reason": "test", "force": True}
    assert client_of(app, ADMIN_TOKEN).post(BLOCKS, json=block).status_code == 201

    assert through(app, PROXY).get("/files").status_code == status


def test_an_unknown_administrator_may_block(behind: Build) -> None:
    app = behind()

    answer = through(app, PROXY, token=ADMIN_TOKEN).post(
        BLOCKS, json={"network": CLIENT, "reason": "test", "force": True}
    )

    assert answer.status_code == 201


@pytest.mark.parametrize("network", [f"::ffff:{CLIENT}", "::ffff:203.0.113.0/120"])
def test_a_block_of_an_ipv4_address_written_as_ipv6_holds(behind: Build, network: str) -> None:
    app = behind()
    block = {"network": network, "reason": "test", "force": True}
    assert client_of(app, ADMIN_TOKEN).post(BLOCKS, json=block).status_code == 201

    assert through(app, PROXY, CLIENT).get("/files").status_code == 403


def test_a_block_that_cannot_be_read_keeps_no_other_from_holding(behind: Build) -> None:
    app = behind(MONITORING_NETWORKS="")
    admin, parts = client_of(app, ADMIN_TOKEN), Parts(app)
    for network in ("198.51.100.7", CLIENT):
        assert admin.post(BLOCKS, json={"network": network, "reason": "test"}).status_code == 201
    spoiled = update(blocks).where(blocks.c.network == "198.51.100.7").values(network="nonsense")
    parts.database.commit(lambda connection: connection.execute(spoiled))

    lifted = admin.post(BLOCKS, json={"network": "198.51.100.8", "reason": "test"})

    assert lifted.status_code == 201
    assert through(app, PROXY, "198.51.100.8").get("/files").status_code == 403
    assert through(app, PROXY, CLIENT).get("/files").status_code == 403


def test_what_unknown_clients_do_is_on_record_and_found(behind: Build) -> None:
    app = behind()
    admin = client_of(app, ADMIN_TOKEN)
    through(app, PROXY, "[::1").get("/files")
    through(app, PROXY, CLIENT).get("/files")
    parts = Parts(app)
    with operation(parts.ledger, "file:expire", SYSTEM):
        pass
    parts.shipper.flush()

    answer = admin.get("/api/v1/audit/logs?ip_address=unknown").get_json()
    anywhere = admin.get("/api/v1/audit/logs?ip_address=::/0&action=file:list").get_json()
    parts.sealer.run()

    assert [(row["ip_address"], row["action"]) for row in answer["logs"]] == [("unknown", "file:list")]
    assert answer["filters"]["ip_address"] == "unknown"
    assert answer["total"] == 1
    assert [row["ip_address"] for row in anywhere["logs"]] == [CLIENT], "no network holds an unknown client"
    assert parts.verification.run(SYSTEM).is_intact


def test_statistics_of_unknown_clients_are_nobodys_own(behind: Build) -> None:
    app = behind(MONITORING_NETWORKS="")
    token = new_token(app, "alice")
    upload(through(app, PROXY))
    upload(through(app, OTHER_PROXY, token=token))
    path = "/api/v1/upload/statistics/unknown"

    admin = client_of(app, ADMIN_TOKEN)
    seen = admin.get(path).get_json()
    ranked = admin.get("/api/v1/stats/clients").get_json()["clients"]

    assert (seen["client_ip"], seen["total_uploads"]) == ("unknown", 2)
    assert "unknown" in [row["client_ip"] for row in ranked]
    assert through(app, PROXY, token=token).get(path).status_code == 403
    assert through(app, PROXY).get(path).status_code == 401
    assert admin.put("/api/v1/stats/expected/unknown", json={"expected_within": "1h"}).status_code == 422


def test_unknown_clients_share_a_quota_for_each_proxy(behind: Build) -> None:
    app = behind(QUOTA_ANONYMOUS_FILES="1")
    admin = client_of(app, ADMIN_TOKEN)
    upload(through(app, PROXY, "unknown"))
    upload(through(app, OTHER_PROXY))

    refused = through(app, PROXY, "_x").post("/upload", data={"file": (BytesIO(b"more"), "a.txt")})
    quota = f"/api/v1/access/quotas/addresses/unknown:{PROXY}"
    raised = admin.put(quota, json={"limit_files": 2})

    assert refused.get_json()["code"] == "quota_exceeded"
    assert (raised.get_json()["principal"], raised.get_json()["used_files"]) == (f"unknown:{PROXY}", 1)
    upload(through(app, PROXY, "_x"))
    assert admin.get("/api/v1/access/quotas/addresses/unknown:nowhere").status_code == 422
    assert admin.get("/api/v1/access/quotas/addresses/unknown").status_code == 422


def test_an_unknown_client_does_not_learn_what_others_like_it_have_uploaded(behind: Build) -> None:
    app = behind()
    upload(through(app, PROXY), b"a secret")

    assert upload(through(app, PROXY), b"a secret")["is_duplicate"] is False
    assert upload(through(app, PROXY, token=ADMIN_TOKEN), b"a secret")["is_duplicate"] is False
    assert upload(through(app, PROXY, token=ADMIN_TOKEN), b"a secret")["is_duplicate"] is True
    with Parts(app).database.read() as connection:
        rows = connection.execute(
            select(files.c.client_ip, files.c.principal).where(files.c.owner_id == 0)
        ).all()
    assert set(rows) == {("unknown", f"unknown:{PROXY}")}


def test_an_unknown_client_deletes_with_its_token_alone(behind: Build) -> None:
    app = behind()
    file = upload(through(app, PROXY))
    path = f"/files/{file['file_id']}"

    assert through(app, PROXY).delete(path).status_code == 401
    with_token = through(app, PROXY).delete(path, headers={"X-Delete-Token": str(file["delete_token"])})
    assert with_token.status_code in (200, 204)


def test_unknown_clients_are_counted_in_metrics(behind: Build) -> None:
    app = behind()
    upload(through(app, PROXY))

    text = through(app, PROXY, CLIENT).get("/metrics").text

    assert "client_address_unreadable_total 1.0" in text
    assert 'client_ip="unknown"' in text
