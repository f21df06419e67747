"""Blocks: by hand and by offence, seen by every process, and never of those who watch or forward."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from filewallball.access.offenders import block_offenders
from filewallball.recording.caller import SYSTEM
from filewallball.recording.operations import operation
from filewallball.serving import maintenance
from harness.parts import Parts
from harness.waiting import wait_until
from tests.access.people import Build, client_of, events
from tests.conftest import ADMIN_TOKEN

BLOCKS = "/api/v1/access/blocks"
ADDRESS = "203.0.113.7"


def block(admin: FlaskClient, network: str, **more: object) -> int:
    answer = admin.post(BLOCKS, json={"network": network, "reason": "test", **more})
    assert answer.status_code == 201, answer.text
    return int(answer.get_json()["id"])


def punish(app: Flask) -> int:
    parts = Parts(app)
    return block_offenders(parts.gate, 60, lambda: operation(parts.ledger, "block:add", SYSTEM))


def status(app: Flask, address: str) -> int:
    return client_of(app, address=address).get("/files").status_code


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        ("203.0.113.7", "203.0.113.7", "203.0.113.8"),
        ("203.0.113.0/24", "203.0.113.255", "203.0.114.0"),
        ("203.0.113.9/24", "203.0.113.1", "203.0.112.255"),
        ("2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1"),
        ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
        ("2001:db8::7/128", "2001:db8::7", "2001:db8::8"),
    ],
)
def test_a_block_holds_for_its_network_alone(build: Build, network: str, inside: str, outside: str) -> None:
    app = build()
    block(client_of(app, ADMIN_TOKEN), network)

    answer = client_of(app, address=inside).get("/files")

    assert (answer.status_code, answer.get_json()["code"]) == (403, "blocked")
    assert status(app, outside) == 200
    assert client_of(app, ADMIN_TOKEN, inside).get("/files").status_code == 403, "a token changes nothing"


def test_a_block_ends_when_it_is_lifted_or_its_time_has_passed(app: Flask, admin: FlaskClient) -> None:
    lifted = block(admin, ADDRESS)
    assert status(app, ADDRESS) == 403
    assert admin.delete(f"{BLOCKS}/{lifted}").status_code == 204
    assert admin.delete(f"{BLOCKS}/{lifted}").status_code == 404
    assert status(app, ADDRESS) == 200

    block(admin, ADDRESS, expires_in="1h")
    assert [row["network"] for row in admin.get(BLOCKS).get_json()["blocks"]] == [ADDRESS]
    assert status(app, ADDRESS) == 403
    block(admin, ADDRESS, expires_in="1s")
    wait_until(lambda: status(app, ADDRESS) == 200, 60, "the block has ended")
    assert admin.get(BLOCKS).get_json()["blocks"] == []
    assert len(admin.get(f"{BLOCKS}?everything=true").get_json()["blocks"]) == 2


def test_a_process_that_starts_knows_who_is_blocked_before_anybody_asks(
    set_config: Build, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    block(admin, ADDRESS)
    other = set_config()
    monkeypatch.setattr(maintenance.Loop, "run_forever", lambda loop: None)  # no job gets its turn yet

    finish = maintenance.start(other)
    seen = status(other, ADDRESS)
    finish()

    assert seen == 403


def test_another_process_sees_a_block_at_its_next_poll(set_config: Build, admin: FlaskClient) -> None:
    other = set_config()
    block_id = block(admin, ADDRESS)

    Parts(other).gate.blocks.refresh()
    assert status(other, ADDRESS) == 403

    admin.delete(f"{BLOCKS}/{block_id}")
    Parts(other).gate.blocks.refresh()
    assert status(other, ADDRESS) == 200


@pytest.mark.parametrize("network", ["", "nonsense", "1.2.3.4/33", "1.2.3", "::1/129", 7, "0x7f000001"])
def test_what_is_no_network_cannot_be_blocked(build: Build, network: object) -> None:
    admin = client_of(build(), ADMIN_TOKEN)

    assert admin.post(BLOCKS, json={"network": network, "reason": "x"}).status_code == 422


@pytest.mark.parametrize("offence", ["auth", "limits", "suspicious"])
def test_a_client_that_offends_too_often_is_blocked(build: Build, offence: str) -> None:
    app = build(
        AUTOBLOCK_AUTH="3/hour",
        AUTOBLOCK_LIMITS="3/hour",
        AUTOBLOCK_SUSPICIOUS="3/hour",
        RATELIMIT_API="1/hour",
    )

    def offend() -> None:
        if offence == "auth":
            client_of(app, "x" * 30, ADDRESS).put("/upload/a.txt", data=b"x")
        elif offence == "limits":
            client_of(app, address=ADDRESS).get("/files")
        else:
            client_of(app, address=ADDRESS).put("/upload/a.png", data=b"#!/bin/sh\n")

    for _ in range(3):
        offend()
    if offence == "limits":
        offend()
    assert punish(app) == 0
    offend()
    assert punish(app) == 1
    assert punish(app) == 0

    admin = client_of(app, ADMIN_TOKEN, "203.0.113.99")
    row = admin.get(BLOCKS).get_json()["blocks"][0]
    assert (row["network"], row["origin"]) == (ADDRESS, "automatic")
    assert "more than 3 per 1 hour" in row["reason"]
    assert row["evidence"]
    assert row["expires_at"]
    assert status(app, ADDRESS) == 403


@pytest.mark.parametrize("address", ["127.0.0.1", "127.3.2.1", "::1", "192.0.2.5", "198.51.100.1"])
def test_loopback_monitors_and_proxies_are_never_blocked_by_themselves(build: Build, address: str) -> None:
    app = build(
        AUTOBLOCK_AUTH="1/hour", MONITORING_NETWORKS="192.0.2.0/24", TRUSTED_PROXIES="198.51.100.1/32"
    )

    for _ in range(5):
        client_of(app, "x" * 30, address).get("/files")

    assert punish(app) == 0


def test_a_proxy_in_a_blocked_network_still_forwards(build: Build) -> None:
    app = build(TRUSTED_PROXIES="198.51.100.1/32")
    block(client_of(app, ADMIN_TOKEN), "198.51.100.0/24", force=True)
    proxy = client_of(app, address="198.51.100.1")

    assert proxy.get("/files", headers={"X-Forwarded-For": "203.0.113.1"}).status_code == 200
    assert proxy.get("/files", headers={"X-Forwarded-For": "198.51.100.2"}).status_code == 403
    assert proxy.get("/files").status_code == 200, "its own requests, such as probes"


def test_blocks_are_on_record_and_counted(build: Build) -> None:
    app = build()
    admin = client_of(app, ADMIN_TOKEN)
    block(admin, ADDRESS)
    status(app, ADDRESS)

    assert events(admin, "block:add")[0]["details"]["network"] == ADDRESS  # type: ignore[index]
    assert events(admin, "file:list")[0]["error_type"] == "blocked"
    assert "blocked_networks 1.0" in client_of(app).get("/metrics").text


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "198.51.100.0/24", "198.51.100.9"])
def test_nobody_blocks_everybody_or_themselves_by_accident(build: Build, network: str) -> None:
    app = build()
    admin = client_of(app, ADMIN_TOKEN, "198.51.100.9")
    wanted = {"network": network, "reason": "test"}

    refused = admin.post(BLOCKS, json=wanted)
    forced = admin.post(BLOCKS, json={**wanted, "force": True})

    assert (refused.status_code, refused.get_json()["code"]) == (409, "conflict")
    assert "force" in refused.get_json()["detail"]
    assert forced.status_code == 201


def test_a_network_that_is_blocked_again_has_one_block_with_the_new_reason_and_end(
    app: Flask, admin: FlaskClient
) -> None:
    first = block(admin, ADDRESS, expires_in="1h")
    second = block(admin, f"{ADDRESS}/32", reason="once more")
    other = block(admin, "203.0.113.0/24")

    listed = admin.get(BLOCKS).get_json()

    assert (first, listed["total"]) == (second, 2)
    assert [row["id"] for row in listed["blocks"]] == [other, first]
    assert (listed["blocks"][1]["reason"], listed["blocks"][1]["expires_at"]) == ("once more", None)
    admin.delete(f"{BLOCKS}/{first}")
    assert block(admin, ADDRESS) != first, "what ended is history"
    assert admin.get(f"{BLOCKS}?everything=true&size=1").get_json()["total"] == 3


def test_lists_tell_how_many_there_are(admin: FlaskClient) -> None:
    for name in ("alice", "bob"):
        user = admin.post("/api/v1/access/users", json={"username": name}).get_json()["id"]
        admin.post("/api/v1/access/tokens", json={"user_id": user})

    assert admin.get("/api/v1/access/users?size=1").get_json()["total"] == 3
    assert admin.get("/api/v1/access/tokens?size=1").get_json()["total"] == 3
    assert admin.get(f"/api/v1/access/tokens?size=1&user_id={user}").get_json()["total"] == 1
